"""Serving as a process of its own: start and stop."""

import contextlib
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine

from search.browse.collections import collections
from search.engine.engine import SearchEngine
from tests.support.building import eventually
from tests.support.commands import (
    address,
    assert_one_line,
    refract,
    started,
)

pytestmark = pytest.mark.slow


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


def postgres_of(data: Path) -> list[psutil.Process]:
    """The server of the embedded database in a data folder (not its children, which are called the same for
    a moment)."""
    parents = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if str(data / "postgres") in process.cmdline():
                parents[process] = process.ppid()
    return [process for process, parent in parents.items() if parent not in {each.pid for each in parents}]


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
            assert ("refract: stopped." in output[1]) == (ending == signal.SIGINT)
        assert not postgres_of(data)


def test_a_first_start_serves_at_once_and_a_stopped_one_is_to_go_on(open_folder: Callable[[], Path]) -> None:
    data = open_folder()
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    with started("run", "--port", "0", **_embedded(data, environment)) as process:
        url = address(process)
        with pytest.raises(urllib.error.HTTPError) as answer:
            urllib.request.urlopen(url)
        assert answer.value.code == 503
        page = answer.value.read().decode()
        assert "Getting “demo” ready" in page
        assert "reading documents" in page
        eventually((data / "demo.unfinished").exists)
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=60)
        assert process.returncode == 0, output
        assert "First start" in output[1]
    assert (data / "demo.unfinished").exists()
    assert not postgres_of(data)


def test_of_the_demo_a_first_part_is_searched_while_the_rest_is_read(
    database: Engine, open_folder: Callable[[], Path]
) -> None:
    data = open_folder()
    url = database.url.render_as_string(hide_password=False)
    engine = SearchEngine(database, data)
    with started("demo", "--first", "30", DATABASE_URL=url, REFRACT_DATA=str(data)) as process:
        eventually(lambda: engine.snapshots.live() == ["demo"])
        with engine.reader("demo") as reader:
            assert reader.snapshot.documents >= 30
        (found,) = collections(engine)
        assert (found.state, found.progress and found.progress.step) == ("live", "reading documents")
        process.terminate()
        process.communicate(timeout=60)
        assert process.returncode == 143
    assert (data / "demo.unfinished").exists()


def test_after_a_kill_the_worker_beside_stops_the_database(open_folder: Callable[[], Path]) -> None:
    data = open_folder()
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    with started("serve", "--port", "0", **_embedded(data, environment)) as process:
        address(process)
        assert postgres_of(data)
        process.kill()
        process.communicate(timeout=120)  # the worker has it open, too, and ends last
    assert not postgres_of(data)


def test_after_a_kill_the_database_is_taken_over_and_stopped_in_order(
    open_folder: Callable[[], Path],
) -> None:
    data = open_folder()
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    with started("serve", "--port", "0", "--no-worker", **_embedded(data, environment)) as process:
        address(process)
        process.kill()  # nobody is left who would stop the database
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


def test_several_workers_end_with_the_one_that_began_them(database: Engine, tmp_path: Path) -> None:
    def working() -> int:
        beats = "SELECT count(*) FROM jobs.procrastinate_workers"
        with database.connect() as connection:
            return int(connection.exec_driver_sql(beats).scalar() or 0)

    url = database.url.render_as_string(hide_password=False)
    settings = {"DATABASE_URL": url, "REFRACT_DATA": str(tmp_path)}
    with started("worker", "--processes", "2", **settings) as process:
        eventually(lambda: working() == 2)
        process.terminate()
        process.wait(60)
    assert working() == 0  # each of them said that it ends
