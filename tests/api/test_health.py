"""Health is told at once, whatever hangs."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event
from starlette.testclient import TestClient

from api.app import create_app
from search.engine.engine import SearchEngine

NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/none"


@pytest.fixture
def hangs() -> Iterator[threading.Event]:
    """Set once the database may answer again."""
    again = threading.Event()
    yield again
    again.set()


@pytest.fixture
def client(hangs: threading.Event) -> TestClient:
    database = create_engine(NOWHERE)

    @event.listens_for(database, "do_connect")
    def wait(*_: object) -> None:
        hangs.wait(30)

    return TestClient(create_app(SearchEngine(database, Path("nowhere"))), raise_server_exceptions=False)


def test_the_process_runs_and_is_not_ready_while_the_database_hangs(
    client: TestClient, hangs: threading.Event
) -> None:
    for _ in range(2):
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["error"]["message"] == "The database did not answer within 1 s."
        assert client.get("/healthz").json() == {"status": "ok"}
    assert not hangs.is_set()


def test_a_database_that_is_not_there_is_said_to_be_so(client: TestClient, hangs: threading.Event) -> None:
    hangs.set()
    assert client.get("/readyz").json()["error"]["code"] == "store_unavailable"
