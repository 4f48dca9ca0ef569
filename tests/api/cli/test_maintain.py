"""Generations, dumps and scorecards by the command line."""

import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, create_engine

from tests.support.commands import Shell, assert_one_line, refract
from tests.support.forked import forked
from tests.support.indexed import Indexed

pytestmark = pytest.mark.slow


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
        done = forked(*command, environment=embedded)
        assert done.returncode == 0, done.stderr
    assert refract("restore", str(second), **servers[1]).returncode == 0
    ask = ["search", "sort a list", "--collection", "manual", "--steer", "concept:dates:1", "--json"]
    answers = [json.loads(refract(*ask, **server).stdout) for server in servers]
    answers.append(json.loads(forked(*ask, environment=embedded).stdout))
    assert answers[0]["results"]
    assert answers[0]["results"] == answers[1]["results"] == answers[2]["results"]


@pytest.mark.database
def test_restoring_names_the_keys_that_came_with_it(
    database: Engine, tmp_path: Path, new_database: Callable[[], AbstractContextManager[URL]]
) -> None:
    shell = Shell(database, tmp_path / "one", REFRACT_BACKUP_TO=str(tmp_path / "dumps"))
    shell.run("keys", "create", "robot", "--scope", "admin")
    assert "restored for trial" in shell.run("backup")
    assert "0 documents" in shell.run("dump", str(tmp_path / "all.dump"))
    with new_database() as url:
        other = create_engine(url)
        told = Shell(other, tmp_path / "other").run("restore", str(tmp_path / "all.dump"))
        other.dispose()
    assert "Keys that came with it: 'robot' (admin)." in told
