"""A key of an API client or an admin is 32 random bytes, of which the database keeps the SHA-256 alone.

Nothing here commits; who calls does.
"""

import hmac
import secrets
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from api.auth.scopes import SCOPES
from indexer.audit import record
from search.db.connection import is_read_only
from search.db.models import AdminSessionRow, KeyRow
from search.errors import InvalidRequest, KeyNotFound

MAX_NAME = 100
MAX_ID = 2**63 - 1
USE_NOTED = timedelta(minutes=1)


def digest(secret: str) -> bytes:
    """Hashes a key, a cookie or a link: that is what is kept of it."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def create_key(session: Session, name: str, scope: str) -> str:
    """Makes a key and gives it, this once.

    Raises:
        InvalidRequest: the name is blank, too long or not printable; there is no such scope.
    """
    name = name.strip()
    if not (0 < len(name) <= MAX_NAME and name.isprintable()):
        raise InvalidRequest(
            f"A key cannot be named {name[:40]!r}.", hint=f"Give 1 to {MAX_NAME} printable characters."
        )
    if scope not in SCOPES:
        raise InvalidRequest(f"There is no scope {scope[:40]!r}.", hint=f"Use one of {', '.join(SCOPES)}.")
    key = f"rf_{secrets.token_urlsafe(32)}"
    row = KeyRow(name=name, scope=scope, sha256=digest(key))
    session.add(row)
    session.flush()
    record(session, "key.create", f"key {row.id}", name=name, scope=scope)
    return key


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
    """Finds the key that somebody presents; None if it is wrong or revoked. Notes its use once a minute.

    The lookup by a hash of random bytes tells nobody by its time how much of a key was right.
    """
    presented = digest(text)
    unnoted = or_(KeyRow.used_at.is_(None), KeyRow.used_at < func.now() - USE_NOTED)
    found = session.execute(
        select(KeyRow, unnoted).where(KeyRow.sha256 == presented, KeyRow.revoked_at.is_(None))
    ).one_or_none()
    if found is None or not hmac.compare_digest(found[0].sha256, presented):
        return None
    key, note = found
    if note and not is_read_only(session.get_bind().engine):
        key.used_at = func.now()
    return key
