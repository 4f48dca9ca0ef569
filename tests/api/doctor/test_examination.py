"""An examination: every thing in turn, and what cannot be looked at is told and ends nothing else."""

import json
import os
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from api.doctor.examination import examine
from api.doctor.variables import PREFIX
from tests.support.commands import Shell, refract


def states(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, str]:
    for name in [name for name in os.environ if name == "DATABASE_URL" or name.startswith(PREFIX)]:
        monkeypatch.delenv(name)  # whoever runs the tests may have set some, which are looked at, too
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return {check.name: check.state for check in examine()}


def test_before_the_first_start_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    found = states(monkeypatch, REFRACT_DATA=str(data), PORT="0")
    assert (found["settings"], found["data"], found["database"]) == ("ok", "ok", "ok")
    assert not data.exists()


def test_a_server_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://nobody@127.0.0.1:1/none"
    found = states(monkeypatch, REFRACT_DATA=str(tmp_path), DATABASE_URL=url)
    assert (found["python"], found["database"]) == ("ok", "fail")
    assert states(monkeypatch, DATABASE_URL="mysql://x/y")["database"] == "fail"


def test_settings_that_cannot_be_used_are_all_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert states(monkeypatch, PORT="http") == {"settings": "fail"}


@pytest.mark.slow
def test_the_command_fails_where_something_fails(tmp_path: Path) -> None:
    url = "postgresql://nobody@127.0.0.1:1/none"
    done = refract("doctor", DATABASE_URL=url, REFRACT_DATA=str(tmp_path), PORT="0", REFRACT_DATE="x")
    assert done.returncode == 1
    assert "FAIL  database: " in done.stdout
    assert "Did you mean REFRACT_DATA?" in done.stdout


@pytest.mark.database
@pytest.mark.model
def test_tables_that_are_behind_are_told_and_stay_as_they_are(database: Engine, tmp_path: Path) -> None:
    shell = Shell(database, tmp_path, PORT="0")
    whole = shell.tried("doctor", "--json")
    assert whole.returncode == 0, whole.stdout
    found = {check["name"]: check["state"] for check in json.loads(whole.stdout)}
    assert (found["migrations"], found["worker"], found["model"]) == ("ok", "warn", "ok")
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    behind = shell.tried("doctor", "--json")
    assert behind.returncode == 1
    assert {check["name"]: check["state"] for check in json.loads(behind.stdout)}["migrations"] == "fail"
    with database.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "0001"
