"""Opens the database: the server of DATABASE_URL, else the embedded one, with its tables brought up to
date."""

import contextlib
from collections.abc import Iterator

from sqlalchemy import (
    Engine,
    create_engine,
)

from search.db.connection import server_url
from search.db.embedded import embedded
from search.db.migrations import migrate
from search.settings import Settings

POOL_SECONDS = 10.0
"""Nobody waits longer for a connection while others have them all."""


@contextlib.contextmanager
def open_database(settings: Settings) -> Iterator[Engine]:
    """Starts or joins the database, brings its tables up to date, and lets go of it at the end.

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
        engine = create_engine(
            url, pool_pre_ping=True, connect_args={"connect_timeout": 5}, pool_timeout=POOL_SECONDS
        )
        stack.callback(engine.dispose)
        migrate(engine)
        yield engine
