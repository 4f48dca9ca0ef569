"""The command line as processes of its own, on one database and data folder or alone."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine

from tests.support.forked import Forked, forked, running

COMMAND = [sys.executable, "-m", "api.cli.main"]


def refract(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A command whose environment has this besides."""
    return forked(*arguments, environment={**os.environ, **environment})


def alone(*arguments: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """A command started as users start it, in this environment."""
    return subprocess.run(
        [*COMMAND, *arguments], env=environment, capture_output=True, text=True, timeout=120
    )


def address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Refract is at http://"), line
    return line.split()[3]


class Shell:
    """Commands on one database and data folder."""

    def __init__(self, database: Engine, data: Path, **settings: str) -> None:
        url = database.url.render_as_string(hide_password=False)
        self.settings = {"DATABASE_URL": url, "REFRACT_DATA": str(data), **settings}

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.settings}

    def tried(self, *arguments: str, given: bytes = b"") -> "subprocess.CompletedProcess[str]":
        return forked(*arguments, environment=self.environment, given=given)

    def run(self, *arguments: str, given: bytes = b"") -> str:
        done = self.tried(*arguments, given=given)
        assert done.returncode == 0, done.stderr
        return " ".join((done.stdout + done.stderr).split())

    def ids(self) -> list[str]:
        asked = ("search", "anything", "--collection", "n", "--limit", "50", "--no-collapse", "--json")
        found = json.loads(self.tried(*asked).stdout)
        return sorted(result["document"]["id"] for result in found["results"])


@contextlib.contextmanager
def started(*arguments: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """A command started as users start it; killed at the end if it still runs."""
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def spawned_worker(database: Engine, data: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`refract worker` as a program of its own, which may begin itself again, until the block ends."""
    process = subprocess.Popen([*COMMAND, "worker"], env=_worker_environment(database, data))
    try:
        yield process
    finally:
        process.terminate()
        assert process.wait(30) is not None


def _worker_environment(database: Engine, data: Path) -> dict[str, str]:
    url = database.url.render_as_string(hide_password=False)
    return {**os.environ, "DATABASE_URL": url, "REFRACT_DATA": str(data), "REFRACT_FOLDERS": "/"}


@contextlib.contextmanager
def worker(database: Engine, data: Path) -> Iterator[Forked]:
    """`refract worker` until the block ends."""
    with running("worker", environment=_worker_environment(database, data)) as process:
        yield process
        process.terminate()
        process.communicate()


@contextlib.contextmanager
def serving(environment: dict[str, str]) -> Iterator[str]:
    """Runs `refract serve` without a worker on a free port until the block ends; gives its address."""
    with served(environment, "--no-worker") as (url, *_):
        yield url


@contextlib.contextmanager
def served(environment: dict[str, str], *options: str) -> Iterator[tuple[str, str, Forked]]:
    """Runs `refract serve` on a free port until the block ends; gives its address, the line after it, and the
    process."""
    arguments = ("serve", "--port", "0", *options)
    with running(*arguments, environment={**os.environ, **environment}) as process:
        first = process.stdout.readline()
        assert "http://" in first, process.stderr.read()
        yield first.split()[3], process.stdout.readline(), process
        process.terminate()
        process.communicate()


def assert_one_line(failed: "subprocess.CompletedProcess[str]", *words: str) -> None:
    """Checks that a command failed and said so in one line with these words."""
    assert failed.returncode == 1
    lines = failed.stderr.strip().splitlines()
    assert len(lines) == 1, failed.stderr
    assert lines[0].startswith("refract: ")
    for word in words:
        assert word in lines[0]
