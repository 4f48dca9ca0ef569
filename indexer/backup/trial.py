"""A trial restores a dump into a database of its own, which is dropped again: whether it can be done is known
before somebody needs it."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from indexer.backup.restore import restore
from indexer.progress import Reporter
from search.db.connection import GONE
from search.db.migrations import migrate

FOLDER = "trial"


def try_restore(database: Engine, data: Path, where: str, reporter: Reporter) -> bool:
    """Restores a dump for trial; tells whether that could be tried, which takes a role that may make
    databases.

    Raises:
        SourceError: it cannot be restored.
    """
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = _name(connection)
        if not _made(connection, name):
            return False
    try:
        with _folder(data) as folder:
            trial = create_engine(database.url.set(database=name))
            try:
                migrate(trial)
                restore(trial, folder, where, reporter)
            finally:
                trial.dispose()
    finally:
        with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            _drop(connection, name)
    return True


def _name(connection: Connection) -> str:
    """The same each time, so that what a kill left is dropped by the next trial; and another one for each
    database of a server."""
    number = connection.execute(text("SELECT oid FROM pg_database WHERE datname = current_database()"))
    return f"refract_trial_{number.scalar_one()}"


def _made(connection: Connection, name: str) -> bool:
    try:
        _drop(connection, name)
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    except DBAPIError as error:
        if isinstance(error, GONE):
            raise
        return False
    return True


def _drop(connection: Connection, name: str) -> None:
    connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@contextlib.contextmanager
def _folder(data: Path) -> Iterator[Path]:
    folder = data / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
