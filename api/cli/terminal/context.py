"""The context is what commands share: the option for a collection, the open database, a text to read.

Imports the database when a command runs, so that help and a wrong option need not wait for it.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from search.errors import ConfigurationError, SourceError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from search.engine.engine import SearchEngine
    from search.engine.reader import Reader
    from search.settings import Settings

Collection = Annotated[str, typer.Option(help="Name of the collection.")]


@contextlib.contextmanager
def opened(connections: int | None = None) -> "Iterator[tuple[Settings, Engine]]":
    """Opens the database of the settings, with so many connections at most; an error below becomes one line
    on the terminal.

    Raises:
        ConfigurationError: a setting cannot be used.
        StoreUnavailable: the database cannot be reached.
    """
    from search.db.connection import GONE, unavailable
    from search.db.database import CONNECTIONS, open_database
    from search.logs import configure
    from search.settings import load_settings

    settings = load_settings()
    configure(settings.log_format, settings.log_level)
    with open_database(settings, connections or CONNECTIONS) as database:
        try:
            yield settings, database
        except GONE as error:
            hint = "What was done is kept; free space or start it again, then repeat the command."
            raise unavailable(error, hint) from None
        except OSError as error:
            raise ConfigurationError(
                f"{error.strerror or error}: {error.filename or settings.data}.",
                hint="What was done is kept; mend it, then repeat the command.",
            ) from None


@contextlib.contextmanager
def opened_engine() -> "Iterator[SearchEngine]":
    """Makes a search engine over the open database.

    Raises:
        ConfigurationError: a setting cannot be used.
        StoreUnavailable: the database cannot be reached.
    """
    from search.engine.engine import SearchEngine

    with opened() as (settings, database):
        yield SearchEngine(database, settings.data)


@contextlib.contextmanager
def opened_reader(collection: str) -> "Iterator[Reader]":
    """Opens a reader of a collection of the open database.

    Raises:
        ConfigurationError, StoreUnavailable: see `opened`.
        CollectionNotFound, NotIndexed: there is nothing to read.
    """
    with opened_engine() as engine, engine.reader(collection) as reader:
        yield reader


def read_text(path: Path) -> str:
    """Reads the text of a file.

    Raises:
        SourceError: it cannot be read, or is no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise SourceError(
            f"{path} is not UTF-8 text.", hint="Index other kinds of files with refract index."
        ) from None
