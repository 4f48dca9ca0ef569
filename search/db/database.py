"""Opens the database: the server of DATABASE_URL, else the embedded one, with its tables brought up to
date."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    URL,
    Engine,
    create_engine,
    text,
)
from sqlalchemy.exc import DBAPIError

from search.db.connection import DIRECT, READ_ONLY, direct, driver, server_url
from search.db.embedded import embedded
from search.db.migrations import migrate
from search.settings import Settings

logger = logging.getLogger(__name__)

CONNECTIONS = 15
"""A process has so many connections at a time at most, and keeps this many of them open:"""
KEPT_OPEN = 5

POOL_SECONDS = 10.0
"""Nobody waits longer for a connection while others have them all."""


@contextlib.contextmanager
def open_database(settings: Settings, connections: int = CONNECTIONS) -> Iterator[Engine]:
    """Starts or joins the database, brings its tables up to date, and lets go of it at the end. The engine
    has so many connections at most.

    The embedded server stops when the last process that opened it closes it.

    Raises:
        ConfigurationError: DATABASE_URL or the data folder cannot be used.
        StoreUnavailable: no server answers.
    """
    with contextlib.ExitStack() as stack:
        url = (
            server_url(settings.database_url)
            if settings.database_url
            else stack.enter_context(embedded(settings.data))
        )
        past = settings.database_direct_url
        engine = connect(url, server_url(past, "DATABASE_DIRECT_URL") if past else None, connections)
        stack.callback(dispose, engine)
        migrate(engine)
        yield engine


def connect(url: URL, past_pooler: URL | None = None, connections: int = CONNECTIONS) -> Engine:
    """Makes the engine of a database. `past_pooler`: its address without the pooler that `url`
    leads through.

    What the server refuses to write, because it is a copy of another or the role only reads, is no error yet.
    """
    arguments: dict[str, Any] = {"connect_timeout": 5}
    options: dict[str, Any] = {}
    if past_pooler is not None:
        arguments["prepare_threshold"] = None  # a prepared one is of one of its connections
        options[DIRECT] = create_engine(past_pooler, pool_pre_ping=True, connect_args={"connect_timeout": 5})
    engine = create_engine(
        url,
        pool_pre_ping=True,
        pool_size=min(KEPT_OPEN, connections),
        max_overflow=max(0, connections - KEPT_OPEN),
        pool_timeout=POOL_SECONDS,
        connect_args=arguments,
        execution_options=options,
    )
    with contextlib.suppress(DBAPIError), engine.connect() as connection:
        behind = driver(connection).info.backend_pid != connection.scalar(text("SELECT pg_backend_pid()"))
        if behind and past_pooler is None:
            logger.warning(
                "DATABASE_URL leads through a pooler. If it pools transactions, as PgBouncer may, set "
                "DATABASE_DIRECT_URL to the server's own address."
            )
        if connection.scalar(text("SHOW transaction_read_only")) == "on":
            engine.update_execution_options(**{READ_ONLY: True})
    return engine


def dispose(engine: Engine) -> None:
    """Closes the connections of an engine, and of its direct one."""
    for each in {engine, direct(engine)}:
        each.dispose()
