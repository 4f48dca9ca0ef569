"""Connects to the database: sessions, addresses, and what is told where the server does not answer."""

import contextlib
import logging
from collections.abc import Iterable, Iterator

import psycopg
from sqlalchemy import (
    URL,
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    SQLColumnExpression,
    any_,
    event,
    literal,
    make_url,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import ArgumentError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from search import deadline
from search.errors import ConfigurationError, ReadOnly, RefractError, StoreUnavailable

DRIVER = "postgresql+psycopg"

DIRECT, READ_ONLY = "refract_direct", "refract_read_only"
"""Execution options of an engine, see `direct` and `is_read_only`."""

GONE = (OperationalError, InternalError, PoolTimeout, psycopg.OperationalError)
"""These are raised where the server is not there, restarts, has no space left, or only reads; the last of
them where rows are copied."""

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def open_session(engine: Engine) -> Iterator[Session]:
    """Opens a session that commits nothing by itself.

    Raises:
        StoreUnavailable: the server does not answer.
    """
    try:
        with Session(engine) as session:
            yield session
    except GONE as error:
        raise unavailable(error) from None


def limit_statements(engine: Engine) -> None:
    """Lets no statement of a request take longer than the request may. It is said in each transaction: a pool
    of connections in front of the server keeps no setting of ours."""
    if not event.contains(engine, "begin", _limit):
        event.listen(engine, "begin", _limit)


def _limit(connection: Connection) -> None:
    limit = deadline.current()
    if limit is not None:
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {max(1, int(limit.left * 1000))}")


@contextlib.contextmanager
def for_all(session: Session) -> Iterator[None]:
    """Lets statements take as long as they take: what they read is kept for everybody. Those after it have
    the limit again that the request gave its transaction, which may begin here."""
    limited = deadline.current() is not None
    if limited:
        before = session.scalar(text("SHOW statement_timeout"))
    with deadline.unhurried():
        if limited:
            session.execute(text("SET LOCAL statement_timeout = 0"))
        yield
        if limited:
            session.execute(text("SELECT set_config('statement_timeout', :before, true)"), {"before": before})


def unavailable(
    error: BaseException, hint: str = "What was done is kept; try again in a moment."
) -> RefractError:
    """Makes the error that is told where the server does not answer, gave up, or does not write."""
    if isinstance(getattr(error, "orig", error), psycopg.errors.ReadOnlySqlTransaction):
        return ReadOnly(
            "Nothing can be changed here: the database only reads.",
            hint="Send changes to the Refract whose database this one copies.",
        )
    return StoreUnavailable(f"The database does not answer: {first_line(error)}.", hint=hint)


def driver(connection: Connection) -> psycopg.Connection:
    """Gives the driver's own connection, in the same transaction: for COPY and notifications."""
    found = connection.connection.driver_connection
    assert isinstance(found, psycopg.Connection)
    return found


def among(column: SQLColumnExpression[int], numbers: Iterable[int]) -> ColumnElement[bool]:
    """Says in SQL that a column is one of these numbers, however many: a statement takes 65,535 parameters at
    most, and this is one."""
    return column == any_(literal(list(numbers), ARRAY(BigInteger)))


def direct(database: Engine) -> Engine:
    """Gives the engine whose connections are the server's own: for what lives longer than a transaction, such
    as notifications and locks of a session."""
    found: Engine = database.get_execution_options().get(DIRECT, database)
    return found


def most_connections(database: Engine) -> int | None:
    """Gives how many connections an engine has at a time at most; None: it has no such limit."""
    pool = database.pool
    return pool.size() + pool._max_overflow if isinstance(pool, QueuePool) else None


def is_read_only(database: Engine) -> bool:
    """Whether the server refused to write when the engine was made: a copy of another, or a role that only
    reads."""
    return bool(database.get_execution_options().get(READ_ONLY))


def server_url(text: str, variable: str = "DATABASE_URL") -> URL:
    """Makes the SQLAlchemy address for a DATABASE_URL, whatever PostgreSQL driver it names.

    Raises:
        ConfigurationError: not the address of a PostgreSQL database.
    """
    hint = "It should look like postgresql://user:password@host:5432/database."
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigurationError(f"{variable} is not a database address.", hint=hint) from None
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise ConfigurationError(
            f"{variable} names {url.get_backend_name()!r}; Refract needs PostgreSQL.", hint=hint
        )
    return url.set(drivername=DRIVER)


def first_line(error: BaseException) -> str:
    """Says what an error says, short enough for one line."""
    text = str(getattr(error, "orig", None) or error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
