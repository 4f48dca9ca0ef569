"""A thread that follows what others change in the database."""

import logging
from collections.abc import Callable
from threading import Event, Thread

from sqlalchemy import Engine as Database
from sqlalchemy.exc import DBAPIError

from search.db.connection import listening
from search.errors import RefractError

logger = logging.getLogger(__name__)


class Following:
    """Calls a function at once, after every notification, and at least every so many `seconds`.

    Where it fails, because the database is away or for any other reason, that is logged, and it is called
    again after `pause` seconds.
    """

    def __init__(
        self, database: Database, call: Callable[[], object], *, name: str, seconds: float, pause: float
    ) -> None:
        self._database = database
        self._call = call
        self._seconds, self._pause = seconds, pause
        self._ended = Event()
        self._thread = Thread(target=self._follow, name=name, daemon=True)

    @property
    def ended(self) -> bool:
        """Whether it was asked to end."""
        return self._ended.is_set()

    def start(self) -> None:
        """Begins, in a thread that ends with `end`."""
        self._thread.start()

    def end(self) -> None:
        """Ends after the call at hand."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _follow(self) -> None:
        while not self._ended.is_set():
            try:
                with listening(self._database) as wait:
                    while not self._ended.is_set():
                        self._call()
                        wait(self._seconds)
            except (DBAPIError, RefractError, OSError) as error:
                logger.warning("The %s waits: %s", self._thread.name, error)
            except Exception:
                logger.exception("The %s waits.", self._thread.name)
            self._ended.wait(self._pause)
