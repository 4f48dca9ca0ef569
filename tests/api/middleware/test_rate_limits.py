"""How much one caller may ask for, and who is one caller."""

import os
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.auth.keys import digest
from api.errors import on_error
from api.middleware.rate_limits import (
    MINUTE,
    Asked,
    Buckets,
    RateLimiting,
    RateLimits,
    network_of,
)
from search.shared_tables import SharedTable, SharedTables, new_file
from tests.support.awaiting import finished

KEYS = ("rf_right", "rf_other")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def service(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers as the application does: 401 to wrong keys, and who asks in the state of the request."""
    request = Request(scope)
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if given and given not in KEYS:
        await Response(status_code=401)(scope, receive, send)
        return
    request.state.caller = given or None
    await Response("ok")(scope, receive, send)


def limited(tables: SharedTables | None = None, **limits: int) -> RateLimiting:
    return RateLimiting(service, RateLimits(**limits), on_error, tables or SharedTables())


def scope_of(
    path: str, *, key: str = "", host: str = "192.0.2.1", method: str = "GET", forwarded: str = "192.0.2.9"
) -> Scope:
    headers = [(b"x-forwarded-for", forwarded.encode())]
    headers += [(b"authorization", f"Bearer {key}".encode())] if key else []
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "client": (host, 1),
    }


def ask(app: RateLimiting, path: str = "/v1/search", **given: str) -> int:
    return answered(app, path, **given)[0]


def answered(app: RateLimiting, path: str = "/v1/search", **given: str) -> tuple[int, dict[bytes, bytes]]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    finished(app(scope_of(path, **given), receive, send))
    return sent[0]["status"], dict(sent[0]["headers"])


def statuses(app: RateLimiting, count: int, path: str = "/v1/search", **given: str) -> Sequence[int]:
    return [ask(app, path, **given) for _ in range(count)]


def test_a_share_is_full_at_first_and_fills_up_within_a_minute() -> None:
    clock = Clock()
    buckets = Buckets(6, SharedTable(), clock)
    assert [buckets.take("a") for _ in range(6)] == [0.0] * 6
    assert buckets.take("a") == pytest.approx(10.0)
    assert buckets.take("b") == 0.0
    clock.now += 10.5
    assert buckets.take("a") == 0.0
    assert buckets.take("a") == pytest.approx(9.5)
    clock.now += 1000
    assert [bool(buckets.take("a")) for _ in range(7)] == [False] * 6 + [True]


def test_what_is_refused_takes_nothing() -> None:
    clock = Clock()
    buckets = Buckets(1, SharedTable(), clock)
    assert [bool(buckets.take("a")) for _ in range(50)] == [False] + [True] * 49
    clock.now += MINUTE
    assert buckets.take("a") == 0.0


def test_a_full_share_is_enough_for_what_counts_more_than_it() -> None:
    clock = Clock()
    buckets = Buckets(2, SharedTable(), clock)
    assert buckets.take("a", 5) == 0.0
    assert buckets.take("a", 5) == pytest.approx(150.0)
    clock.now += 150
    assert buckets.take("a", 5) == 0.0


def test_a_share_of_nothing_is_no_limit() -> None:
    buckets = Buckets(0, SharedTable())
    assert {buckets.take("a") for _ in range(1000)} == {0.0}


def test_two_processes_give_out_one_share() -> None:
    clock, file = Clock(), new_file()
    buckets = [Buckets(6, SharedTables(file)["keys"], clock) for _ in range(2)]
    assert [bool(buckets[each % 2].take("a")) for each in range(8)] == [False] * 6 + [True] * 2
    os.close(file)


def test_a_key_that_held_in_one_process_is_none_that_may_be_wrong_in_another() -> None:
    file = new_file()
    here, there = (limited(SharedTables(file), failures=1) for _ in range(2))
    assert ask(here, key="rf_right") == 200
    assert statuses(there, 2, key="rf_wrong") == [401, 429]
    assert [ask(there, key=key) for key in KEYS] == [200, 429]
    os.close(file)


def test_an_address_is_refused_in_words_with_the_time_to_wait() -> None:
    app = limited(address=2)
    assert statuses(app, 2) == [200, 200]
    status, headers = answered(app)
    assert status == 429
    assert 1 <= int(headers[b"retry-after"]) <= 30
    assert ask(app, host="192.0.2.2") == 200


def test_dear_answers_count_as_several() -> None:
    app = limited(address=6)
    assert ask(app, "/v1/analyze", method="POST") == 200
    assert statuses(app, 2) == [200, 429]
    assert ask(limited(address=6), "/analyze") == 200


def test_health_metrics_and_what_pages_are_made_of_are_free() -> None:
    app = limited(address=1)
    assert ask(app) == 200
    for path in ("/healthz", "/readyz", "/metrics", "/static/app.js"):
        assert statuses(app, 3, path) == [200] * 3


def test_a_key_has_a_share_of_its_own_wherever_it_comes_from() -> None:
    app = limited(address=1, key=2)
    assert statuses(app, 2) == [200, 429]
    assert ask(app, key="rf_right") == 200
    assert statuses(app, 3, key="rf_right") == [200, 200, 429]
    assert ask(app, key="rf_right", host="192.0.2.9") == 429
    assert ask(app, key="rf_other") == 200


def test_a_session_has_a_share_of_its_own_at_every_port() -> None:
    """Its cookie is named by the port."""
    scope = scope_of("/")
    cookies = {"": "refract_session=s", ":8000": "refract_session_8000=s; refract_session=other"}
    for port, cookie in cookies.items():
        headers = [(b"host", f"localhost{port}".encode()), (b"cookie", cookie.encode())]
        assert Asked.of({**scope, "headers": headers}).key == digest("s")
    assert Asked.of(scope).key == b""


def test_changes_have_a_limit_of_their_own() -> None:
    app = limited(writes=2)
    assert ask(app, key="rf_right") == 200
    assert statuses(app, 3, "/v1/documents", key="rf_right", method="POST") == [200, 200, 429]
    assert ask(app, key="rf_right") == 200
    assert ask(app, "/v1/search", key="rf_right", method="POST") == 200


def test_wrong_keys_are_looked_up_so_often_and_right_ones_always() -> None:
    app = limited(failures=3)
    assert ask(app, key="rf_right") == 200
    assert [ask(app, key=f"rf_{number}") for number in range(5)] == [401, 401, 401, 429, 429]
    assert ask(app, key="rf_right") == 200
    assert ask(app, key="rf_other") == 429  # never seen, from an address that tries keys out
    assert ask(app, key="rf_other", host="192.0.2.7") == 200
    assert ask(app, key="rf_other") == 200
    assert ask(app) == 200


def test_a_key_that_holds_no_more_is_one_that_may_be_wrong() -> None:
    tables = SharedTables()
    app = limited(tables, failures=1)
    tables["held"].put(Asked.of(scope_of("/v1/search", key="rf_gone")).key, 1.0)
    assert statuses(app, 2, key="rf_gone") == [401, 429]


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_one_customer_is_one_address(host: str, network: str) -> None:
    assert network_of({"client": (host, 1)}) == network


def test_a_socket_without_addresses_is_one_caller() -> None:
    assert network_of({"client": None}) == network_of({}) == ""


def test_what_is_forwarded_is_not_believed_here() -> None:
    app = limited(address=1)
    asked = [ask(app, forwarded=f"10.0.0.{number}") for number in range(2)]
    assert asked == [200, 429]


def test_below_a_path_of_a_proxy_addresses_count_the_same() -> None:
    scope = {**scope_of("/find/v1/analyze"), "root_path": "/find"}
    assert Asked.of(scope).cost == 5
