"""Collections as a whole: made, renamed, described, copied, deleted."""

import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, delete, func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from indexer.audit import record
from indexer.build.retention import (
    DROP_ATTEMPTS,
    PAUSE_SECONDS,
    drop_partitions,
    drop_vectors,
    remove_files,
)
from indexer.default_collection import ensure_default
from indexer.documents import lock_documents
from indexer.hooks.events import forget_collection, tell
from indexer.hooks.webhooks import rename_in_webhooks
from indexer.jobs.queue import JobInfo, cancel_job, list_jobs
from search.db.connection import direct, open_session
from search.db.listener import notify
from search.db.locks import build_lock, is_held, reading_lock, take_turn
from search.db.lookup import check_collection_name, find_collection, live_of
from search.db.models import CollectionRow, DictionaryRow, DocumentRow, GenerationRow, KeyRow
from search.errors import Busy, InvalidRequest

MAX_TITLE = 80
MAX_DESCRIPTION = 500
JOBS = 1000


@dataclass(frozen=True)
class About:
    """Says what a collection is called and about, for people; None: as it is, empty: nothing.

    Raises:
        InvalidRequest: one of them is too long, or no text.
    """

    title: str | None = None
    description: str | None = None

    def __post_init__(self) -> None:
        for name, most in (("title", MAX_TITLE), ("description", MAX_DESCRIPTION)):
            given = getattr(self, name)
            object.__setattr__(self, name, None if given is None else _one_line(name, given, most))


def _one_line(name: str, given: str, most: int) -> str:
    said = " ".join(given.split())
    if len(said) > most:
        raise InvalidRequest(
            f"The {name} “{said[:40]}…” has {len(said):,} characters.", hint=f"Use {most:,} at most."
        )
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in said):
        raise InvalidRequest(f"The {name} {said[:40]!r} is no text.", hint="Use letters and blanks.")
    return said


def describe_collection(database: Engine, name: str, about: About) -> None:
    """Says what a collection is called and about.

    Raises:
        CollectionNotFound
    """
    with open_session(database) as session:
        collection = find_collection(session, name)
        given = {field: said for field, said in vars(about).items() if said is not None}
        changed = {field: said for field, said in given.items() if getattr(collection, field) != said}
        for field, said in changed.items():
            setattr(collection, field, said)
        if changed:
            record(session, "collection.describe", name, **changed)
        session.commit()


def set_private(database: Engine, name: str, *, private: bool) -> None:
    """Hides a collection from those without a key or a session, or shows it to everybody.

    Raises:
        CollectionNotFound
    """
    with open_session(database) as session:
        find_collection(session, name).private = private
        notify(session)
        session.commit()


def rename_collection(database: Engine, name: str, new: str) -> None:
    """Gives a collection another name. Everything else stays: documents, index, labels, presets, and the keys
    that reach it.

    Raises:
        CollectionNotFound
        InvalidRequest: the new name cannot be used, or is taken.
        Busy: it is being built, or a job of it waits or runs.
    """
    with _alone(database, name) as (session, collection):
        _require_free(session, new)
        _refuse_jobs(database, name)
        collection.name = new
        record(session, "collection.rename", name, to=new)
        named = KeyRow.collections.contains([name])
        renamed = func.array_replace(KeyRow.collections, name, new)
        session.execute(update(KeyRow).where(named).values(collections=renamed))
        rename_in_webhooks(session, name, new)
        notify(session)
        session.commit()


def copy_collection(database: Engine, name: str, new: str) -> None:
    """Makes a new, empty collection with the settings of another one: its model, its title and description,
    and the length of passages and kind of index of its live generation. Documents, labels and presets are not
    copied.

    Raises:
        CollectionNotFound
        InvalidRequest: the new name cannot be used, or is taken.
    """
    with open_session(database) as session:
        collection = find_collection(session, name)
        _require_free(session, new)
        live = live_of(session, collection.id)
        asked: dict[str, Any] = dict(collection.first_build)
        if live:
            asked = {"passage_tokens": live.recipe.passage_tokens, "index": live.recipe.index}
            asked |= {"dimensions": live.recipe.dimensions} if live.recipe.dimensions else {}
        session.add(
            CollectionRow(
                name=new,
                model=collection.model,
                title=collection.title,
                description=collection.description,
                private=collection.private,
                first_build=asked,
            )
        )
        record(session, "collection.copy", name, to=new)
        session.commit()


