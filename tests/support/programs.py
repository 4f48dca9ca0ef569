"""Programs of the system that tests put around Refract: a proxy, a pooler."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest


def program(name: str) -> str:
    """The path of a program. Without it the test is skipped, or fails where REFRACT_REQUIRE_BROWSER=1, since
    CI must not leave anything out."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if path is None:
        message = f"NO {name.upper()} FOUND: ITS TESTS DID NOT RUN. Install {name} and run them again."
        if os.environ.get("REFRACT_REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return path


def free_port() -> int:
    """A port of the loopback that nobody listens on at this moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@contextlib.contextmanager
def listening(command: Sequence[str], port: int, **options: Any) -> Iterator[None]:
    """Runs a program until the block ends, from when it listens on the port."""
    process = subprocess.Popen(command, **options)
    try:
        end = time.monotonic() + 60
        while not _answers(port):
            assert process.poll() is None, f"{command[0]} ended"
            assert time.monotonic() < end, f"{command[0]} does not listen"
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
