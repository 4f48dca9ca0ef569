"""The command line as a process of its own: help, failures in one line, signals."""

import os
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support.commands import (
    alone,
    assert_one_line,
    refract,
)
from tests.support.indexed import Indexed

pytestmark = pytest.mark.slow


def test_the_version_is_that_of_the_package() -> None:
    assert refract("--version").stdout == f"Refract {version('refract')}\n"


@pytest.fixture(scope="module")
def overview() -> str:
    return alone("--help", environment=dict(os.environ)).stdout


@pytest.mark.parametrize(
    "command", ["run", "serve", "index", "reindex", "labels", "search", "dump", "restore"]
)
def test_every_command_has_help(command: str, overview: str) -> None:
    shown = alone(command, "--help", environment=dict(os.environ))
    assert shown.returncode == 0
    assert "--help" in shown.stdout
    assert command in overview


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["serve", "--port", "70000"], ["search"], ["train"], ["labels", "ask"]]
)
def test_wrong_usage_is_told(arguments: list[str]) -> None:
    failed = alone(*arguments, environment=dict(os.environ))
    assert failed.returncode == 2
    assert "Usage" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_help_and_wrong_options_load_neither_a_model_nor_a_database() -> None:
    program = """
import sys
from typer.testing import CliRunner
from api.cli.main import Commands, app

def invoke(*arguments):
    return CliRunner().invoke(app, arguments).exit_code

assert invoke("--help") == 0
loaded = set(Commands.modules) & set(sys.modules)
assert not loaded, loaded
for listed in Commands.modules.values():
    for name in listed:
        assert invoke(name, "--help") == 0
        assert invoke(name, "--nonsense") == 2
print(sorted({"faiss", "numpy", "psycopg", "sqlalchemy", "torch"} & set(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.stdout == "[]\n", ran.stderr


@pytest.mark.database
def test_failures_of_commands_are_one_line(indexed: Indexed, tmp_path: Path) -> None:
    url = indexed.database.url.render_as_string(hide_password=False)
    environment = {"DATABASE_URL": url, "REFRACT_DATA": str(indexed.data)}
    assert_one_line(refract("index", str(tmp_path / "gone"), **environment), "gone")
    assert_one_line(refract("search", "x", "--collection", "gone", **environment), "'gone'", "manual")
    assert_one_line(refract("search", "x", "--collection", "manual", "--steer", "a:1", **environment), "'a'")
    assert_one_line(refract("reindex", "--collection", "gone", **environment), "'gone'")
    model = {**environment, "REFRACT_MODEL": "no/such-model"}
    assert_one_line(refract("index", "--format", "pydoc", "--collection", "new", **model), "no/such-model")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert_one_line(refract("serve", **environment, PORT=str(port)), f":{port}", "PORT=")


@pytest.mark.database
def test_broken_files_are_named_even_if_nothing_can_be_built(database: Engine, tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"not a PDF")
    (tmp_path / "blank.txt").write_text("   ")
    url = database.url.render_as_string(hide_password=False)
    environment = {"DATABASE_URL": url, "REFRACT_DATA": str(tmp_path)}
    failed = refract("index", str(tmp_path), "--collection", "few", **environment)
    assert failed.returncode == 1
    assert "skipped broken.pdf: " in failed.stderr
    assert "The collection 'few' was not made" in failed.stderr.splitlines()[-1]


def test_ctrl_c_in_a_command_says_that_it_stopped() -> None:
    program = """
import signal
from api.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
signal.setitimer(signal.ITIMER_REAL, 3)
main.main()
"""
    command = [sys.executable, "-c", program, "add", "note"]  # which waits for its text
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.read() == "refract: stopped.\n"
    assert process.returncode == 130


def test_a_signal_that_comes_in_a_finalizer_ends_the_process_too() -> None:
    """Python drops what a finalizer raises: the worker once went on until it was killed, with a traceback."""
    program = """
import signal, time, weakref
from api.cli import main

def work():
    thing = set()
    reference = weakref.ref(thing, lambda _: signal.raise_signal(signal.%s))
    del thing
    time.sleep(30)

signal.signal(signal.SIGINT, signal.default_int_handler)  # who is started in the background ignores it
main.app = work
main.main()
"""
    for name, status in (("SIGTERM", 143), ("SIGINT", 130)):
        ended = subprocess.run(
            [sys.executable, "-c", program % name], capture_output=True, text=True, timeout=25, check=False
        )
        assert ended.returncode == status
        assert "Traceback" not in ended.stderr
