"""An examination looks at one thing after the other; what cannot be looked at is a finding, too."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from api.checks import Check, check_tables, check_vectors, check_webhooks, check_worker
from api.doctor.database import check_database, check_processes
from api.doctor.machine import check_machine
from api.doctor.variables import check_variables
from search.db.connection import first_line, server_url
from search.db.embedded import embedded
from search.errors import ConfigurationError, RefractError
from search.settings import Settings, load_settings


def examine() -> Iterator[Check]:
    """Looks at the set-up of the environment at hand, and changes nothing in it."""
    yield from check_variables(os.environ)
    try:
        settings = load_settings()
    except ConfigurationError:
        return  # told above; without settings there is nothing to look at
    yield from _tried("machine", lambda: check_machine(settings))
    if not settings.database_url and not (settings.data.expanduser() / "postgres").exists():
        told = f"There is no database in {settings.data} yet."
        yield Check("database", "ok", told, "refract run, or refract index PATH, makes one.")
        return
    yield from _tried("database", lambda: _check_stored(settings))


def _check_stored(settings: Settings) -> Iterator[Check]:
    from api.doctor.indexes import check_indexes  # loads FAISS, which may be what is wrong

    with _opened(settings) as database:
        yield from check_database(database)
        yield check_processes(database, settings.processes)
        with Session(database) as session:
            tables = check_tables(session.connection())
            yield tables
            if tables.state == "ok":
                yield check_worker(session)
                yield from check_webhooks(session)
                yield from check_vectors(session)
                yield from check_indexes(session, settings.data.expanduser(), settings.model)


@contextmanager
def _opened(settings: Settings) -> Iterator[Engine]:
    """Opens the database as it is: `search.db.database` would bring its tables up to date."""
    with ExitStack() as stack:
        if settings.database_url:
            url = server_url(settings.database_url)
        else:
            url = stack.enter_context(embedded(settings.data))
        engine = create_engine(url, connect_args={"connect_timeout": 5})
        stack.callback(engine.dispose)
        yield engine


def _tried(name: str, look: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    """Looks at some things, up to the first that cannot be looked at."""
    try:
        yield from look()
    except RefractError as error:
        yield Check(name, "fail", error.message, error.hint)
    except DBAPIError as error:
        hint = "Start the server, or mend DATABASE_URL."
        yield Check(name, "fail", f"The database does not answer: {first_line(error)}.", hint)
    except OSError as error:
        yield Check(
            name, "fail", f"{error.strerror or error}: {error.filename}.", "Mend that, then try again."
        )
