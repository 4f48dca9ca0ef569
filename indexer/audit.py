"""The audit log says who changed what, in the transaction that changes it.

Nothing here commits; who calls does.
"""

import getpass
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from search import logs
from search.db.models import AuditRow, CollectionRow
from search.settings import load_settings

LISTED = 20
"""So many ids of documents an entry names; it counts all."""

LONGEST = 200
PRUNED = 1000
PAGE = 500
DONE, DENIED = "done", "denied"
OUTCOMES = (DONE, DENIED)


@dataclass(frozen=True)
class AuditEntry:
    """Describes one change: when, by whom (`actor`, and the `channel` they came by), what was done to what,
    and whether it was done or denied. `details` are numbers and names; no document's text is in them."""

    id: int
    at: datetime
    actor: str
    channel: str
    action: str
    target: str
    outcome: str
    details: dict[str, Any]
    request_id: str | None


def record(session: Session, action: str, target: str, *, outcome: str = DONE, **details: Any) -> int:
    """Writes an entry and gives its number; entries whose time is up are deleted on the way."""
    _prune(session)
    values = {
        "actor": actor()[:LONGEST],
        "channel": logs.noted("channel") or "command line",
        "action": action,
        "target": target[:LONGEST],
        "outcome": outcome,
        "details": details,
        "request_id": logs.noted("request_id"),
    }
    number: int | None = session.scalar(insert(AuditRow).values(**values).returning(AuditRow.id))
    assert number is not None
    return number


def record_apart(database: Engine, action: str, target: str, **details: Any) -> None:
    """Writes an entry of what has no transaction in which it could be."""
    with Session(database) as session:
        record(session, action, target, **details)
        session.commit()


class Tally:
    """Records work of many transactions as one entry, which counts up with them."""

    def __init__(self, action: str, collection: int) -> None:
        self._action = action
        self._collection = collection
        self._number: int | None = None

    def record(self, session: Session, **details: Any) -> None:
        """Writes where the work stands."""
        if self._number is None:
            self._number = record(session, self._action, name_of(session, self._collection), **details)
        else:
            entry = update(AuditRow).where(AuditRow.id == self._number)
            session.execute(entry.values(details=details))


def listed(ids: Iterable[str]) -> list[str]:
    """Gives the first ids of documents, each short enough."""
    return [id[:LONGEST] for id, _ in zip(ids, range(LISTED), strict=False)]


def name_of(session: Session, collection: int) -> str:
    """Gives the name of a collection by its number."""
    return session.scalar(select(CollectionRow.name).where(CollectionRow.id == collection)) or ""


def list_entries(
    session: Session, *, before: int | None = None, find: str = "", outcome: str = "", limit: int = 50
) -> list[AuditEntry]:
    """Lists entries, the newest first; those older than the entry `before`, those in whose actor, action or
    target a text is."""
    wanted = _selected(find, outcome).order_by(AuditRow.id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(AuditRow.id < before)
    return [_entry(row) for row in session.scalars(wanted)]


def walk_entries(
    database: Engine, *, after: int = 0, find: str = "", outcome: str = ""
) -> Iterator[dict[str, Any]]:
    """Walks all entries after one, the oldest first, as they are exported; no transaction is open between
    pages."""
    while True:
        wanted = _selected(find, outcome).where(AuditRow.id > after).order_by(AuditRow.id).limit(PAGE)
        with Session(database) as session:
            found = [_entry(row) for row in session.scalars(wanted)]
        for entry in found:
            yield {**asdict(entry), "at": entry.at.isoformat()}
        if len(found) < PAGE:
            return
        after = found[-1].id


def _selected(find: str, outcome: str) -> Select[AuditRow]:
    wanted = select(AuditRow).where(_is_kept())
    if find:
        columns = AuditRow.actor, AuditRow.action, AuditRow.target
        text = find.replace("\0", "").lower()
        wanted = wanted.where(or_(*(func.strpos(func.lower(column), text) > 0 for column in columns)))
    if outcome:
        wanted = wanted.where(AuditRow.outcome == outcome)
    return wanted


def _is_kept() -> ColumnElement[bool]:
    days = load_settings().audit_days
    return AuditRow.at > func.now() - func.make_interval(0, 0, 0, days) if days else AuditRow.id > 0


def _prune(session: Session) -> None:
    """Deletes some of the entries whose time is up; those that another deletes at the moment are passed
    over."""
    if load_settings().audit_days:
        ended = select(AuditRow.id).where(~_is_kept()).limit(PRUNED).with_for_update(skip_locked=True)
        session.execute(delete(AuditRow).where(AuditRow.id.in_(ended)))


def actor() -> str:
    """Names who acts: the key, session or job at hand, else who runs the command."""
    if (named := logs.noted("actor") or logs.noted("key")) is not None:
        return str(named)
    if logs.noted("request_id"):
        return "nobody signed in"
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a number without a name
        return f"user {os.getuid()}"


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        at=row.at,
        actor=row.actor,
        channel=row.channel,
        action=row.action,
        target=row.target,
        outcome=row.outcome,
        details=row.details,
        request_id=row.request_id,
    )
