"""Keeps the snapshots that a process searches up to date."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from search.db.connection import open_session
from search.db.listener import ChangeListener
from search.db.locks import is_built
from search.db.lookup import live_generation
from search.db.models import CollectionRow, GenerationRow
from search.deadline import unhurried
from search.errors import CollectionNotFound
from search.index.snapshot import (
    Snapshot,
    load_snapshot,
    read_changes_again,
    read_labels_again,
    read_marks,
    read_presets_again,
    read_repairs_again,
)

FOLLOW_SECONDS = 0.5
"""A change may go unnoticed for so long where its notification was lost."""

RETRY_SECONDS = 2.0


class SnapshotManager:
    """Keeps the live generation of each collection in memory.

    By default every access looks whether something changed, and waits for what did. Once `follow` was called
    a thread of its own does that, and an access gives at once what is there.
    """

    def __init__(self, database: Engine, data: Path) -> None:
        self._database = database
        self._data = data
        self._held: dict[str, Snapshot] = {}
        self._ahead: dict[int, Snapshot] = {}
        self._live: list[str] = []
        self._private: dict[str, bool] = {}
        self._keeping: dict[str, int] = {}
        self._loading: dict[str, Lock] = {}
        self._follower: ChangeListener | None = None

    def of(self, collection: str) -> Snapshot:
        """Gives the live generation of a collection, loaded if it is not in memory yet.

        Raises:
            CollectionNotFound: there is no collection of that name.
            NotIndexed: it has no live generation yet.
            StoreUnavailable: the database does not answer.
        """
        held = self._held.get(collection)
        if held is not None and self._follower is not None:
            return held
        if held is None:
            return self.renew(collection)
        with open_session(self._database) as session:
            mark = read_marks(session, collection).get(collection)
        return held if held.mark == mark else self.renew(collection)

    def renew(self, collection: str) -> Snapshot:
        """Brings a collection up to date at once, also while another thread follows: for who has just changed
        it.

        Raises:
            CollectionNotFound: there is no collection of that name.
            NotIndexed: it has no live generation yet.
            StoreUnavailable: the database does not answer.
        """
        with unhurried(), self._alone(collection), open_session(self._database) as session:
            live = live_generation(_at_one_moment(session), collection)
            mark = read_marks(session, collection)[collection]
            held = self._held.get(collection)  # another may have renewed it meanwhile
            if held is None or held.generation != live.id:
                held = self._ahead.get(live.id) or load_snapshot(session, self._data, live)
            if held.mark.version != mark.version:
                held = read_changes_again(session, held, live)
            if held.mark.labels_version != mark.labels_version:
                held = read_labels_again(session, held, live)
            if held.mark.presets_version != mark.presets_version:
                held = read_presets_again(session, held)
            if held.mark.repairs_version != mark.repairs_version:
                held = read_repairs_again(session, held)
            session.commit()
            self._held[collection] = held
        return held

    def live(self) -> list[str]:
        """Lists the names of the collections that can be searched, in order."""
        if self._follower is not None and self._live:
            return self._live
        with open_session(self._database) as session:
            return sorted(read_marks(session))

    def private(self) -> Mapping[str, bool]:
        """Says of each collection that can be searched whether it is private, as it was when a change was
        followed last; of none where nobody follows."""
        return self._private if self._follower is not None else {}

    def keeping(self) -> Mapping[str, int]:
        """Says for how many days questions are kept, of the collections where they are, as it was when a
        change was followed last; of none where nobody follows."""
        return self._keeping if self._follower is not None else {}

    def held(self, collection: str) -> Snapshot | None:
        """Gives what is in memory of a collection, if anything."""
        return self._held.get(collection)

    def follow(self) -> None:
        """Begins to follow changes, in a thread that ends with `end`."""
        self._follower = ChangeListener(
            self._database, self._catch_up, name="follower", seconds=FOLLOW_SECONDS, pause=RETRY_SECONDS
        )
        self._follower.start()

    def end(self) -> None:
        """Stops following."""
        if self._follower is not None:
            self._follower.end()

    @contextmanager
    def _alone(self, collection: str) -> Iterator[None]:
        """Lets no other thread load the same collection meanwhile; others are not held up."""
        try:
            with self._loading.setdefault(collection, Lock()):
                yield
        except CollectionNotFound:
            self._loading.pop(collection, None)  # any name may be asked for
            raise

    def _catch_up(self) -> None:
        with open_session(self._database) as session:
            marks = read_marks(session)
            private, keeping = _settings(session)
            ready = _about_to_go_live(session)
        self._live, self._private = sorted(marks), {name: name in private for name in marks}
        self._keeping = keeping
        for name in self._held.keys() - marks.keys():
            self._held.pop(name, None)
        for name, mark in marks.items():
            if name not in self._held or self._held[name].mark != mark:
                self.renew(name)
        for generation in self._ahead.keys() - ready:
            del self._ahead[generation]
        for generation in ready - self._ahead.keys():
            self._load_ahead(generation)

    def _load_ahead(self, generation: int) -> None:
        """Loads a generation that is about to go live, so that nobody waits for it then."""
        with open_session(self._database) as session:
            row = _at_one_moment(session).get(GenerationRow, generation)
            if row is not None:
                self._ahead[generation] = load_snapshot(session, self._data, row)
                session.commit()


def _settings(session: Session) -> tuple[set[str], dict[str, int]]:
    """Reads which collections are private, and where questions are kept, for how many days."""
    rows = session.execute(
        select(CollectionRow.name, CollectionRow.private, CollectionRow.keep_questions).where(
            CollectionRow.private | CollectionRow.keep_questions.is_not(None)
        )
    ).all()
    return {row.name for row in rows if row.private}, {
        row.name: row.keep_questions for row in rows if row.keep_questions is not None
    }


def _about_to_go_live(session: Session) -> set[int]:
    """Finds the generations that are ready and whose build goes on: one that was killed may stay ready for
    long."""
    rows = session.execute(
        select(GenerationRow.id, GenerationRow.collection_id).where(GenerationRow.state == "ready")
    ).all()
    return {generation for generation, collection in rows if is_built(session, collection)}


def _at_one_moment(session: Session) -> Session:
    """Lets all reads of a session see the same state, whatever is committed meanwhile."""
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    return session
