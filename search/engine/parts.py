"""A part of a snapshot is what a caller with a filter of their own sees of it: as if there were nothing else.

Passages, words, values, examples and every count are of the part alone. The dictionary was made of the whole
collection and is the same for all: docs/decisions/0024 says what can be inferred from that.

Shape suffixes: N passages, F features.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
from sqlalchemy.orm import Session

from search.cache import LRUCache
from search.db.models import DocumentRow
from search.dictionary.families import Family
from search.dictionary.labels import Label
from search.engine.effective_steering import example_documents, usable
from search.filtering.allowed import meeting
from search.filtering.doc_values import DocValues
from search.index.snapshot import Snapshot, View, Visible
from search.query.parser import Condition
from search.query.presets import Preset

ROOM = 2_000_000
"""So many passages of parts are kept of each snapshot; those of parts unused for longest make room."""

NAMES = 2
"""A family is named by so many of its features."""

LEAST = 1000
"""A part takes as much room as so many passages, however small it is."""


@dataclass(frozen=True, eq=False)
class Parts:
    """Keeps the parts of all snapshots in memory; those of a snapshot that is replaced are gone with it."""

    _by_snapshot: "WeakKeyDictionary[Snapshot, LRUCache[tuple[Condition, ...], Snapshot]]" = field(
        default_factory=WeakKeyDictionary
    )
    _lock: Lock = field(default_factory=Lock)

    def of(
        self, session: Session, snapshot: Snapshot, only: tuple[Condition, ...], doc_values: DocValues
    ) -> Snapshot:
        """Gives what some conditions leave of a snapshot."""
        with self._lock:
            known = self._by_snapshot.get(snapshot)
            if known is None:
                known = self._by_snapshot[snapshot] = LRUCache(ROOM, lambda part: part.passages + LEAST)
        return known.get(only, lambda: part_of(session, snapshot, only, doc_values))


def part_of(
    session: Session, snapshot: Snapshot, only: tuple[Condition, ...], doc_values: DocValues
) -> Snapshot:
    """Makes a snapshot of the documents alone that meet some conditions."""
    visible = snapshot.visible.only(np.isin(snapshot.document_N, meeting(doc_values, only)))
    labels = _labels(snapshot, visible)
    part = replace(
        snapshot,
        visible=visible,
        labels=labels,
        families=_families(snapshot, labels, visible),
        view=View(),
        only=only,
    )
    steerings = [preset.translation.steering for preset in snapshot.presets.values()]
    found = example_documents(session, part, steerings)
    return replace(
        part, presets={name: _preset(part, preset, found) for name, preset in snapshot.presets.items()}
    )


def _labels(snapshot: Snapshot, visible: Visible) -> list[Label]:
    """Gives the labels of features that passages here are about. Others may be named by words of documents
    that are not here."""
    return [
        label if passages else Label(f"feature {feature}", None, False)
        for feature, (label, passages) in enumerate(
            zip(snapshot.labels, visible.features.passages_F.tolist(), strict=True)
        )
    ]


def _families(snapshot: Snapshot, labels: list[Label], visible: Visible) -> dict[int, Family]:
    """Gives the families with such features, named by these alone."""
    families = {}
    for number, family in snapshot.families.items():
        told = [
            labels[feature].text.split(" · ")[0] for feature in family.features if labels[feature].reliable
        ]
        whole = visible.features.passages_F[family.features].all()
        if told:
            families[number] = family if whole else replace(family, name=", ".join(told[:NAMES]))
    return families


def _preset(part: Snapshot, preset: Preset, found: Mapping[str, DocumentRow]) -> Preset:
    """Gives a preset without examples that are not here, and without a word about them."""
    there = usable(part, preset.translation, found)
    return replace(preset, translation=replace(there, lost=preset.translation.lost))
