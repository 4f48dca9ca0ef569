"""Readiness: what is missing is said, what soon will be warns, and names are for those who may search."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from api import checks
from api.app import create_app
from api.checks import Check, check_disk, check_webhooks
from api.readiness import Readiness, readiness
from search.db.connection import server_url
from search.engine.engine import SearchEngine
from search.errors import NotIndexed
from tests.support.building import document, write


def ready(database: Engine, data: Path, *, private: bool = False) -> tuple[int, dict[str, Any]]:
    with TestClient(create_app(SearchEngine(database, data), private=private)) as client:
        answer = client.get("/readyz")
        return answer.status_code, answer.json()


def states(told: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["state"] for check in told["checks"]}


def run(database: Engine, statement: str) -> None:
    with Session(database) as session:
        session.execute(text(statement))
        session.commit()


def test_without_a_database_that_is_missing(tmp_path: Path) -> None:
    status, told = ready(create_engine(server_url("postgresql://nobody@127.0.0.1:1/none")), tmp_path)
    assert status == 503
    assert told["error"]["code"] == "store_unavailable"
    assert states(told) == {"disk": "ok", "database": "fail"}
    assert all(check["hint"] for check in told["checks"] if check["state"] == "fail")


@pytest.mark.database
@pytest.mark.sql
class TestOfADatabase:
    def test_without_a_live_collection_that_is_missing(self, database: Engine, tmp_path: Path) -> None:
        write(database, "notes", [document(1)])
        status, told = ready(database, tmp_path)
        assert status == 503
        assert told["error"]["code"] == "not_indexed"
        assert told["error"]["request_id"]
        assert states(told) == {
            "disk": "ok",
            "database": "ok",
            "migrations": "ok",
            "live": "fail",
            "worker": "warn",
        }

    @pytest.mark.parametrize(
        ("statement", "word"),
        [
            ("UPDATE alembic_version SET version_num = '0001'", "at revision 0001"),
            ("UPDATE alembic_version SET version_num = '9999'", "A newer Refract"),
            ("DELETE FROM alembic_version", "are missing"),
        ],
    )
    def test_tables_of_another_version_are_told(
        self, database: Engine, tmp_path: Path, statement: str, word: str
    ) -> None:
        run(database, statement)
        status, told = ready(database, tmp_path)
        assert status == 503
        assert word in told["error"]["message"]
        assert states(told)["migrations"] == "fail"

    def test_a_worker_that_was_heard_of_lately_runs(self, database: Engine, tmp_path: Path) -> None:
        heard = (
            "INSERT INTO jobs.procrastinate_workers (last_heartbeat) VALUES (now() - interval '{} seconds')"
        )
        run(database, heard.format(checks.WORKER_SECONDS + 10))
        assert states(ready(database, tmp_path)[1])["worker"] == "warn"
        run(database, heard.format(0))
        assert states(ready(database, tmp_path)[1])["worker"] == "ok"

    def test_a_disk_that_is_nearly_full_warns_and_nothing_else(
        self, database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(checks, "LEAST_FREE", 1 << 60)
        found = readiness(SearchEngine(database, tmp_path))
        assert found.checks[0].state == "warn"
        assert isinstance(found.missing, NotIndexed)


def test_names_of_collections_are_for_those_who_may_search() -> None:
    found = Readiness([Check("live", "ok", "One.")], ["secret"], None)
    assert found.answer(private=False)["collections"] == ["secret"]
    assert found.answer(private=True)["collections"] == 1
    assert "secret" not in str(found.answer(private=True))


def test_the_disk_of_a_folder_that_is_not_there_yet_is_that_of_the_one_above(tmp_path: Path) -> None:
    assert check_disk(tmp_path / "not" / "there" / "yet").state == "ok"


@pytest.mark.database
def test_webhooks_that_hear_of_nothing_or_take_nothing_are_warned_of(database: Engine) -> None:
    values = "(url, secret, disabled_at, reason, failing_since)"
    run(
        database,
        f"INSERT INTO webhooks {values} VALUES ('https://a/', 's', NULL, '', NULL), "
        "('https://b/', 's', now(), '', NULL), ('https://c/', 's', now(), 'It is gone', now()), "
        "('https://d/', 's', NULL, '', now())",
    )
    with Session(database) as session:
        disabled, failing = check_webhooks(session)
    assert (disabled.state, failing.state) == ("warn", "warn")
    assert disabled.message == "Webhook 3 is disabled: It is gone."
    assert "webhooks enable 3" in disabled.hint
    assert "Webhook 4 takes nothing, since " in failing.message
