"""Looks up the rows of collections and generations."""

import hashlib
import re

from sqlalchemy import ColumnElement, column, exists, func, select, true
from sqlalchemy.orm import Session

from search.db.models import CollectionRow, GenerationRow, PassageRow
from search.errors import CollectionNotFound, InvalidRequest, NotIndexed

NO_COLLECTION = "refract index PATH makes one; private ones are there for those who send a key or sign in."

EACH = true()

COLLECTION_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def check_collection_name(name: str) -> None:
    """Refuses what cannot name a collection.

    Raises:
        InvalidRequest: the name cannot be used in addresses.
    """
    if not COLLECTION_NAME.fullmatch(name):
        raise InvalidRequest(
            f"{name[:80]!r} cannot name a collection.",
            hint="Use up to 64 small letters, digits, - and _, beginning with a letter or digit.",
        )


def find_collection(session: Session, name: str, seen: ColumnElement[bool] = EACH) -> CollectionRow:
    """Finds the collection of that name, among those that are `seen`.

    Raises:
        CollectionNotFound: there is none; the hint names those that exist.
    """
    usable = COLLECTION_NAME.fullmatch(name) is not None
    named = select(CollectionRow).where(CollectionRow.name == name, seen)
    found = session.scalar(named) if usable else None
    if found is None:
        names = select(CollectionRow.name).where(seen).order_by(CollectionRow.name)
        known = ", ".join(session.scalars(names))
        raise CollectionNotFound(
            f"There is no collection {name[:100]!r}.",
            hint=f"Known collections: {known}." if known else NO_COLLECTION,
        )
    return found


def live_generation(session: Session, name: str) -> GenerationRow:
    """Finds the live generation of a collection.

    Raises:
        CollectionNotFound: there is no collection of that name.
        NotIndexed: it has no live generation yet.
    """
    live = live_of(session, find_collection(session, name).id)
    if live is None:
        raise NotIndexed(
            f"The collection {name!r} has no finished index yet.",
            hint="Wait for the build to end, or run refract index PATH.",
        )
    return live


def live_of(session: Session, collection: int) -> GenerationRow | None:
    """Finds the live generation of a collection (its row id), if it has one."""
    return session.scalar(
        select(GenerationRow).where(GenerationRow.collection_id == collection, GenerationRow.state == "live")
    )


def holds(session: Session, generation: int) -> bool:
    """Whether a generation is still there; it then stays as long as the session's transaction lasts, so that
    its passages are not dropped while they are being read."""
    return bool(session.scalar(select(exists().where(PassageRow.generation_id == generation))))


def count_passages(session: Session, generation: int) -> int:
    """Counts the passages that a generation was built with and got since, hidden ones too (their numbers
    count from 0)."""
    last = session.scalar(select(func.max(PassageRow.id)).where(PassageRow.generation_id == generation))
    return 0 if last is None else last + 1


def installation_of(session: Session) -> str:
    """Gives a name of this database (12 hexadecimal digits), which is another one's nowhere: for what is kept
    outside, where others keep theirs."""
    told = session.execute(
        select(func.current_database(), column("system_identifier")).select_from(func.pg_control_system())
    ).one()
    return hashlib.sha256("/".join(map(str, told)).encode()).hexdigest()[:12]
