"""Webhooks are made, listed, tried and deleted; their secrets are told once."""

import dataclasses
import json
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexer.audit import list_entries
from indexer.hooks.events import tell
from indexer.hooks.signing import PREFIX, sign
from indexer.hooks.webhooks import (
    MAX_NOTE,
    MOST_COLLECTIONS,
    MOST_WEBHOOKS,
    delete_webhook,
    list_deliveries,
    list_webhooks,
    make_webhook,
    set_enabled,
    try_webhook,
)
from search.errors import InvalidRequest, WebhookNotFound
from tests.support.receiver import Receiver

pytestmark = [pytest.mark.database, pytest.mark.sql]


@pytest.fixture
def session(database: Engine) -> Iterator[Session]:
    with Session(database) as session:
        yield session


def test_a_secret_is_told_once(session: Session, receiver: Receiver) -> None:
    made = make_webhook(session, receiver.url, kinds=["job.done", "job.done"], note=" for  the robot ")
    assert made.secret.startswith(PREFIX)
    (listed,) = list_webhooks(session)
    assert "secret" not in dataclasses.asdict(listed)
    assert (listed.kinds, listed.collections, listed.note) == (["job.done"], None, "for the robot")
    assert listed.disabled_at is None
    assert listed.waiting == 0


def test_what_was_done_to_it_is_in_the_audit_log_without_what_may_be_secret(
    session: Session, receiver: Receiver
) -> None:
    made = make_webhook(session, f"{receiver.url}/sesame?token=1")
    set_enabled(session, made.id, enabled=False)
    set_enabled(session, made.id, enabled=False)
    set_enabled(session, made.id, enabled=True)
    delete_webhook(session, made.id)
    entries = list_entries(session)
    assert [entry.action for entry in reversed(entries)] == [
        "webhook.create",
        "webhook.disable",
        "webhook.enable",
        "webhook.delete",
    ]
    written = json.dumps([dataclasses.asdict(entry) for entry in entries], default=str)
    assert "127.0.0.1" in written
    assert made.secret not in written
    assert "sesame" not in written


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"kinds": ["job.finished"]}, r"'job\.finished'.*job\.done"),
        ({"collections": ["No Name"]}, "No Name"),
        ({"collections": [f"c{n}" for n in range(MOST_COLLECTIONS + 1)]}, "too many collections"),
        ({"note": "n" * (MAX_NOTE + 1)}, f"{MAX_NOTE} printable"),
        ({"note": "a\x00b"}, "printable"),
    ],
)
def test_what_cannot_be_is_refused(
    session: Session, receiver: Receiver, wanted: dict[str, object], told: str
) -> None:
    with pytest.raises(InvalidRequest, match=told):
        make_webhook(session, receiver.url, **wanted)  # type: ignore[arg-type]
    assert list_webhooks(session) == []


def test_there_are_not_too_many(session: Session, receiver: Receiver) -> None:
    for _ in range(MOST_WEBHOOKS):
        make_webhook(session, receiver.url)
    with pytest.raises(InvalidRequest, match="Delete one first"):
        make_webhook(session, receiver.url)


def test_a_try_sends_a_signed_ping_at_once_and_says_what_came_of_it(
    session: Session, receiver: Receiver
) -> None:
    made = make_webhook(session, receiver.url)
    session.commit()
    assert try_webhook(session, made.id).delivered
    (received,) = receiver.received
    assert json.loads(received.body)["type"] == "ping"
    at = int(received.headers["webhook-timestamp"])
    assert received.headers["webhook-signature"] == sign(made.secret, received.message, at, received.body)
    receiver.usual = 500
    outcome = try_webhook(session, made.id)
    assert (outcome.delivered, outcome.answer) == (False, "HTTP 500")
    assert list_deliveries(session, made.id) == []


def test_deliveries_are_listed_by_pages(session: Session, receiver: Receiver) -> None:
    made = make_webhook(session, receiver.url)
    for number in range(5):
        tell(session, "job.done", "notes", job=number)
    found = list_deliveries(session, made.id, limit=2)
    assert [each.event for each in found] == [5, 4]
    assert [each.event for each in list_deliveries(session, made.id, before=4)] == [3, 2, 1]
    assert (found[0].kind, found[0].collection, found[0].state) == ("job.done", "notes", "waiting")
    assert list_webhooks(session)[0].waiting == 5


@pytest.mark.parametrize("number", [0, -1, 7, 2**63])
def test_one_that_there_is_not_is_said(session: Session, number: int) -> None:
    for call in (delete_webhook, try_webhook, list_deliveries):
        with pytest.raises(WebhookNotFound, match=f"no webhook {number}"):
            call(session, number)
