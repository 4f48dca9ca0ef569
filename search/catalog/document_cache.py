"""What is read of a collection's documents is kept up to date from one snapshot to the next."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from search.cache import LRUCache
from search.db.connection import for_all
from search.index.snapshot import PARTS_HELD, Part, Snapshot, View

T = TypeVar("T")

Read = Callable[[Session, Snapshot, T | None], T]
"""Reads what is wanted of a snapshot's documents; what was read before need not be read again."""


def is_of_the_past(known: NDArray[np.int64], wanted: NDArray[np.int64]) -> bool:
    """Whether most of the documents that were read (row ids) are wanted no more: they are better forgotten,
    or what is read would grow with every version of a document."""
    return len(known) > 2 * len(wanted) + 1000


class DocumentCache(Generic[T]):
    """Keeps what was read of each collection, or of what of it somebody may see. Reading one holds up no
    other."""

    def __init__(self, read: Read[T]) -> None:
        self._read = read
        self._held: LRUCache[Part, tuple[View, T]] = LRUCache(PARTS_HELD)
        self._reading: dict[Part, Lock] = {}

    def of(self, session: Session, snapshot: Snapshot) -> T:
        """Gives what is read of a snapshot's documents."""
        with self._reading.setdefault(snapshot.part, Lock()):
            view, before = self._held.known(snapshot.part) or (None, None)
            if before is not None and view is snapshot.view:
                return before
            with for_all(session):
                found = self._read(session, snapshot, before)
            self._held.put(snapshot.part, (snapshot.view, found))
        return found
