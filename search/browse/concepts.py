"""Finds concepts to steer by: the families of a collection's dictionary.

Shape suffixes: N passages, F features, D embedding width.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.dictionary.families import Family
from search.engine.concept_resolver import find_family
from search.engine.reader import Reader
from search.engine.response import EXAMPLE_CHARACTERS
from search.index.passage_texts import LocatedPassage
from search.index.snapshot import Snapshot
from search.query.limits import check_page, check_query
from search.responses.features import ConceptList, ConceptSummary, FamilyRef, FeatureRef

NEAREST = 20  # so many passages show what a text is about here
NEAREST_SHARE = 5  # in a small collection one in so many does


def find_concepts(reader: Reader, query: str, *, limit: int = 20, offset: int = 0) -> ConceptList:
    """Finds families for a text: those that hold its words in their name first, then in a label of theirs,
    then by how much the passages nearest to the text belong to them. An empty text lists those of most
    passages first.

    Raises:
        InvalidQuery: the text has no letter or digit, is too long, or is not text.
        InvalidPage: limit or offset is out of range.
    """
    check_page(limit, offset)
    snapshot = reader.snapshot
    there = _there(snapshot)
    if query.strip():
        check_query(query)
        near = _Near.to(snapshot, reader.embed(query))
        ordered = sorted(there, key=lambda family: (*_unnamed(snapshot, family, query), -near.lift(family)))
    else:
        ordered = sorted(there, key=lambda family: -snapshot.reach[family.number].passages)
    return ConceptList(
        query=query,
        collection=reader.collection,
        generation=snapshot.generation,
        total=len(ordered),
        limit=limit,
        offset=offset,
        concepts=_described(reader, ordered[offset : offset + limit]),
    )


def concept_detail(reader: Reader, number: int) -> ConceptSummary:
    """Describes one family in full.

    Raises:
        InvalidSteering: there is none of that number.
    """
    snapshot = reader.snapshot
    return _described(reader, [find_family(snapshot, number)])[0]


def families_of(snapshot: Snapshot, feature: int) -> list[FamilyRef]:
    """Lists the families that a feature is in, the narrowest first."""
    holding = [family for family in snapshot.families.values() if feature in family.features]
    return [FamilyRef(f.number, f.name) for f in sorted(holding, key=lambda family: len(family.features))]


@dataclass(frozen=True)
class _Near:
    """Holds the mean activations (F) of the passages nearest to a text."""

    snapshot: Snapshot
    mean_F: NDArray[np.float64]

    @classmethod
    def to(cls, snapshot: Snapshot, q_D: NDArray[np.float32]) -> "_Near":
        wanted = min(NEAREST, max(1, snapshot.passages // NEAREST_SHARE))
        _, nearest = snapshot.index.search(q_D[None], wanted)
        acts_NF = snapshot.acts_NF[nearest[0]]
        mean_F = acts_NF.sum(axis=0) / max(acts_NF.shape[0], 1)  # an emptied collection has no passage
        return cls(snapshot, np.asarray(mean_F, dtype=np.float64).ravel())

    def lift(self, family: Family) -> float:
        return family.lift(self.mean_F, self.snapshot.reach[family.number])


def _there(snapshot: Snapshot) -> list[Family]:
    """Lists the families that passages of the collection belong to."""
    return [family for number, family in snapshot.families.items() if snapshot.reach[number].passages]


def _unnamed(snapshot: Snapshot, family: Family, query: str) -> tuple[bool, bool]:
    """Says whether a family lacks the words of a text in its name, and in its labels."""
    wanted = query.casefold().strip()
    labels = [snapshot.labels[feature] for feature in family.features.tolist()]
    named = any(label.reliable and wanted in label.text.casefold() for label in labels)
    return wanted not in family.name.casefold(), not named


def _described(reader: Reader, families: list[Family]) -> list[ConceptSummary]:
    snapshot = reader.snapshot
    strongest = [snapshot.reach[family.number].strongest for family in families]
    texts = reader.texts(passage for passage in strongest if passage is not None)
    return [
        _concept(snapshot, family, None if passage is None else texts[passage])
        for family, passage in zip(families, strongest, strict=True)
    ]


def _concept(snapshot: Snapshot, family: Family, example: LocatedPassage | None) -> ConceptSummary:
    parent = None if family.parent is None else snapshot.families.get(family.parent)
    return ConceptSummary(
        family=family.number,
        name=family.name,
        passages=snapshot.reach[family.number].passages,
        features=[
            FeatureRef(feature, snapshot.labels[feature].shown, float(weight))
            for feature, weight in zip(family.features.tolist(), family.weights_C.tolist(), strict=True)
        ],
        example=example.passage.text[:EXAMPLE_CHARACTERS] if example else None,
        parent=FamilyRef(parent.number, parent.name) if parent else None,
        children=[
            FamilyRef(other.number, other.name)
            for other in snapshot.families.values()
            if other.parent == family.number
        ],
    )
