"""The database for a command. Apart from the commands, so that those without a model start at once."""

import contextlib
from collections.abc import Iterator

from sqlalchemy import Engine

from search.db.connection import GONE, unavailable
from search.db.database import open_database
from search.errors import ConfigurationError
from search.settings import Settings, load_settings


@contextlib.contextmanager
def opened() -> Iterator[tuple[Settings, Engine]]:
    """Settings and an open database; what goes wrong below is told in one line.

    Raises:
        ConfigurationError, StoreUnavailable
    """
    settings = load_settings()
    with open_database(settings) as database:
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
