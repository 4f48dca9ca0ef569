"""Takes advisory locks by name, which end with the transaction or the process of who holds them."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from search.db.connection import direct


def take_turn(session: Session, name: str) -> None:
    """Waits until no other holds the thing of this name, and holds it until the transaction ends."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})


def build_lock(collection: int) -> str:
    """Names the advisory lock that whoever builds a collection holds (its key is the name's hash)."""
    return f"refract build {collection}"


def reading_lock(collection: int) -> str:
    """The name of the advisory lock that who reads documents into a collection, to make them searchable
    itself, shares with others who do."""
    return f"refract reading {collection}"


def is_built(session: Session, collection: int) -> bool:
    """Whether somebody builds a collection at this moment."""
    return is_held(session, build_lock(collection))


def is_read(session: Session, collection: int) -> bool:
    """Whether somebody reads documents into a collection at this moment."""
    return is_held(session, reading_lock(collection))


def is_held(session: Session, lock: str) -> bool:
    """Whether somebody holds an advisory lock at this moment."""
    held = text(
        "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND objid::bigint = (hashtext(:lock)::bigint & 4294967295))"
    )
    return bool(session.scalar(held, {"lock": lock}))


KEPT_ALIVE = {"tcp_keepalives_idle": 10, "tcp_keepalives_interval": 5, "tcp_keepalives_count": 4}
"""The server notices within half a minute that the machine of a connection is gone; else it takes hours."""


def notice_its_end(connection: Connection) -> None:
    """Has the server let go of what a connection holds soon after its machine is gone without a word."""
    for name, value in KEPT_ALIVE.items():
        connection.execute(
            text("SELECT set_config(:name, :value, false)"), {"name": name, "value": str(value)}
        )


@contextmanager
def shared(database: Engine, lock: str) -> Iterator[None]:
    """Holds an advisory lock, which others may share, until the block or the process ends."""
    with direct(database).connect() as connection:
        notice_its_end(connection)
        connection.execute(text("SELECT pg_advisory_lock_shared(hashtext(:lock))"), {"lock": lock})
        connection.commit()  # the lock is the connection's; an open transaction would hold back vacuum
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock_shared(hashtext(:lock))"), {"lock": lock})
            connection.commit()
