"""The courier delivers events to webhooks. Any number of workers may have one.

A webhook is served by one of them at a time, which has taken it for some seconds, in a thread of its own: one
that hangs holds up no other, and no job. What it does not take is sent again under the same id, later each
time; a worker that dies is followed by another once its time is up. Times are the database's: clocks of
workers may differ.
"""

import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Thread

from sqlalchemy import Engine, exists, func, select, update
from sqlalchemy.orm import Session

from indexer.audit import record
from indexer.hooks.events import TURN, prune, tell
from indexer.hooks.sending import GONE, SECONDS, Outcome, origin, payload, send
from indexer.insights.setting import forget_old
from search.db.listener import ChangeListener
from search.db.locks import take_turn
from search.db.models import DeliveryRow, EventRow, WebhookRow
from search.logs import doing

SCHEDULE = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
"""What was not taken is sent again after these, more than three days in all."""

PATIENCE = timedelta(days=3)
"""A webhook that took nothing for so long is disabled."""

LONGEST_WAIT = timedelta(days=1)
"""A receiver that asks to wait longer is asked again by then."""

TAKEN = timedelta(seconds=6 * SECONDS)
"""A webhook is taken for so long, from each request on."""

REST = timedelta(seconds=5)
"""After a failure a webhook is left alone for so long, whatever else waits for it."""

POLL_SECONDS = 1.0
RETRY_SECONDS = 5.0
PRUNE_SECONDS = 60.0
END_SECONDS = 2.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Due:
    """Holds what is sent: an event under its id, and where."""

    event: int
    url: str
    secret: str
    message: str
    at: int
    body: bytes


class Courier:
    """Delivers what is due. `schedule`: when what was not taken is sent again; `seconds`: how long one
    request may take."""

    def __init__(
        self, database: Engine, *, schedule: Sequence[timedelta] = SCHEDULE, seconds: float = SECONDS
    ) -> None:
        self._database = database
        self._schedule = schedule
        self._seconds = seconds
        self._serving: list[Thread] = []
        self._prune_at = 0.0
        self._following = ChangeListener(
            database, self.look, name="courier", seconds=POLL_SECONDS, pause=RETRY_SECONDS
        )

    def start(self) -> None:
        """Begins in a thread, which ends with `end`."""
        self._following.start()

    def end(self) -> None:
        """Takes up nothing more. Requests under way have a moment to end, or are made again."""
        self._following.end()
        end = time.monotonic() + END_SECONDS
        for thread in self._serving:
            thread.join(max(end - time.monotonic(), 0.0))

    def deliver(self) -> None:
        """Delivers all that is due, and waits until it is."""
        self.look()
        for thread in self._serving:
            thread.join()

    def look(self) -> None:
        """Begins to deliver what is due, a thread for each webhook."""
        if time.monotonic() >= self._prune_at:
            self._prune_at = time.monotonic() + PRUNE_SECONDS
            with Session(self._database) as session:
                prune(session)
                session.commit()
                forget_old(session)
                session.commit()
        self._serving = [thread for thread in self._serving if thread.is_alive()]
        for number in self._take():
            thread = Thread(target=self._serve, args=(number,), name=f"webhook {number}", daemon=True)
            thread.start()
            self._serving.append(thread)

    def _take(self) -> Sequence[int]:
        """Takes the webhooks for which something is due and that nobody else has."""
        due = exists().where(
            DeliveryRow.webhook_id == WebhookRow.id,
            DeliveryRow.state == "waiting",
            DeliveryRow.next_at <= func.now(),
        )
        free = select(WebhookRow.id).where(
            WebhookRow.disabled_at.is_(None), WebhookRow.free_at <= func.now(), due
        )
        mine = free.with_for_update(skip_locked=True, key_share=True)
        taken = update(WebhookRow).where(WebhookRow.id.in_(mine)).values(free_at=func.now() + TAKEN)
        with Session(self._database) as session:
            if session.scalar(free.limit(1)) is None:
                return []  # as nearly always: nothing is written
            numbers = session.scalars(taken.returning(WebhookRow.id)).all()
            session.commit()
        return numbers

    def _serve(self, number: int) -> None:
        """Sends a webhook what is due, in the order in which it happened, until something is not taken."""
        rest = REST
        try:
            with doing(actor="worker", channel="worker"):
                while not self._following.ended and (due := self._next(number)):
                    outcome = send(due.url, due.secret, due.message, due.at, due.body, seconds=self._seconds)
                    self._settle(number, due, outcome)
                    if not outcome.delivered:
                        return
            rest = timedelta(0)
        except Exception as error:
            logger.warning("Webhook %d waits: %s", number, error)
        finally:
            self._leave(number, rest)

    def _next(self, number: int) -> _Due | None:
        """Finds what is due first, and counts the attempt before it is made."""
        due = (
            select(DeliveryRow, EventRow, func.now())
            .join(EventRow, EventRow.id == DeliveryRow.event_id)
            .where(
                DeliveryRow.webhook_id == number,
                DeliveryRow.state == "waiting",
                DeliveryRow.next_at <= func.now(),
            )
            .order_by(DeliveryRow.event_id)
            .limit(1)
            .with_for_update(of=DeliveryRow, key_share=True)
        )
        with Session(self._database) as session:
            webhook = _locked(session, number)
            if webhook is None or webhook.disabled_at is not None:
                return None
            if (found := session.execute(due).one_or_none()) is None:
                return None
            delivery, event, now = found
            delivery.attempts += 1
            delivery.tried_at = now
            webhook.free_at = now + TAKEN
            made = _Due(event.id, webhook.url, webhook.secret, str(event.message), _unix(now), body_of(event))
            session.commit()
        return made

    def _settle(self, number: int, due: _Due, outcome: Outcome) -> None:
        """Writes down what came of a request, and when it is made again."""
        with Session(self._database) as session:
            webhook = _locked(session, number)
            delivery = session.get(DeliveryRow, (number, due.event), with_for_update={"key_share": True})
            if delivery is None or webhook is None:  # deleted meanwhile
                return
            delivery.status, delivery.answer = outcome.status, outcome.answer
            if outcome.delivered:
                delivery.state, delivery.next_at, webhook.failing_since = "done", None, None
                reason = ""
            else:
                logger.info("Webhook %d did not take event %d: %s.", number, due.event, outcome.answer)
                now = session.scalars(select(func.now())).one()
                webhook.failing_since = webhook.failing_since or now
                pause = self._pause(delivery.attempts, outcome)
                delivery.state = "failed" if pause is None else "waiting"
                delivery.next_at = None if pause is None else now + pause
                reason = _hopeless(outcome, now - webhook.failing_since)
            session.commit()
        if reason:
            _disable(self._database, number, reason)

    def _pause(self, attempts: int, outcome: Outcome) -> timedelta | None:
        """Says after how long a request is made again; None: it is not."""
        if attempts > len(self._schedule):
            return None
        asked = timedelta(seconds=min(outcome.wait or 0.0, LONGEST_WAIT.total_seconds()))
        return max(self._schedule[attempts - 1] * random.uniform(1.0, 1.1), asked)

    def _leave(self, number: int, rest: timedelta) -> None:
        """Lets others have a webhook, after a rest."""
        try:
            with Session(self._database) as session:
                freed = update(WebhookRow).where(WebhookRow.id == number)
                session.execute(freed.values(free_at=func.now() + rest))
                session.commit()
        except Exception as error:  # it is free when its time is up
            logger.warning("Webhook %d is not free yet: %s", number, error)


