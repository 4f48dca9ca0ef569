"""An event says what has happened, in the transaction in which it does: what is undone is told to nobody, and
what is done is not lost.

Jobs tell of their ends by themselves (a trigger of migration 0010). Nothing here commits; who calls does.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, text, true, type_coerce, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from search.db.locks import take_turn
from search.db.models import CollectionRow, EventRow
from search.errors import InvalidRequest
from search.rights import EVERYTHING, Rights

KINDS = {
    "job.done": "a job is done",
    "job.failed": "a job has failed, for the `reason`",
    "job.cancelled": "a job was cancelled",
    "generation.live": "another generation is searched from now on, instead of the one `before`",
    "generation.dropped": "one cannot go back to a generation any more",
    "collection.deleted": "a collection is gone, with all that belongs to it",
    "webhook.disabled": "a webhook hears of nothing any more, for the `reason`",
}
FOR_ADMINS = ("job.done", "job.failed", "job.cancelled", "webhook.disabled")
"""Who may not list jobs and webhooks does not hear of them."""

TURN = "refract events"
"""Whoever tells of an event holds the lock of this name until the transaction ends."""

KEPT = timedelta(days=30)
MOST_KEPT = 10_000
PRUNED = 1000


@dataclass(frozen=True)
class EventInfo:
    """Describes one event: its number, when it happened, what it is, and in which collection. `data` are
    numbers and names."""

    id: int
    at: datetime
    kind: str
    collection: str | None
    data: dict[str, Any]


@dataclass(frozen=True)
class EventPage:
    """Holds events, the first first. `last` is the number to go on after; `missed`: some after the number
    that was given may not be kept any more."""

    events: list[EventInfo]
    last: int
    missed: bool


def tell(session: Session, kind: str, collection: CollectionRow | str | None, **data: Any) -> None:
    """Tells of an event, as the last thing in its transaction: who holds the turn waits for nobody else. A
    collection that is gone is given by its name."""
    number = collection.id if isinstance(collection, CollectionRow) else None
    name = collection.name if isinstance(collection, CollectionRow) else collection
    session.execute(select(func.tell_event(kind, number, name, type_coerce(data, JSONB))))


def forget_collection(session: Session, number: int) -> None:
    """Leaves the events of a collection that is deleted to those who see everything."""
    session.execute(update(EventRow).where(EventRow.collection_id == number).values(collection_id=None))


def check_kinds(kinds: Collection[str]) -> None:
    """Refuses kinds that there are not.

    Raises:
        InvalidRequest: naming the first.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise InvalidRequest(f"There are no events {kind[:40]!r}.", hint=f"Use {', '.join(KINDS)}.")


def read_events(
    session: Session,
    *,
    after: int = 0,
    kinds: Collection[str] = (),
    collection: str = "",
    limit: int = 100,
    rights: Rights = EVERYTHING,
    admin: bool = True,
) -> EventPage:
    """Reads the events after a number that somebody with these rights may know of.

    Raises:
        InvalidRequest: there was no event of that number yet, or there are none of such a kind.
    """
    check_kinds(kinds)
    first, newest = _kept(session)
    given = session.scalar(text("SELECT pg_sequence_last_value(pg_get_serial_sequence('events', 'id'))")) or 0
    if after > given:
        raise InvalidRequest(
            f"There was no event {after} yet; the last was {given}.",
            hint="Begin at 0: the database is another one than the number came from.",
        )
    wanted = select(EventRow).where(EventRow.id > after, EventRow.id <= (newest or 0), _seen(rights, admin))
    if kinds:
        wanted = wanted.where(EventRow.kind.in_(kinds))
    if collection:
        wanted = wanted.where(EventRow.collection == collection)
    rows = session.scalars(wanted.order_by(EventRow.id).limit(limit)).all()
    events = [EventInfo(row.id, row.at, row.kind, row.collection, row.data) for row in rows]
    last = events[-1].id if len(events) == limit else max(newest or 0, after)
    return EventPage(events, last, missed=0 < after < (given if first is None else first - 1))


def prune(session: Session) -> None:
    """Deletes some of the events whose time is up, or that are more than are kept, with their deliveries. Who
    deletes a webhook has the same turn: else both could wait for deliveries of the other."""
    take_turn(session, TURN)
    newest = select(func.max(EventRow.id)).scalar_subquery()
    ended = or_(EventRow.at < func.now() - KEPT, EventRow.id <= newest - MOST_KEPT)
    some = select(EventRow.id).where(ended).limit(PRUNED)
    session.execute(delete(EventRow).where(EventRow.id.in_(some)))


def _kept(session: Session) -> tuple[int | None, int | None]:
    """The numbers of the first and the last event that are kept."""
    found = session.execute(select(func.min(EventRow.id), func.max(EventRow.id))).one()
    return found[0], found[1]


def _seen(rights: Rights, admin: bool) -> ColumnElement[bool]:
    """Says in SQL which events somebody may know of. Of a collection that is gone nobody can say who saw
    it."""
    told = true() if admin else EventRow.kind.not_in(FOR_ADMINS)
    if rights.whole:
        return told
    return told & EventRow.collection_id.in_(select(CollectionRow.id).where(rights.seen()))
