"""The database for a command. Apart from the commands, so that those without a model start at once."""

import contextlib
from collections.abc import Iterator

import psycopg
from sqlalchemy import Engine as Database
from sqlalchemy.exc import OperationalError

from search.db import first_line, open_database
from search.errors import ConfigurationError, StoreUnavailable
from search.settings import Settings, load_settings


@contextlib.contextmanager
def opened() -> Iterator[tuple[Settings, Database]]:
    """Settings and an open database; what goes wrong below is told in one line.

    Raises:
        ConfigurationError, StoreUnavailable
    """
    settings = load_settings()
    with open_database(settings) as database:
        try:
            yield settings, database
        except (OperationalError, psycopg.OperationalError) as error:  # the second where rows are copied
            raise StoreUnavailable(
                f"The database gave up: {first_line(error)}.",
                hint="What was done is kept; free space or start it again, then repeat the command.",
            ) from None
        except OSError as error:
            raise ConfigurationError(
                f"{error.strerror or error}: {error.filename or settings.data}.",
                hint="What was done is kept; mend it, then repeat the command.",
            ) from None
