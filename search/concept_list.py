"""Looking for concepts to steer by: the families of a collection's dictionary.

Shape suffixes: D embedding width.
"""

import numpy as np
from numpy.typing import NDArray

from search.answers import EXAMPLE_CHARACTERS
from search.db import open_session
from search.descriptions import ConceptList, ConceptSummary, FamilyRef, FeatureRef
from search.engine import Engine
from search.families import Family
from search.fitting import find_family
from search.passages import PassageRow, read_passages
from search.requests import check_page, check_query
from search.snapshot import Snapshot


def find_concepts(
    engine: Engine, query: str, *, collection: str, limit: int = 20, offset: int = 0
) -> ConceptList:
    """Families for a text: those that hold its words in their name, then in a label of theirs, then by how
    near the text is to what their features point to. An empty text lists those of most passages first.

    Raises:
        InvalidQuery, InvalidPage, CollectionNotFound, NotIndexed
    """
    check_page(limit, offset)
    snapshot = engine.snapshot(collection)
    there = [family for number, family in snapshot.families.items() if snapshot.reach[number][0]]
    if query.strip():
        check_query(query)
        ordered = _by_relevance(snapshot, query, engine.embed(snapshot.space, query), there)
    else:
        ordered = sorted(there, key=lambda family: -snapshot.reach[family.number][0])
    return ConceptList(
        query=query,
        collection=collection,
        generation=snapshot.generation,
        total=len(ordered),
        limit=limit,
        offset=offset,
        concepts=_described(engine, snapshot, ordered[offset : offset + limit]),
    )


def concept_detail(engine: Engine, number: int, *, collection: str) -> ConceptSummary:
    """One family in full.

    Raises:
        InvalidSteering: there is none of that number.
        CollectionNotFound, NotIndexed
    """
    snapshot = engine.snapshot(collection)
    return _described(engine, snapshot, [find_family(snapshot, number)])[0]


def families_of(snapshot: Snapshot, feature: int) -> list[FamilyRef]:
    """The families that a feature is in, the narrowest first."""
    holding = [family for family in snapshot.families.values() if feature in family.features]
    return [FamilyRef(f.number, f.name) for f in sorted(holding, key=lambda family: len(family.features))]


def _by_relevance(
    snapshot: Snapshot, query: str, q_D: NDArray[np.float32], families: list[Family]
) -> list[Family]:
    wanted = query.casefold().strip()

    def rank(family: Family) -> tuple[bool, bool, float]:
        labels = [snapshot.labels[feature] for feature in family.features.tolist()]
        direction_D = family.weights_C @ snapshot.dictionary.w_dec_FD[family.features]
        return (
            wanted not in family.name.casefold(),
            not any(label.reliable and wanted in label.text.casefold() for label in labels),
            -float(direction_D @ q_D) / float(np.linalg.norm(direction_D)),
        )

    return sorted(families, key=rank)


def _described(engine: Engine, snapshot: Snapshot, families: list[Family]) -> list[ConceptSummary]:
    strongest = {family.number: snapshot.reach[family.number][1] for family in families}
    wanted = [passage for passage in strongest.values() if passage is not None]
    with open_session(engine.database) as session:
        texts = read_passages(session, snapshot.generation, wanted)
    return [_concept(snapshot, family, texts.get(strongest[family.number] or 0)) for family in families]


def _concept(snapshot: Snapshot, family: Family, example: PassageRow | None) -> ConceptSummary:
    parent = None if family.parent is None else snapshot.families.get(family.parent)
    return ConceptSummary(
        family=family.number,
        name=family.name,
        passages=snapshot.reach[family.number][0],
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
