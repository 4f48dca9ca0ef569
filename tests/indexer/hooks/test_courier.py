"""Events reach webhooks once where they are taken, again and again where they are not, never by halves."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from indexer.collections import delete_collection, rename_collection
from indexer.hooks.courier import PATIENCE, SCHEDULE, TAKEN, Courier
from indexer.hooks.events import read_events, tell
from indexer.hooks.signing import sign
from indexer.hooks.webhooks import (
    DeliveryInfo,
    MadeWebhook,
    WebhookInfo,
    delete_webhook,
    get_webhook,
    list_deliveries,
    make_webhook,
    set_enabled,
)
from indexer.jobs.queue import start_job
from tests.support.building import eventually, work_off, write
from tests.support.commands import worker
from tests.support.receiver import HANG, Receiver, receiving

pytestmark = [pytest.mark.database, pytest.mark.sql]


@pytest.fixture
def receivers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Receiver]]:
    with ExitStack() as stack:
        servers = [stack.enter_context(receiving()) for _ in range(2)]
        monkeypatch.setenv("REFRACT_WEBHOOKS", ",".join(server.url for server in servers))
        yield servers


@pytest.fixture
def receiver(receivers: list[Receiver]) -> Receiver:
    return receivers[0]


def made(database: Engine, receiver: Receiver, **wanted: Any) -> MadeWebhook:
    with Session(database) as session:
        webhook = make_webhook(session, receiver.url, **wanted)
        session.commit()
    return webhook


def told(database: Engine, *kinds: str, name: str | None = None, **data: Any) -> None:
    with Session(database) as session:
        for kind in kinds:
            tell(session, kind, name, **data)
        session.commit()


def state(database: Engine, number: int = 1) -> WebhookInfo:
    with Session(database) as session:
        return get_webhook(session, number)


def deliveries(database: Engine, number: int = 1) -> list[DeliveryInfo]:
    with Session(database) as session:
        return list_deliveries(session, number)


def passed(database: Engine, time: timedelta) -> None:
    """Lets so much time pass for whatever waits: moves it all back."""
    with database.begin() as connection:
        for table, column in (
            ("deliveries", "next_at"),
            ("webhooks", "free_at"),
            ("webhooks", "failing_since"),
        ):
            moved = f"UPDATE {table} SET {column} = {column} - cast(:time AS interval)"
            connection.execute(text(moved), {"time": time})


def kinds(receiver: Receiver) -> list[str]:
    return [json.loads(each.body)["type"] for each in receiver.received]


def test_the_end_of_a_job_arrives_signed(database: Engine, tmp_path: Path, receiver: Receiver) -> None:
    secret = made(database, receiver).secret
    write(database, "notes", [])
    number = start_job(database, "verify", "notes")
    work_off(database, tmp_path)
    (received,) = receiver.received
    headers = received.headers
    at = int(headers["webhook-timestamp"])
    assert headers["webhook-signature"] == sign(secret, received.message, at, received.body)
    sent = json.loads(received.body)
    assert sent["type"] == "job.done"
    assert sent["data"] == {"event": 1, "collection": "notes", "job": number, "job_kind": "verify"}
    (delivery,) = deliveries(database)
    assert (delivery.state, delivery.attempts, delivery.status) == ("done", 1, 204)


def test_what_was_not_taken_is_sent_again_under_the_same_id(database: Engine, receiver: Receiver) -> None:
    receiver.instead = [500, HANG, 302, 200]
    secret = made(database, receiver).secret
    told(database, "job.done", job=1)
    courier = Courier(database, seconds=0.3)
    for attempt, pause in enumerate(SCHEDULE[:4]):
        courier.deliver()
        courier.deliver()  # it is not due yet
        assert len(receiver.received) == attempt + 1
        passed(database, pause * 1.2)
    courier.deliver()
    assert len(receiver.received) == 4
    assert len({each.message for each in receiver.received}) == 1
    assert len({each.body for each in receiver.received}) == 1
    last = receiver.received[-1]
    at = int(last.headers["webhook-timestamp"])
    assert last.headers["webhook-signature"] == sign(secret, last.message, at, last.body)
    (delivery,) = deliveries(database)
    assert (delivery.state, delivery.attempts) == ("done", 4)
    assert state(database).failing_since is None


def test_times_are_the_databases_whatever_the_workers_clock_says(
    database: Engine, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(database, receiver)
    told(database, "job.done")
    monkeypatch.setattr("time.time", lambda: 0.0)
    Courier(database).deliver()
    (received,) = receiver.received
    with database.connect() as connection:
        begun, now = connection.execute(text("SELECT min(at), now() FROM events")).one()
    at = int(received.headers["webhook-timestamp"])
    assert int(begun.timestamp()) <= at <= int(now.timestamp())


def test_events_arrive_in_the_order_in_which_they_happened(database: Engine, receiver: Receiver) -> None:
    made(database, receiver)
    told(database, "job.done", "job.failed", "generation.live", "job.cancelled")
    Courier(database).deliver()
    assert kinds(receiver) == ["job.done", "job.failed", "generation.live", "job.cancelled"]


def test_only_what_was_asked_for_is_sent(database: Engine, tmp_path: Path, receivers: list[Receiver]) -> None:
    ends, notes = receivers
    made(database, ends, kinds=["job.failed", "job.done"])
    made(database, notes, collections=["notes"])
    write(database, "notes", [])
    told(database, "job.done", "generation.live", name="notes")
    told(database, "job.failed", "generation.live", name="others")
    rename_collection(database, "notes", "drafts")
    told(database, "generation.live", name="drafts")
    delete_collection(database, tmp_path, "drafts")
    Courier(database).deliver()
    assert kinds(ends) == ["job.done", "job.failed"]
    assert kinds(notes) == ["job.done", "generation.live", "generation.live", "collection.deleted"]


def test_what_happened_before_a_webhook_was_made_is_not_sent(database: Engine, receiver: Receiver) -> None:
    told(database, "job.done")
    made(database, receiver)
    Courier(database).deliver()
    assert receiver.received == []


def test_two_workers_deliver_once(database: Engine, receiver: Receiver) -> None:
    made(database, receiver)
    couriers = [Courier(database) for _ in range(4)]
    told(database, *["job.done"] * 20)
    for courier in couriers:
        courier.look()
    for courier in couriers:
        courier.deliver()
    eventually(lambda: len(receiver.received) == 20 and state(database).waiting == 0)
    assert len({each.message for each in receiver.received}) == 20
    assert [json.loads(each.body)["data"]["event"] for each in receiver.received] == list(range(1, 21))


def test_one_that_hangs_holds_up_no_other(database: Engine, receivers: list[Receiver]) -> None:
    hanging, other = receivers
    hanging.usual = HANG
    made(database, hanging)
    made(database, other)
    told(database, "job.done", "job.failed")
    courier = Courier(database, seconds=60)
    courier.look()
    eventually(lambda: state(database, 2).waiting == 0)
    assert kinds(other) == ["job.done", "job.failed"]
    assert len(hanging.received) == 1  # and nothing more is sent there meanwhile
    hanging.ended.set()  # it hangs up
    courier.deliver()
    assert [each.state for each in deliveries(database)] == ["waiting", "waiting"]


def test_a_hanging_webhook_holds_up_no_job_and_no_end_of_a_worker(
    database: Engine, tmp_path: Path, receiver: Receiver
) -> None:
    receiver.usual = HANG
    made(database, receiver)
    write(database, "notes", [])
    with worker(database, tmp_path) as process:
        for _ in range(2):
            start_job(database, "verify", "notes")
            eventually(lambda: _jobs_waiting(database) == 0)
        eventually(lambda: len(receiver.received) == 1)
        process.terminate()
        process.wait(30)
    assert state(database).waiting == 2


def _jobs_waiting(database: Engine) -> int:
    with database.connect() as connection:
        waiting = "SELECT count(*) FROM jobs.procrastinate_jobs WHERE status IN ('todo', 'doing')"
        return int(connection.execute(text(waiting)).scalar_one())


def test_what_a_killed_worker_was_at_is_sent_by_the_next(
    database: Engine, tmp_path: Path, receiver: Receiver
) -> None:
    receiver.instead = [HANG]
    made(database, receiver)
    told(database, "job.done", "job.failed")
    with worker(database, tmp_path) as process:
        eventually(lambda: len(receiver.received) == 1)
        process.kill()
        process.wait(30)
    courier = Courier(database)
    courier.deliver()
    assert len(receiver.received) == 1  # it may be at it still
    passed(database, TAKEN)
    courier.deliver()
    assert kinds(receiver) == ["job.done", "job.done", "job.failed"]
    assert receiver.received[0].message == receiver.received[1].message
    assert [each.state for each in deliveries(database)] == ["done", "done"]


def test_one_that_is_gone_is_disabled_and_it_is_said(
    database: Engine, receivers: list[Receiver], caplog: pytest.LogCaptureFixture
) -> None:
    gone, other = receivers
    gone.usual = 410
    made(database, gone)
    made(database, other, kinds=["webhook.disabled"])
    told(database, "job.done", "job.failed")
    courier = Courier(database)
    courier.deliver()
    assert len(gone.received) == 1
    found = state(database)
    assert found.disabled_at is not None
    assert found.reason == "It answers that it is gone (HTTP 410)"
    assert "Webhook 1" in caplog.text
    assert "/hook" not in caplog.text
    courier.deliver()
    assert kinds(other) == ["webhook.disabled"]
    with Session(database) as session:
        (event,) = read_events(session, kinds=["webhook.disabled"]).events
    assert event.data == {"webhook": 1, "reason": found.reason}


def test_one_that_takes_nothing_for_days_is_disabled(database: Engine, receiver: Receiver) -> None:
    receiver.usual = 500
    made(database, receiver)
    told(database, "job.done")
    courier = Courier(database)
    for pause in SCHEDULE:
        assert state(database).disabled_at is None
        courier.deliver()
        passed(database, pause * 1.2)
    courier.deliver()
    assert "took nothing for 3 days; the last answer: HTTP 500" in state(database).reason
    assert [each.state for each in deliveries(database)] == ["failed"]
    assert len(receiver.received) == len(SCHEDULE) + 1
    assert sum(SCHEDULE, timedelta(0)) > PATIENCE


def test_a_success_in_between_is_forgiven(database: Engine, receiver: Receiver) -> None:
    receiver.instead = [500, 204]
    made(database, receiver)
    told(database, "job.done")
    courier = Courier(database)
    courier.deliver()
    assert state(database).failing_since is not None
    passed(database, PATIENCE)
    courier.deliver()
    found = state(database)
    assert (found.failing_since, found.disabled_at) == (None, None)


def test_a_receiver_that_asks_to_wait_is_waited_for(database: Engine, receiver: Receiver) -> None:
    receiver.instead, receiver.headers = [503], {"Retry-After": "600"}
    made(database, receiver)
    told(database, "job.done")
    courier = Courier(database)
    courier.deliver()
    passed(database, timedelta(seconds=590))
    courier.deliver()
    assert len(receiver.received) == 1
    passed(database, timedelta(seconds=15))
    courier.deliver()
    assert len(receiver.received) == 2


def test_a_disabled_one_hears_nothing_and_goes_on_with_what_waited(
    database: Engine, receiver: Receiver
) -> None:
    made(database, receiver)
    told(database, "job.done")
    courier = Courier(database)
    for enabled in (False, True):
        with Session(database) as session:
            set_enabled(session, 1, enabled=enabled)
            session.commit()
        if not enabled:
            told(database, "job.failed")
            courier.deliver()
            assert receiver.received == []
    told(database, "generation.live")
    courier.deliver()
    assert kinds(receiver) == ["job.done", "generation.live"]


def test_one_that_is_deleted_meanwhile_is_let_go(database: Engine, receiver: Receiver) -> None:
    receiver.usual = HANG
    made(database, receiver)
    told(database, "job.done")
    courier = Courier(database, seconds=60)
    courier.look()
    eventually(lambda: len(receiver.received) == 1)
    with Session(database) as session:
        delete_webhook(session, 1)
        session.commit()
    told(database, "job.done")
    receiver.ended.set()
    courier.deliver()
    assert len(receiver.received) == 1