def delete_collection(database: Engine, data: Path, name: str) -> int:
    """Deletes a collection with all that belongs to it, files too; gives how many documents it had. Jobs of
    it that wait are cancelled. Searches under way end with their answer, later ones find it no more.

    Stopped halfway, it has its documents and no index: delete it again.

    Raises:
        CollectionNotFound
        Busy: it is being built or read, or a job of it runs.
    """
    with _alone(database, name) as (session, collection):
        number = collection.id
        _cancel_waiting(database, name)
        _refuse_jobs(database, name)
        generations = list(
            session.scalars(select(GenerationRow.id).where(GenerationRow.collection_id == number))
        )
        session.commit()
        _drop_generations(session, name, generations)
        lock_documents(session, number)
        gone = delete(DocumentRow).where(DocumentRow.collection_id == number)
        found = session.scalars(gone.returning(DocumentRow.superseded.is_(None))).all()
        session.execute(delete(DictionaryRow).where(DictionaryRow.collection_id == number))
        session.execute(delete(CollectionRow).where(CollectionRow.id == number))
        ensure_default(session)
        record(session, "collection.delete", name, documents=sum(found))
        named = KeyRow.collections.contains([name])  # a later one of this name is another
        left = func.array_remove(KeyRow.collections, name)
        session.execute(update(KeyRow).where(named).values(collections=left))
        notify(session)
        forget_collection(session, number)
        tell(session, "collection.deleted", name)
        session.commit()
        for generation in generations:
            remove_files(data, generation)
        drop_vectors(session)
    return sum(found)


@contextmanager
def _alone(database: Engine, name: str) -> Iterator[tuple[Session, CollectionRow]]:
    """A collection that nobody builds or reads documents into until the block ends.

    Raises:
        CollectionNotFound, Busy
    """
    with direct(database).connect() as connection, open_session(database) as session:
        collection = find_collection(session, name)
        key = {"key": build_lock(collection.id)}
        if is_held(session, reading_lock(collection.id)) or not connection.scalar(
            text("SELECT pg_try_advisory_lock(hashtext(:key))"), key
        ):
            raise Busy(
                f"The collection {name!r} is being built or read into.", hint="Wait until that has ended."
            )
        connection.commit()  # the lock is the connection's
        try:
            yield session, collection
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(hashtext(:key))"), key)
            connection.commit()


def _require_free(session: Session, name: str) -> None:
    """Holds a name for a new collection until the transaction ends.

    Raises:
        InvalidRequest: it cannot be used, or is taken.
    """
    check_collection_name(name)
    take_turn(session, f"refract collection {name}")
    if session.scalar(select(CollectionRow.id).where(CollectionRow.name == name)) is not None:
        raise InvalidRequest(f"There is a collection {name!r} already.", hint="Choose another name.")


def _active(database: Engine, name: str) -> list[JobInfo]:
    found = list_jobs(database, limit=JOBS, collection=name)
    return [job for job in found if job.state in ("waiting", "running")]


def _cancel_waiting(database: Engine, name: str) -> None:
    for job in _active(database, name):
        if job.state == "waiting":
            cancel_job(database, job.number)


def _refuse_jobs(database: Engine, name: str) -> None:
    for job in _active(database, name):
        raise Busy(
            f"Job {job.number} ({job.kind}) of {name!r} is {job.state}.",
            hint="Wait until it has ended, or cancel it.",
        )


def _drop_generations(session: Session, name: str, generations: list[int]) -> None:
    """Drops generations with their passages, the live one too. Whoever reads has to end first: it waits for
    some seconds, a little at a time, so that searches of other collections do not queue behind it.

    Raises:
        Busy: somebody reads for longer than that.
    """
    for attempt in range(DROP_ATTEMPTS):
        try:
            drop_partitions(session, generations)
            session.execute(delete(GenerationRow).where(GenerationRow.id.in_(generations)))
            session.commit()
        except OperationalError:
            session.rollback()
            time.sleep(PAUSE_SECONDS if attempt + 1 < DROP_ATTEMPTS else 0.0)
        else:
            return
    raise Busy(f"The collection {name!r} is being read.", hint="Try again in a moment.")
