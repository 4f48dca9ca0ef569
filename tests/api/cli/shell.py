"""Commands as processes, on a database and data folder of their own."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine

from tests.api.cli.forked import forked

COMMAND = [sys.executable, "-m", "api.cli.main"]


def refract(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A command whose environment has this besides."""
    return forked(*arguments, environment={**os.environ, **environment})


def alone(*arguments: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """A command started as users start it, in this environment."""
    return subprocess.run(
        [*COMMAND, *arguments], env=environment, capture_output=True, text=True, timeout=120
    )


@contextlib.contextmanager
def started(*arguments: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """A server; killed at the end if it still runs."""
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


def address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Refract is at http://"), line
    return line.split()[3]


def assert_one_line(failed: "subprocess.CompletedProcess[str]", *words: str) -> None:
    assert failed.returncode == 1
    lines = failed.stderr.strip().splitlines()
    assert len(lines) == 1, failed.stderr
    assert lines[0].startswith("refract: ")
    for word in words:
        assert word in lines[0]


class Shell:
    """Commands on one database and data folder."""

    def __init__(self, database: Engine, data: Path) -> None:
        url = database.url.render_as_string(hide_password=False)
        self.settings = {"DATABASE_URL": url, "REFRACT_DATA": str(data)}

    def tried(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return forked(*arguments, environment={**os.environ, **self.settings})

    def run(self, *arguments: str) -> str:
        done = self.tried(*arguments)
        assert done.returncode == 0, done.stderr
        return " ".join((done.stdout + done.stderr).split())

    def ids(self) -> list[str]:
        asked = ("search", "anything", "--collection", "n", "--limit", "50", "--json")
        found = json.loads(self.tried(*asked).stdout)
        return sorted(result["document"]["id"] for result in found["results"])
