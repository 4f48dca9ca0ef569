"""The command line as a process of its own: help, failures in one line, start and stop."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine

from tests.support.commands import COMMAND, assert_one_line, started
from tests.support.forked import forked
from tests.support.indexed import Indexed

pytestmark = pytest.mark.slow


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


def postgres_of(data: Path) -> list[psutil.Process]:
    """The server of the embedded database in a data folder (not its children, which are called the same for
    a moment)."""
    parents = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if str(data / "postgres") in process.cmdline():
                parents[process] = process.ppid()
    return [process for process, parent in parents.items() if parent not in {each.pid for each in parents}]


@pytest.mark.parametrize(
    "command", ["run", "serve", "index", "reindex", "labels", "search", "dump", "restore"]
)
def test_every_command_has_help(command: str) -> None:
    shown = alone(command, "--help", environment=dict(os.environ))
    assert shown.returncode == 0
    assert "--help" in shown.stdout
    assert command in alone("--help", environment=dict(os.environ)).stdout


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["serve", "--port", "70000"], ["search"], ["train"], ["labels", "ask"]]
)
def test_wrong_usage_is_told(arguments: list[str]) -> None:
    failed = alone(*arguments, environment=dict(os.environ))
    assert failed.returncode == 2
    assert "Usage" in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize(
    ("variable", "value", "word"),
    [
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none", "does not answer"),
        ("DATABASE_URL", "mysql://x/y", "mysql"),
        ("PORT", "http", "PORT='http'"),
        ("REFRACT_DATA", "/dev/null/x", "/dev/null/x"),
    ],
)
def test_settings_that_do_not_work_are_one_line(tmp_path: Path, variable: str, value: str, word: str) -> None:
    environment = {"REFRACT_DATA": str(tmp_path), "DATABASE_URL": "", variable: value}
    if not environment["DATABASE_URL"]:
        del environment["DATABASE_URL"]
    assert_one_line(refract("serve", "--port", "0", **environment), word)


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
    assert "The collection" in failed.stderr.splitlines()[-1]


@pytest.mark.database
def test_search_prints_a_table_or_json(indexed: Indexed) -> None:
    url = indexed.database.url.render_as_string(hide_password=False)
    environment = {"DATABASE_URL": url, "REFRACT_DATA": str(indexed.data)}
    ask = ["search", "sort a list", "--collection", "manual", "--limit", "3"]
    table = refract(*ask, **environment)
    assert table.returncode == 0
    assert "score" in table.stdout
    assert "*sort*" not in table.stdout
    assert "*" in refract(*ask, "--words", **environment).stdout
    body = json.loads(refract(*ask, "--json", **environment).stdout)
    assert len(body["results"]) == 3
    for result in body["results"]:
        assert sum(term["value"] for term in result["terms"]) == pytest.approx(result["score"], abs=1e-5)


@pytest.mark.database
def test_compare_and_why_not_print_terms_or_json(indexed: Indexed) -> None:
    url = indexed.database.url.render_as_string(hide_password=False)
    environment = {"DATABASE_URL": url, "REFRACT_DATA": str(indexed.data)}
    options = ["--collection", "manual"]
    found = refract("search", "sort a list", *options, "--limit", "30", "--json", **environment)
    ids = [result["document"]["id"] for result in json.loads(found.stdout)["results"]]
    table = refract("compare", "sort a list", *ids[:2], *options, **environment).stdout
    assert "rank 1, score" in table
    assert "“sort”" in table
    body = json.loads(refract("why-not", "sort a list", ids[25], *options, "--json", **environment).stdout)
    assert (body["result"]["rank"], body["wanted"]) == (26, 10)
    shown = refract("why-not", "sort a list", ids[25], *options, **environment).stdout
    assert all(f"--steer {way['steer']}" in shown for way in body["ways"])
    assert_one_line(refract("compare", "sort", ids[0], ids[0], *options, **environment), "with itself")
    assert_one_line(refract("why-not", "sort", "nowhere", *options, **environment), "'nowhere'")
    assert_one_line(refract("search", "sort", "--filter", "colour:red", *options, **environment), "'colour'")


@pytest.mark.database
def test_analyze_prints_knobs_or_json(indexed: Indexed, tmp_path: Path) -> None:
    url = indexed.database.url.render_as_string(hide_password=False)
    environment = {"DATABASE_URL": url, "REFRACT_DATA": str(indexed.data)}
    note = tmp_path / "note.txt"
    note.write_text("Sort a list. Open a socket.")
    ask = ["analyze", "--collection", "manual", "--limit", "3"]
    body = json.loads(refract(*ask, str(note), "--json", **environment).stdout)
    assert len(body["features"]) == 3
    table = refract(*ask, "--text", "Sort a list. Open a socket.", **environment).stdout
    assert all(f"{each['feature']}:{each['strength']:.1f}" in table for each in body["features"])
    assert "Open a socket." in table
    assert_one_line(refract(*ask, "--text", "?!", **environment), "?!")
    assert_one_line(refract(*ask, str(note), "--text", "x", **environment), "--text")
    assert_one_line(refract(*ask, str(tmp_path / "none.txt"), **environment), "none.txt")


@pytest.mark.database
def test_the_scorecard_of_a_collection_has_that_of_the_shipped_dictionary(indexed: Indexed) -> None:
    url = indexed.database.url.render_as_string(hide_password=False)
    environment = {"DATABASE_URL": url, "REFRACT_DATA": str(indexed.data)}
    printed = refract("scorecard", "--collection", indexed.collection, "--json", **environment)
    card = json.loads(printed.stdout)
    assert card["explained"]["carried"] > 0.5
    assert card["names"] > card["shipped"]["names"]
    assert "As it ships" in refract("scorecard", "--collection", indexed.collection, **environment).stdout


@pytest.mark.database
def test_verify_looks_at_what_is_there(indexed: Indexed) -> None:
    url = indexed.database.url.render_as_string(hide_password=False)
    environment = {"DATABASE_URL": url, "REFRACT_DATA": str(indexed.data)}
    done = refract("verify", "--collection", indexed.collection, **environment)
    assert (done.returncode, "all is sound" in done.stdout) == (0, True), done.stderr
    listed = refract("generations", "--collection", indexed.collection, **environment)
    assert "live" in listed.stdout
    assert_one_line(refract("rollback", "--collection", indexed.collection, **environment), "no earlier")


@pytest.mark.database
def test_a_dump_moves_to_a_database_of_the_other_kind_and_back(
    indexed: Indexed, database: Engine, tmp_path: Path, open_folder: Callable[[], Path]
) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    first, embedded = tmp_path / "first.dump", {**environment, "REFRACT_DATA": str(open_folder())}
    servers = [
        {"DATABASE_URL": each.url.render_as_string(hide_password=False), "REFRACT_DATA": str(data)}
        for each, data in ((indexed.database, indexed.data), (database, tmp_path))
    ]
    made = refract("dump", str(first), **servers[0])
    assert made.returncode == 0, made.stderr
    documents = f"Dumped manual: {indexed.report.documents:,} documents, "
    assert made.stderr.splitlines()[-1].startswith(documents)
    assert str(first) in made.stderr.splitlines()[-1]
    assert_one_line(refract("dump", str(first), **servers[0]), "first.dump is there already")
    assert_one_line(refract("restore", str(first), **servers[0]), "not empty", "manual", "DATABASE_URL")
    second = tmp_path / "second.dump"
    for command in (["restore", str(first)], ["dump", str(second), "--collection", "manual"]):
        done = alone(*command, environment=embedded)
        assert done.returncode == 0, done.stderr
    assert refract("restore", str(second), **servers[1]).returncode == 0
    ask = ["search", "sort a list", "--collection", "manual", "--steer", "concept:dates:1", "--json"]
    answers = [json.loads(refract(*ask, **server).stdout) for server in servers]
    answers.append(json.loads(alone(*ask, environment=embedded).stdout))
    assert answers[0]["results"]
    assert answers[0]["results"] == answers[1]["results"] == answers[2]["results"]


def test_ctrl_c_stops_everything_and_the_next_start_finds_it_again(
    open_folder: Callable[[], Path],
) -> None:
    data = open_folder()
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    for ending, status in ((signal.SIGINT, 0), (signal.SIGTERM, 143)):
        with started("serve", "--port", "0", **_embedded(data, environment)) as process:
            url = address(process)
            assert urllib.request.urlopen(f"{url}healthz").status == 200
            assert postgres_of(data)
            process.send_signal(ending)
            output = process.communicate(timeout=60)
            assert process.returncode == status, output
            assert "Traceback" not in output[1]
        assert not postgres_of(data)


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

main.app = work
main.main()
"""
    for name, status in (("SIGTERM", 143), ("SIGINT", 130)):
        ended = subprocess.run(
            [sys.executable, "-c", program % name], capture_output=True, text=True, timeout=25, check=False
        )
        assert ended.returncode == status
        assert "Traceback" not in ended.stderr


def test_after_a_kill_the_database_is_taken_over_and_stopped_in_order(
    open_folder: Callable[[], Path],
) -> None:
    data = open_folder()
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    with started("serve", "--port", "0", **_embedded(data, environment)) as process:
        address(process)
        process.kill()
        process.communicate()
    left = postgres_of(data)
    assert left
    with started("serve", "--port", "0", **_embedded(data, environment)) as process:
        address(process)
        assert postgres_of(data) == left
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    deadline = time.monotonic() + 20
    while postgres_of(data) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not postgres_of(data)


def _embedded(data: Path, environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "REFRACT_DATA": str(data)}
