"""A session says who is signed in to the pages, by a cookie; a one-time link opens one without a key.

Nothing here commits; who calls does.
"""

import contextlib
import hmac
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection

from api.auth.keys import digest, unexpired
from indexer.audit import record
from search.db.models import AdminSessionRow, KeyRow
from search.query.filters import parse_filters
from search.rights import EVERYTHING, Rights
from search.shared_tables import SharedTable

COOKIE = "refract_session"
LIFETIME = timedelta(days=30)
SIGNED_IN_ELSEWHERE = timedelta(hours=12)
LINK_SECONDS = 3600


@dataclass(frozen=True)
class Caller:
    """Names who asks: the name and scope of their key, and what it lets them see. A one-time link reaches as
    far as an admin's key."""

    name: str
    scope: str
    rights: Rights = EVERYTHING


def caller_of(key: KeyRow) -> Caller:
    """Gives whose key it is."""
    collections = None if key.collections is None else frozenset(key.collections)
    return Caller(key.name, key.scope, Rights(collections, only=parse_filters(key.filters)))


def cookie_name(request: HTTPConnection, cookie: str = COOKIE) -> str:
    """Names a cookie by the port that the browser asks at: cookies know of hosts alone, and two
    installations on one host would sign each other out."""
    port = request.headers.get("Host", "").rpartition(":")[2]
    return f"{cookie}_{port}" if port.isdigit() and port.isascii() else cookie


def session_cookie(request: HTTPConnection) -> str:
    """Gives the cookie of the session that a request belongs to; nothing where it has none."""
    return request.cookies.get(cookie_name(request), "")


def begin_session(session: Session, key: KeyRow | None, name: str | None = None) -> str:
    """Opens a session with a key or, where it is None, with a one-time link or of somebody of that `name`;
    gives its cookie.

    Sessions that have run out are deleted on the way.
    """
    session.execute(delete(AdminSessionRow).where(AdminSessionRow.expires_at <= func.now()))
    cookie = secrets.token_urlsafe(32)
    number = None if key is None else key.id
    session.add(AdminSessionRow(sha256=digest(cookie), key_id=number, expires_at=func.now() + LIFETIME))
    session.flush()
    record(session, "session.begin", _opened_by(number, name))
    return cookie


def begin_session_of(session: Session, name: str, scope: str) -> str:
    """Opens a session of somebody whom an identity provider signed in; gives its cookie. It is short: what
    they may do is asked again then."""
    cookie = begin_session(session, None, name)
    row = session.get_one(AdminSessionRow, digest(cookie))
    row.name, row.scope, row.expires_at = name, scope, func.now() + SIGNED_IN_ELSEWHERE
    session.flush()
    return cookie


def find_session(session: Session, cookie: str) -> Caller | None:
    """Finds whose session a cookie is; None if there is none, or it or its key has run out or was revoked."""
    found = session.execute(
        select(AdminSessionRow, KeyRow)
        .outerjoin(KeyRow, KeyRow.id == AdminSessionRow.key_id)
        .where(
            AdminSessionRow.sha256 == digest(cookie),
            AdminSessionRow.expires_at > func.now(),
            KeyRow.revoked_at.is_(None),  # these hold as well where there is no key
            unexpired(),
        )
    ).one_or_none()
    if found is None:
        return None
    row, key = found
    if key is not None:
        return caller_of(key)
    return Caller("one-time link", "admin") if row.scope is None else Caller(row.name, row.scope)


def end_session(session: Session, cookie: str) -> None:
    """Ends a session, if the cookie is one's."""
    ended = delete(AdminSessionRow).where(AdminSessionRow.sha256 == digest(cookie))
    row = session.execute(ended.returning(AdminSessionRow.key_id, AdminSessionRow.name)).one_or_none()
    if row is not None:
        record(session, "session.end", _opened_by(row.key_id, row.name))


def _opened_by(key: int | None, name: str | None) -> str:
    if key is not None:
        return f"key {key}"
    return "one-time link" if name is None else "identity provider"


def csrf_token(cookie: str) -> str:
    """Makes what the forms of a session carry: only its own pages can know it."""
    return hmac.new(cookie.encode(), b"csrf", "sha256").hexdigest()


class OneTimeLinks:
    """Keeps the tokens of links that open one session each, by the time when they end. They live with the
    server, in whichever of its processes they are used, and are gone with it."""

    def __init__(self, ends: SharedTable, seconds: float = LINK_SECONDS) -> None:
        self._seconds = seconds
        self._ends = ends

    def make(self) -> str:
        """Makes a new token."""
        token = secrets.token_urlsafe(32)
        self._ends.put(digest(token), time.monotonic() + self._seconds)
        return token

    @contextlib.contextmanager
    def using(self, token: str) -> Iterator[bool]:
        """Takes a token out and says whether it is valid; where the block fails, the token stays valid."""
        key = digest(token)
        end = self._ends.pop(key)
        try:
            yield time.monotonic() < end
        except BaseException:
            self._ends.put(key, end)
            raise
