"""A key of an API client or an admin is 32 random bytes, of which the database keeps the SHA-256 alone.

Nothing here commits; who calls does.
"""

import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from api.auth.scopes import SCOPES
from indexer.audit import record
from search.db.connection import is_read_only
from search.db.lookup import check_collection_name
from search.db.models import AdminSessionRow, KeyRow
from search.errors import InvalidFilter, InvalidRequest, KeyNotFound
from search.query.filters import format_filter, parse_filters
from search.query.parser import TITLE

MAX_NAME = 100
MAX_ID = 2**63 - 1
USE_NOTED = timedelta(minutes=1)
LONGEST = timedelta(days=36_500)

_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
_DURATION = re.compile(r"(\d{1,7})([dhm])", re.ASCII)


def digest(secret: str) -> bytes:
    """Hashes a key, a cookie or a link: that is what is kept of it."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def create_key(
    session: Session,
    name: str,
    scope: str,
    *,
    expires: timedelta | None = None,
    collections: Sequence[str] | None = None,
    filters: Sequence[str] = (),
) -> str:
    """Makes a key and gives it, this once. It holds until it `expires` (None: until it is revoked), for some
    `collections` (None: all, later ones too), and there for the documents that all `filters` leave.

    Raises:
        InvalidRequest: the name is blank, too long or not printable; there is no such scope; it cannot name a
            collection; a key of this scope cannot be narrowed down so.
        InvalidFilter: a filter is not of its form, or not on a field of the metadata.
    """
    name = name.strip()
    if not (0 < len(name) <= MAX_NAME and name.isprintable()):
        raise InvalidRequest(
            f"A key cannot be named {name[:40]!r}.", hint=f"Give 1 to {MAX_NAME} printable characters."
        )
    if scope not in SCOPES:
        raise InvalidRequest(f"There is no scope {scope[:40]!r}.", hint=f"Use one of {', '.join(SCOPES)}.")
    named = None if collections is None else sorted(dict.fromkeys(collections))
    texts = _narrowed(scope, named, filters)
    key = f"rf_{secrets.token_urlsafe(32)}"
    ends = None if expires is None else func.now() + expires  # by the clock that it is compared with
    row = KeyRow(
        name=name, scope=scope, sha256=digest(key), expires_at=ends, collections=named, filters=texts
    )
    session.add(row)
    session.flush()
    record(session, "key.create", f"key {row.id}", name=name, scope=scope)
    return key


def _narrowed(scope: str, collections: Sequence[str] | None, filters: Sequence[str]) -> list[str]:
    """Gives filters as they are kept, where a key of the scope may have these and reach these collections."""
    for name in collections or ():
        check_collection_name(name)
    if collections is not None and (scope == "admin" or not collections):
        raise InvalidRequest(
            "A key of scope admin reaches all collections." if collections else "It would reach nothing.",
            hint="Name collections for a key of scope search or write.",
        )
    conditions = parse_filters(filters)
    if conditions and scope != "search":
        raise InvalidRequest(
            f"A key of scope {scope} cannot have a filter: what it writes would be for others too.",
            hint="Give a filter to a key of scope search.",
        )
    for condition in conditions:
        if condition.feature is not None or condition.field == TITLE or condition.negated:
            raise InvalidFilter(
                f"{format_filter(condition)} cannot decide who sees a document.",
                hint="Say what is seen, by a field of the metadata: team:blue or year:..2020.",
            )
    return [format_filter(condition) for condition in conditions]


def parse_duration(text: str) -> timedelta:
    """Reads how long a key holds: 90d, 12h, 30m.

    Raises:
        InvalidRequest: it is not of that form, or no time at all, or more than a hundred years.
    """
    found = _DURATION.fullmatch(text.strip().lower())
    length = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta(0)
    if not timedelta(0) < length <= LONGEST:
        raise InvalidRequest(
            f"{text[:40]!r} is no time that a key could hold for.", hint="Write 90d, 12h or 30m."
        )
    return length


def unexpired() -> ColumnElement[bool]:
    """Says in SQL that a key has not run out."""
    return or_(KeyRow.expires_at.is_(None), KeyRow.expires_at > func.now())


def reach(key: KeyRow) -> str:
    """Says in words what a key lets see."""
    places = "everything" if key.collections is None else ", ".join(key.collections) or "nothing any more"
    return " · ".join([places, *key.filters])


def list_keys(session: Session) -> list[KeyRow]:
    """Lists all keys, revoked ones too, in the order they were made."""
    return list(session.scalars(select(KeyRow).order_by(KeyRow.id)))


def revoke_key(session: Session, number: int) -> None:
    """Makes a key worthless and ends the sessions opened with it; once more changes nothing.

    Raises:
        KeyNotFound: no key has this number.
    """
    key = session.get(KeyRow, number, with_for_update=True) if 0 < number <= MAX_ID else None
    if key is None:
        raise KeyNotFound(f"There is no key {number}.", hint="refract keys list shows them.")
    if key.revoked_at is None:
        key.revoked_at = func.now()
        record(session, "key.revoke", f"key {number}", name=key.name)
    session.execute(delete(AdminSessionRow).where(AdminSessionRow.key_id == number))


def find_key(session: Session, text: str) -> KeyRow | None:
    """Finds the key that somebody presents; None if it is wrong, revoked or out of date. Notes its use once a
    minute.

    The lookup by a hash of random bytes tells nobody by its time how much of a key was right.
    """
    presented = digest(text)
    unnoted = or_(KeyRow.used_at.is_(None), KeyRow.used_at < func.now() - USE_NOTED)
    found = session.execute(
        select(KeyRow, unnoted).where(KeyRow.sha256 == presented, KeyRow.revoked_at.is_(None), unexpired())
    ).one_or_none()
    if found is None or not hmac.compare_digest(found[0].sha256, presented):
        return None
    key, note = found
    if note and not is_read_only(session.get_bind().engine):
        key.used_at = func.now()
    return key
