"""Keeps what was worked out on the passages of a snapshot, for the requests that follow."""

from dataclasses import dataclass, field
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from search.cache import LRUCache
from search.dictionary.concepts import Concept
from search.engine.prepared import AnalyzedQuery, Understanding
from search.index.passage_texts import LocatedPassage
from search.index.snapshot import Snapshot, View
from search.query.parser import Condition, ParsedQuery
from search.query.steering import FittedTarget

KEPT_BYTES = 32 << 20
ROW_BYTES = 500
"""What a passage that is kept takes beside its text, about."""

BYTES_ANALYZED = 12
"""A question keeps about so many bytes a passage: what its words add to it, in all and one by one."""

Asked = tuple[str, str, tuple[Condition, ...], bool]
"""Names a question that was asked by its text, its mode, its filters, and whether it is meant as typed."""


@dataclass(frozen=True, eq=False)
class SnapshotCaches:
    """Keeps what was worked out: concepts by what they mean, the passages that restrictions leave (N,),
    questions that were asked, what they mean by text and mode, counts of values by restriction, and texts by
    passage."""

    concepts: LRUCache[FittedTarget, Concept]
    restricted: LRUCache[ParsedQuery, NDArray[np.bool_]]
    analyzed: LRUCache[Asked, AnalyzedQuery]
    understood: LRUCache[tuple[str, str, tuple[str, ...]], Understanding]
    counted: LRUCache[ParsedQuery, tuple[int, NDArray[np.int64]]]
    texts: LRUCache[int, LocatedPassage]

    @classmethod
    def for_passages(cls, passages: int) -> "SnapshotCaches":
        """Makes caches for so many passages: they keep fewer questions and restrictions of many passages,
        because each holds a few bytes for every one."""
        room = KEPT_BYTES // max(passages, 1)
        questions = min(max(room // BYTES_ANALYZED, 16), 64)
        return cls(
            concepts=LRUCache(256, name="concepts"),
            restricted=LRUCache(min(max(room, 16), 64), name="restrictions"),
            analyzed=LRUCache(questions, name="questions"),
            understood=LRUCache(questions, name="meanings"),
            counted=LRUCache(KEPT_BYTES // 2, lambda counts: counts[1].nbytes, name="facets"),
            texts=LRUCache(KEPT_BYTES // 4, lambda row: 4 * len(row.passage.text) + ROW_BYTES, name="texts"),
        )


@dataclass(frozen=True, eq=False)
class Caches:
    """Holds the caches of all snapshots in memory.

    Snapshots of one view, which differ in their presets alone, share theirs; those of a view that no snapshot
    has any more are gone.
    """

    _by_view: "WeakKeyDictionary[View, SnapshotCaches]" = field(default_factory=WeakKeyDictionary)
    _lock: Lock = field(default_factory=Lock)

    def of(self, snapshot: Snapshot) -> SnapshotCaches:
        """Gives the caches of a snapshot."""
        with self._lock:
            found = self._by_view.get(snapshot.view)
            if found is None:
                found = self._by_view[snapshot.view] = SnapshotCaches.for_passages(snapshot.passages)
        return found
