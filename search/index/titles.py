"""The titles of a collection's documents by their beginnings, for suggestions: read when the first is asked
for, and kept up to date from one snapshot to the next."""

from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from search.cache import LRUCache
from search.db.connection import among, for_all
from search.db.models import DocumentRow
from search.index.beginnings import Beginnings, words_of
from search.index.snapshot import PARTS_HELD, Part, Snapshot, View


@dataclass(frozen=True, eq=False)
class Titles:
    """Holds the beginnings of titles by the row ids of their documents, and all that were read, ascending."""

    beginnings: Beginnings = field(default_factory=Beginnings)
    known: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


class TitlesCache:
    """Keeps the titles of each collection, or of what of it somebody may see."""

    def __init__(self) -> None:
        self._held: LRUCache[Part, tuple[View, Titles]] = LRUCache(PARTS_HELD)
        self._reading: dict[Part, Lock] = {}

    def of(self, session: Session, snapshot: Snapshot) -> Beginnings:
        """Those of a snapshot's documents, and perhaps of some that are there no more."""
        with self._reading.setdefault(snapshot.part, Lock()):
            view, before = self._held.known(snapshot.part) or (None, Titles())
            if view is not snapshot.view:
                with for_all(session):
                    before = _read(session, snapshot, before)
                self._held.put(snapshot.part, (snapshot.view, before))
        return before.beginnings


def _read(session: Session, snapshot: Snapshot, before: Titles) -> Titles:
    wanted = snapshot.documents_sorted
    if len(before.known) > 2 * len(wanted) + 1000:  # most of it is of the past
        before = Titles()
    missing = np.setdiff1d(wanted, before.known)
    if not len(missing):
        return before
    rows = session.execute(
        select(DocumentRow.id, DocumentRow.title).where(among(DocumentRow.id, missing.tolist()))
    )
    beginnings = before.beginnings.and_of((number, words_of(title)) for number, title in rows)
    return Titles(beginnings, np.union1d(before.known, missing))
