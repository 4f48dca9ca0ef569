"""A request to a webhook takes bounded time, and goes to no address that is not meant."""

import json
import socket
import threading
from datetime import UTC, datetime

import pytest

from indexer.hooks.sending import is_allowed, origin, payload, read_url, send
from indexer.hooks.signing import new_secret, sign
from search.errors import ConfigurationError, InvalidRequest
from tests.support.receiver import HANG, Receiver

SECRET = new_secret()


def test_a_request_is_signed_and_has_the_headers_of_the_standard(receiver: Receiver) -> None:
    outcome = send(receiver.url, SECRET, "m1", 1700000000, b'{"a": 1}')
    assert (outcome.status, outcome.answer, outcome.delivered) == (204, "HTTP 204", True)
    (received,) = receiver.received
    assert received.body == b'{"a": 1}'
    assert received.headers["webhook-timestamp"] == "1700000000"
    assert received.headers["webhook-signature"] == sign(SECRET, "m1", 1700000000, received.body)
    assert received.headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503])
def test_other_answers_are_no_delivery(receiver: Receiver, status: int) -> None:
    receiver.usual = status
    outcome = send(receiver.url, SECRET, "m", 1, b"{}")
    assert (outcome.status, outcome.answer, outcome.delivered) == (status, f"HTTP {status}", False)


def test_a_receiver_may_ask_to_wait(receiver: Receiver) -> None:
    receiver.usual, receiver.headers = 503, {"Retry-After": "120"}
    assert send(receiver.url, SECRET, "m", 1, b"{}").wait == 120


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.usual, receiver.headers = 302, {"Location": f"{receiver.url}/elsewhere"}
    outcome = send(receiver.url, SECRET, "m", 1, b"{}")
    assert not outcome.delivered
    assert "not followed" in outcome.answer
    assert [each.path for each in receiver.received] == ["/hook"]


def test_a_receiver_that_hangs_is_left(receiver: Receiver) -> None:
    receiver.usual = HANG
    outcome = send(receiver.url, SECRET, "m", 1, b"{}", seconds=0.2)
    assert outcome.status is None
    assert "no answer within" in outcome.answer


@pytest.mark.parametrize("piece", [b"HTTP/1.1 100 Continue\r\n\r\n", b"X-Header: more\r\n"])
def test_a_receiver_that_answers_without_end_is_left(monkeypatch: pytest.MonkeyPatch, piece: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        monkeypatch.setenv("REFRACT_WEBHOOKS", url)

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                try:
                    connection.sendall(b"HTTP/1.1 200 OK\r\n" if piece.startswith(b"X") else b"")
                    while True:
                        connection.sendall(piece)
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        outcome = send(url, SECRET, "m", 1, b"{}", seconds=0.3)
        thread.join()
    assert not outcome.delivered


def test_nobody_listening_is_said(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    monkeypatch.setenv("REFRACT_WEBHOOKS", url)
    outcome = send(url, SECRET, "m", 1, b"{}")
    assert outcome.status is None
    assert "cannot be reached" in outcome.answer
    assert receiver.received == []


def test_an_address_of_this_machine_is_not_sent_to_unless_it_is_named(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REFRACT_WEBHOOKS")  # as it was when the webhook was made
    outcome = send(receiver.url, SECRET, "m", 1, b"{}")
    assert "of this machine or network" in outcome.answer
    assert receiver.received == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://localhost:8000/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0/",
        "http://2130706433/",
        "https://10.1.2.3/hook",
    ],
)
def test_addresses_of_the_own_network_are_refused(url: str) -> None:
    with pytest.raises(InvalidRequest, match="REFRACT_WEBHOOKS"):
        read_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hook",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://user:hunter2@127.0.0.1/",
        "https://hunter2@127.0.0.1/",
        "http://",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1/\r\nX-Evil: 1",
        "http://127.0.0.1/" + "x" * 2000,
    ],
)
def test_what_is_no_address_is_refused_without_repeating_a_password(url: str) -> None:
    with pytest.raises(InvalidRequest, match="no address of a webhook") as refused:
        read_url(url)
    assert "hunter2" not in str(refused.value)


def test_what_the_setting_names_is_allowed_and_what_is_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFRACT_WEBHOOKS", "http://127.0.0.1:9000/hooks, http://[::1]:9000")
    for url in (
        "http://127.0.0.1:9000/hooks",
        "http://127.0.0.1:9000/hooks/a?key=1",
        "http://127.0.0.1:9000/hooks?key=/../",
        "http://[::1]:9000/any",
    ):
        assert is_allowed(read_url(url))
    for url in (
        "http://127.0.0.1:9000/hooksmith",
        "http://127.0.0.1:9000/hooks/../admin",
        "http://127.0.0.1:9000/hooks/%2e%2e/admin",
        "http://127.0.0.1:9001/hooks",
        "https://127.0.0.1:9000/hooks",
    ):
        with pytest.raises(InvalidRequest):
            read_url(url)


def test_a_setting_that_names_no_address_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFRACT_WEBHOOKS", "http://127.0.0.1:9001, nas:9000")
    with pytest.raises(ConfigurationError, match="REFRACT_WEBHOOKS names 'nas:9000'"):
        read_url("http://127.0.0.1:9000/")


def test_only_scheme_and_host_of_an_address_are_told() -> None:
    assert origin("https://hooks.example:8443/services/T0/B0/secret?token=x") == "https://hooks.example:8443"
    assert origin("https://user:hunter2@hooks.example?x") == "https://hooks.example"


def test_a_payload_is_the_same_each_time() -> None:
    at = datetime(2026, 11, 29, 2, 8, tzinfo=UTC)
    body = payload("job.done", at, {"job": 7, "collection": "für"})
    assert body == payload("job.done", at, {"collection": "für", "job": 7})
    assert json.loads(body) == {
        "type": "job.done",
        "timestamp": "2026-11-29T02:08:00+00:00",
        "data": {"collection": "für", "job": 7},
    }
