"""Brings the tables of a database to the revision that this program knows."""

import functools
from importlib.metadata import version
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import (
    Connection,
    Engine,
)
from sqlalchemy.exc import DBAPIError, OperationalError

from search.db.connection import first_line, unavailable
from search.errors import ConfigurationError

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def migrate(engine: Engine, revision: str = "head") -> None:
    """Brings the tables to a revision (head: the newest this program knows).

    Raises:
        StoreUnavailable: the server does not answer.
        ConfigurationError: a newer Refract has made the tables, or they cannot be made.
    """
    try:
        with engine.begin() as connection:
            config = migration_config(connection)
            current = current_revision(connection)
            if revision == "head" and current == known_revisions()[-1]:
                return
            if current and current not in known_revisions():
                raise _newer(current)
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


def _newer(current: str) -> ConfigurationError:
    return ConfigurationError(
        f"The database was made by a newer Refract: its tables are at {current}, and this Refract "
        f"({version('refract')}) knows them up to {known_revisions()[-1]}.",
        hint="Install the newer version again; or restore a dump of before into a new place, with this one.",
    )


def migration_config(connection: Connection) -> Config:
    """Gives Alembic's settings, bound to an open connection."""
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
    """Lists the revisions of the tables that this program knows, the oldest first."""
    return tuple(script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())[::-1]


def current_revision(connection: Connection) -> str:
    """Reads the revision that the tables of a database are at; "" where there are none."""
    return MigrationContext.configure(connection).get_current_revision() or ""
