"""Takes advisory locks by name, which end with the transaction or the process of who holds them."""

from sqlalchemy import text
from sqlalchemy.orm import Session


def take_turn(session: Session, name: str) -> None:
    """Waits until no other holds the thing of this name, and holds it until the transaction ends."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})


def build_lock(collection: int) -> str:
    """Names the advisory lock that whoever builds a collection holds (its key is the name's hash)."""
    return f"refract build {collection}"


def is_built(session: Session, collection: int) -> bool:
    """Whether somebody builds a collection at this moment."""
    held = text(
        "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND objid::bigint = (hashtext(:lock)::bigint & 4294967295))"
    )
    return bool(session.scalar(held, {"lock": build_lock(collection)}))
