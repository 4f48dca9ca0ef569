"""Denials: what strangers send fills no table, and a database that is away changes no answer."""

from pathlib import Path

import pytest
from fastapi import FastAPI, HTTPException
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from api.middleware.denials import Denials
from search.db.connection import server_url
from search.db.models import AuditRow
from search.engine.engine import SearchEngine
from search.shared_tables import SharedTable


def refuse() -> None:
    raise HTTPException(401)


def client_of(database: Engine, data: Path, a_minute: int = 3) -> TestClient:
    app = FastAPI()
    app.state.engine = SearchEngine(database, data)
    app.add_api_route("/v1/things", refuse, methods=["POST", "GET"])
    app.add_middleware(Denials, recorded=SharedTable(), a_minute=a_minute)
    return TestClient(app)


@pytest.mark.database
def test_so_many_are_recorded_a_minute(
    database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("api.middleware.denials.time", _Stopped)
    client = client_of(database, tmp_path)
    assert {client.post("/v1/things").status_code for _ in range(10)} == {401}
    client.get("/v1/things")
    with Session(database) as session:
        assert session.scalar(select(func.count()).select_from(AuditRow)) == 3
    assert caplog.text.count("More than 3 refusals") == 1


def test_without_a_database_the_refusal_is_answered(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gone = create_engine(server_url("postgresql://nobody@127.0.0.1:1/none"))
    assert client_of(gone, tmp_path).post("/v1/things").status_code == 401
    assert "is not recorded" in caplog.text


class _Stopped:
    """A clock that stands."""

    @staticmethod
    def monotonic() -> float:
        return 60.0
