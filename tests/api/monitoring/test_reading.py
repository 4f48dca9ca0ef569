"""Reading metrics: who may, in which form, and what is told where the database is not there or hangs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, create_engine
from starlette.testclient import TestClient

from api.app import create_app
from api.auth.keys import create_key
from api.monitoring.reading import Observing
from search.db.connection import open_session, server_url
from search.engine.engine import SearchEngine

HERE = ("127.0.0.1", 50_000)
THERE = ("192.0.2.7", 50_000)


@pytest.fixture(scope="module")
def app() -> Iterator[FastAPI]:
    """An application whose database is not there; searching needs a key."""
    gone = create_engine(server_url("postgresql://nobody@127.0.0.1:1/none"))
    yield create_app(SearchEngine(gone, Path("nowhere")), private=True)
    gone.dispose()


def ask(
    app: FastAPI,
    observing: Observing,
    client: tuple[str, int],
    *,
    host: str = "127.0.0.1:8000",
    **headers: str,
) -> int:
    app.state.observing = observing
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    opened = TestClient(app, client=client, base_url=f"http://{host}")
    return opened.get("/metrics", headers=sent).status_code


@pytest.mark.parametrize("client", [HERE, ("::1", 1)])
@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000"])
def test_this_machine_reads_them(app: FastAPI, client: tuple[str, int], host: str) -> None:
    assert ask(app, Observing(), client, host=host) == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Forwarded_For": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"X_Real_IP": "127.0.0.1"},
        {"Via": "1.1 proxy"},
    ],
)
def test_what_a_proxy_on_this_machine_passes_on_does_not_come_from_it(
    app: FastAPI, headers: dict[str, str]
) -> None:
    assert ask(app, Observing(), HERE, **headers) == 401


def test_other_machines_do_not_read_them_nor_pages_elsewhere_by_a_name_that_means_this_one(
    app: FastAPI,
) -> None:
    assert ask(app, Observing(), THERE) == 401
    assert ask(app, Observing(), HERE, host="evil.example:8000") == 401


@pytest.mark.parametrize("client", [HERE, THERE])
def test_where_there_is_a_token_it_has_to_be_sent(app: FastAPI, client: tuple[str, int]) -> None:
    observing = Observing(token="hush")
    assert ask(app, observing, client) == 401
    assert ask(app, observing, client, Authorization="Bearer hush") == 200
    assert ask(app, observing, client, Authorization="bearer  hush ") == 200
    assert ask(app, observing, client, Authorization="Basic hush") == 401


def test_they_are_open_or_off_where_that_is_wanted(app: FastAPI) -> None:
    assert ask(app, Observing(metrics="open"), THERE) == 200
    assert ask(app, Observing(metrics="off"), HERE) == 404


@pytest.mark.database
def test_an_admins_key_reads_them_and_no_other_key(
    app: FastAPI, database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_session(database) as session:
        keys = {scope: create_key(session, scope, scope) for scope in ("search", "write", "admin")}
        session.commit()
    monkeypatch.setattr(app.state, "engine", SearchEngine(database, tmp_path), raising=False)
    told = {scope: ask(app, Observing(), THERE, Authorization=f"Bearer {key}") for scope, key in keys.items()}
    assert told == {"search": 401, "write": 401, "admin": 200}


@pytest.mark.parametrize(
    ("accepted", "media_type"),
    [
        ("", "text/plain; version=0.0.4"),
        ("*/*", "text/plain; version=0.0.4"),
        ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text; version=1.0.0"),
    ],
)
def test_they_come_in_the_form_that_is_asked_for(app: FastAPI, accepted: str, media_type: str) -> None:
    app.state.observing = Observing(metrics="open")
    with TestClient(app) as client:
        answer = client.get("/metrics", headers={"Accept": accepted})
        assert answer.headers["Content-Type"].startswith(media_type)
        assert answer.headers["Cache-Control"] == "no-store"
        assert client.head("/metrics").status_code == 200


def test_without_a_database_the_rest_is_told(app: FastAPI) -> None:
    app.state.observing = Observing(metrics="open")
    with TestClient(app) as client:
        text = client.get("/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert [sample.value for sample in families["refract_database_up"].samples] == [0]
    assert {"refract_build_info", "refract_memory_bytes", "refract_http_requests"} <= families.keys()
    assert families.keys().isdisjoint({"refract_collections", "refract_jobs", "refract_live_generation"})
