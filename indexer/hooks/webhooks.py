"""Webhooks: made, listed, changed, tried, deleted. Each has a secret, which is told once.

Nothing here commits but what has to; who calls does.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from indexer.audit import record
from indexer.hooks.events import TURN, check_kinds
from indexer.hooks.sending import Outcome, origin, payload, read_url, send
from indexer.hooks.signing import new_secret
from search.db.locks import take_turn
from search.db.lookup import check_collection_name
from search.db.models import DeliveryRow, EventRow, WebhookRow
from search.errors import InvalidRequest, WebhookNotFound

MOST_WEBHOOKS = 32
"""Each may keep a thread of the worker busy."""

MOST_COLLECTIONS = 100
MAX_NOTE = 200
MAX_URL = 2000
MAX_ID = 2**63 - 1
PING = "ping"


@dataclass(frozen=True)
class WebhookInfo:
    """Describes a webhook, without its secret: where it sends which `kinds` of events of which `collections`
    (null: all). `disabled_at`: it hears of nothing since then, for the `reason` (empty: somebody wanted it
    so). `failing_since`: nothing was taken since then. `waiting`: deliveries that are to come."""

    id: int
    url: str
    kinds: list[str] | None
    collections: list[str] | None
    note: str
    created_at: datetime
    disabled_at: datetime | None
    reason: str
    failing_since: datetime | None
    waiting: int


@dataclass(frozen=True)
class MadeWebhook(WebhookInfo):
    """Describes a webhook just made, with its secret, this once."""

    secret: str = ""


@dataclass(frozen=True)
class DeliveryInfo:
    """Says where the delivery of an event to a webhook stands: `state` is waiting (until `next_at`), done or
    failed, `status` and `answer` what came back last."""

    event: int
    kind: str
    collection: str | None
    state: str
    attempts: int
    tried_at: datetime | None
    next_at: datetime | None
    status: int | None
    answer: str


def make_webhook(
    session: Session,
    url: str,
    *,
    kinds: Sequence[str] | None = None,
    collections: Sequence[str] | None = None,
    note: str = "",
) -> MadeWebhook:
    """Makes a webhook, which hears of what happens from now on.

    Raises:
        InvalidRequest: the address cannot be used, there is no such kind, a name that no collection can have,
            a note that is too long, or there are too many webhooks.
    """
    found = read_url(url)
    kinds = _chosen(kinds)
    collections = _chosen(collections)
    check_kinds(kinds or ())
    for name in collections or ():
        check_collection_name(name)
    if len(collections or ()) > MOST_COLLECTIONS:
        raise InvalidRequest("These are too many collections.", hint=f"Name {MOST_COLLECTIONS} at most.")
    note = " ".join(note.split())
    if len(note) > MAX_NOTE or not note.isprintable():
        raise InvalidRequest(
            f"The note “{note[:40]}” cannot be used.", hint=f"Write {MAX_NOTE} printable characters at most."
        )
    take_turn(session, TURN)  # two that are made at once are counted one after the other
    if (session.scalar(select(func.count()).select_from(WebhookRow)) or 0) >= MOST_WEBHOOKS:
        raise InvalidRequest(f"There are {MOST_WEBHOOKS} webhooks already.", hint="Delete one first.")
    row = WebhookRow(url=found, secret=new_secret(), kinds=kinds, collections=collections, note=note)
    session.add(row)
    session.flush()
    record(session, "webhook.create", f"webhook {row.id}", to=origin(found), note=note)
    return MadeWebhook(**vars(_info(row, 0)), secret=row.secret)


def list_webhooks(session: Session) -> list[WebhookInfo]:
    """Lists all webhooks in the order they were made."""
    waiting = (
        select(func.count())
        .where(DeliveryRow.webhook_id == WebhookRow.id, DeliveryRow.state == "waiting")
        .scalar_subquery()
    )
    found = session.execute(select(WebhookRow, waiting).order_by(WebhookRow.id))
    return [_info(row, count) for row, count in found]


def get_webhook(session: Session, number: int) -> WebhookInfo:
    """Describes one webhook.

    Raises:
        WebhookNotFound: there is none of that number.
    """
    find_webhook(session, number)
    return next(each for each in list_webhooks(session) if each.id == number)


def find_webhook(session: Session, number: int) -> WebhookRow:
    """Finds a webhook by its number.

    Raises:
        WebhookNotFound: there is none.
    """
    row = session.get(WebhookRow, number) if 0 < number <= MAX_ID else None
    if row is None:
        raise WebhookNotFound(f"There is no webhook {number}.", hint="refract webhooks list shows them.")
    return row


def set_enabled(session: Session, number: int, *, enabled: bool) -> None:
    """Lets a webhook hear of events from now on, or of none. What waited when it was disabled is delivered
    once it is enabled again.

    Raises:
        WebhookNotFound: there is none of that number.
    """
    row = find_webhook(session, number)
    if (row.disabled_at is None) == enabled:
        return
    row.disabled_at = None if enabled else func.now()
    row.reason, row.failing_since = "", None
    record(session, "webhook.enable" if enabled else "webhook.disable", f"webhook {number}")


def delete_webhook(session: Session, number: int) -> None:
    """Deletes a webhook with its deliveries.

    Raises:
        WebhookNotFound: there is none of that number.
    """
    row = find_webhook(session, number)
    take_turn(session, TURN)  # an event that is told at the moment names it
    session.execute(delete(WebhookRow).where(WebhookRow.id == number))
    record(session, "webhook.delete", f"webhook {number}", to=origin(row.url))


def list_deliveries(
    session: Session, number: int, *, before: int = MAX_ID, limit: int = 50
) -> list[DeliveryInfo]:
    """Lists the deliveries of a webhook, the latest event first; those of events before a number.

    Raises:
        WebhookNotFound: there is none of that number.
    """
    find_webhook(session, number)
    rows = (
        select(DeliveryRow, EventRow)
        .join(EventRow, EventRow.id == DeliveryRow.event_id)
        .where(DeliveryRow.webhook_id == number, EventRow.id < before)
        .order_by(EventRow.id.desc())
        .limit(limit)
    )
    return [
        DeliveryInfo(
            event=event.id,
            kind=event.kind,
            collection=event.collection,
            state=row.state,
            attempts=row.attempts,
            tried_at=row.tried_at,
            next_at=row.next_at,
            status=row.status,
            answer=row.answer,
        )
        for row, event in session.execute(rows)
    ]


def try_webhook(session: Session, number: int) -> Outcome:
    """Sends a ping from this machine, now, and says what came of it. No transaction is open meanwhile.

    Raises:
        WebhookNotFound: there is none of that number.
    """
    row = find_webhook(session, number)
    url, secret, at = row.url, row.secret, session.scalar(select(func.now())) or datetime.now(UTC)
    record(session, "webhook.test", f"webhook {number}")
    session.commit()
    body = payload(PING, at, {"webhook": number})
    return send(url, secret, str(uuid.uuid4()), int(at.timestamp()), body)


def rename_in_webhooks(session: Session, name: str, new: str) -> None:
    """Lets webhooks of a collection go on with its other name."""
    named = WebhookRow.collections.contains([name])
    renamed = func.array_replace(WebhookRow.collections, name, new)
    session.execute(update(WebhookRow).where(named).values(collections=renamed))


def _chosen(given: Sequence[str] | None) -> list[str] | None:
    """Of nothing all is meant."""
    return sorted(dict.fromkeys(given)) if given else None


def _info(row: WebhookRow, waiting: int) -> WebhookInfo:
    return WebhookInfo(
        id=row.id,
        url=row.url,
        kinds=row.kinds,
        collections=row.collections,
        note=row.note,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        reason=row.reason,
        failing_since=row.failing_since,
        waiting=waiting,
    )