def body_of(event: EventRow) -> bytes:
    """Writes what is sent of an event; its number there is the one that those who follow events know."""
    return payload(event.kind, event.at, {"event": event.id, "collection": event.collection, **event.data})


def _locked(session: Session, number: int) -> WebhookRow | None:
    """Finds a webhook and holds it. It comes before its deliveries, as it does where it is deleted: two who
    hold them the other way round wait for each other. Events that are told meanwhile may name it."""
    return session.get(WebhookRow, number, with_for_update={"key_share": True})


def _hopeless(outcome: Outcome, failing: timedelta) -> str:
    """Says why nothing more is sent to a webhook; "" where it may still take something."""
    if outcome.status == GONE:
        return f"It answers that it is gone (HTTP {GONE})"
    if failing >= PATIENCE:
        return f"It took nothing for {PATIENCE.days} days; the last answer: {outcome.answer}"
    return ""


def _disable(database: Engine, number: int, reason: str) -> None:
    """Lets a webhook hear of nothing any more, and says so wherever one may look."""
    with Session(database) as session:
        take_turn(session, TURN)  # before the row: who deletes it does so, too
        webhook = _locked(session, number)
        if webhook is None or webhook.disabled_at is not None:
            return
        webhook.disabled_at, webhook.reason = func.now(), reason
        logger.warning("Webhook %d (%s) is disabled: %s.", number, origin(webhook.url), reason)
        record(session, "webhook.disable", f"webhook {number}", reason=reason)
        tell(session, "webhook.disabled", None, webhook=number, reason=reason)
        session.commit()


def _unix(moment: datetime) -> int:
    return int(moment.timestamp())
