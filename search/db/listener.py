"""Listens for changes that others make in the database, and tells them of our own."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from threading import Event, Thread

from sqlalchemy import (
    Engine,
)
from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from search.db.connection import GONE, direct, driver, first_line, is_read_only
from search.errors import RefractError

CHANNEL = "refract"
POLL_SECONDS = 1.0

logger = logging.getLogger(__name__)


class ChangeListener:
    """Calls a function at once, after every notification, and at least every so many `seconds`.

    Where it fails, because the database is away or for any other reason, that is logged, and it is called
    again after `pause` seconds.
    """

    def __init__(
        self, database: Engine, call: Callable[[], object], *, name: str, seconds: float, pause: float
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
        """Begins to listen, in a thread that ends with `end`."""
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
            except (*GONE, DBAPIError, RefractError, OSError) as error:
                logger.warning("The %s waits: %s.", self._thread.name, first_line(error))
            except Exception:
                logger.exception("The %s waits.", self._thread.name)
            self._ended.wait(self._pause)


@contextlib.contextmanager
def listening(engine: Engine) -> Iterator[Callable[[float], None]]:
    """Gives a function that waits for a notification that something changed, at most so many seconds."""
    if is_read_only(engine):
        yield lambda seconds: time.sleep(min(seconds, POLL_SECONDS))  # a copy of a server takes no LISTEN
        return
    with direct(engine).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
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


def notify(session: Session) -> None:
    """Tells all who listen, once the transaction is committed, that something changed."""
    session.execute(sql("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})
