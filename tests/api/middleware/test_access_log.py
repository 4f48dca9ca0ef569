"""The access log: a line for each request that matters, numbers by route, and slow ones with their stages."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient

from api.health import healthz
from api.middleware.access_log import UNMATCHED, AccessLog
from api.middleware.request_ids import RequestIds
from api.views.rendering import STATIC
from search import logs
from search.metrics import REGISTRY

Watched = Callable[..., AbstractContextManager[TestClient]]


def noted(name: str, pause: float = 0.0) -> dict[str, str]:
    time.sleep(pause)
    logs.note(question="who is rf_secret", stages={"embed": 3.2, "wait": 900.4, "total": 903.6}, key="robot")
    logs.note(collection=name, mode="hybrid", knobs=2, generation=7)
    return {"name": name}


def refused(status: int) -> None:
    raise HTTPException(status)


async def plain(_: Request) -> Response:
    return Response("")


def broken() -> None:
    raise ZeroDivisionError


@pytest.fixture
def watched(caplog: pytest.LogCaptureFixture) -> Watched:
    caplog.set_level(logging.INFO, "api")

    @contextmanager
    def opened(**options: Any) -> Iterator[TestClient]:
        app = FastAPI()
        app.add_api_route("/v1/notes/{name:path}", noted, methods=["GET", "PUT"])
        app.add_api_route("/v1/refused/{status}", refused)
        app.add_api_route("/v1/broken", broken)
        app.add_api_route("/healthz", healthz)
        app.add_route("/metrics", plain)
        app.mount("/static", StaticFiles(directory=STATIC))
        app.add_middleware(AccessLog, **options)
        app.add_middleware(RequestIds)
        with TestClient(app, raise_server_exceptions=False) as client:
            yield client

    return opened


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def lines(caplog: pytest.LogCaptureFixture, logger: str) -> list[dict[str, Any]]:
    return [record.facts for record in caplog.records if record.name == logger]  # type: ignore[attr-defined]


def test_a_line_says_what_was_asked_of_whom_and_how_it_ended(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    with watched() as client:
        client.get("/v1/notes/a/b?q=my+secret&token=x")
    (line,) = lines(caplog, "api.access")
    assert line.pop("ms") > 0
    assert line == {
        "method": "GET",
        "route": "/v1/notes/{name:path}",
        "path": "/v1/notes/a/b",
        "status": 200,
        "client": "testclient",
        "key": "robot",
        "collection": "a/b",
        "generation": 7,
        "mode": "hybrid",
        "knobs": 2,
    }
    assert "secret" not in caplog.text


def test_health_static_files_and_metrics_have_no_line(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    with watched() as client:
        client.get("/healthz")
        client.get("/static/app.js")
        client.get("/metrics")
    assert lines(caplog, "api.access") == []


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        ("GET", "/v1/notes/one", ("GET", "/v1/notes/{name:path}", "2xx")),
        ("PUT", "/v1/notes/two", ("PUT", "/v1/notes/{name:path}", "2xx")),
        ("POST", "/v1/notes/three", ("POST", "/v1/notes/{name:path}", "4xx")),
        ("GET", "/nothing/here", ("GET", UNMATCHED, "4xx")),
        ("BREW", "/coffee", ("(other)", UNMATCHED, "4xx")),
        ("GET", "/metrics", ("GET", "/metrics", "2xx")),
        ("GET", "/static/app.js", ("GET", "/static", "2xx")),
        ("GET", "/static/nothing.js", ("GET", "/static", "4xx")),
        ("GET", "/v1/broken", ("GET", "/v1/broken", "5xx")),
    ],
)
def test_requests_are_counted_by_the_pattern_of_their_route(
    watched: Watched, method: str, path: str, labels: tuple[str, str, str]
) -> None:
    named = dict(zip(("method", "route", "status"), labels, strict=True))
    timed = {name: named[name] for name in ("method", "route")}
    before = (
        counted("refract_http_requests_total", **named),
        counted("refract_http_request_duration_seconds_count", **timed),
    )
    with watched() as client:
        client.request(method, path)
    assert counted("refract_http_requests_total", **named) == before[0] + 1
    assert counted("refract_http_request_duration_seconds_count", **timed) == before[1] + 1
    assert counted("refract_http_requests_in_progress") == 0


@pytest.mark.parametrize(("status", "because"), [(429, "caller"), (503, "server")])
def test_what_is_refused_is_counted_by_its_cause(watched: Watched, status: int, because: str) -> None:
    before = counted("refract_requests_refused_total", because=because)
    with watched() as client:
        client.get(f"/v1/refused/{status}")
        client.get("/v1/refused/400")
    assert counted("refract_requests_refused_total", because=because) == before + 1


@pytest.mark.parametrize("questions", [False, True])
def test_a_slow_request_is_told_with_what_took_its_time(
    watched: Watched, caplog: pytest.LogCaptureFixture, questions: bool
) -> None:
    with watched(slow_ms=1, questions=questions) as client:
        client.get("/v1/notes/cells?pause=0.01")
    (line,) = lines(caplog, "api.slow")
    assert line["ms"] >= 10
    assert line["stages"]["wait"] == 900.4
    assert line.get("question") == ("who is rf_secret" if questions else None)
    (told,) = (record.getMessage() for record in caplog.records if record.name == "api.slow")
    assert told.startswith("Slow: GET /v1/notes/cells took ")
    assert " ms (embed 3, wait 900); collection 'cells', mode 'hybrid', knobs 2" in told
    assert ("who is" in told) is questions


@pytest.mark.parametrize("slow_ms", [0, 3_600_000])
def test_what_is_not_slow_is_not_told_as_slow(
    watched: Watched, caplog: pytest.LogCaptureFixture, slow_ms: int
) -> None:
    with watched(slow_ms=slow_ms) as client:
        client.get("/v1/notes/cells")
    assert lines(caplog, "api.slow") == []
