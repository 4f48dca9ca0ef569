"""Ranking: the documents of a collection in the order of the steered score.

Shape suffixes: N passages, P candidate passages, D embedding width, C concepts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.concepts import Concept
from search.mixing import WordScores
from search.snapshot import Snapshot

POOL = 1000
CONCEPT_UNIT = 0.15
"""What a concept of strength 1 adds to the score of a full member: it then costs as much relevance as a
feature of strength 1 (7% over textbooks; `benchmarks.steering`)."""

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Ranking:
    """Passages in order, the best one of each document: numbers, scores, and the concepts' part of each score
    (one column a concept)."""

    passages: NDArray[np.int64]
    scores: NDArray[np.float64]
    concepts_PC: NDArray[np.float64]


def rank(
    snapshot: Snapshot,
    q_D: FloatArray,
    concepts: list[tuple[Concept, float]],
    documents: int,
    words: WordScores,
    allowed_N: NDArray[np.bool_] | None = None,
) -> Ranking:
    """At least so many documents by their best passage (fewer only when no more are allowed).

    Candidates are the nearest passages, those with most of the words, and the strongest members of each
    concept; by meaning alone and without concepts the order is exactly that of the inner products.
    """
    depth = max(POOL, 4 * documents)
    most = snapshot.passages if allowed_N is None else int(allowed_N.sum())
    while True:
        ranking = _rank_candidates(snapshot, q_D, concepts, depth, words, allowed_N)
        if len(ranking.passages) >= documents or depth >= most:
            return ranking
        depth *= 4


def strongest_passage(snapshot: Snapshot, feature: int) -> int | None:
    """The passage that a feature fires on most strongly, None where it never fires."""
    column = snapshot.acts_by_feature[:, [feature]]
    return int(column.indices[np.argmax(column.data)]) if column.nnz else None


def _rank_candidates(
    snapshot: Snapshot,
    q_D: FloatArray,
    concepts: list[tuple[Concept, float]],
    depth: int,
    words: WordScores,
    allowed_N: NDArray[np.bool_] | None,
) -> Ranking:
    scores, ids = (found[0] for found in snapshot.index.search(q_D[None], depth, allowed_N))
    values = [strength * CONCEPT_UNIT * snapshot.membership(concept) for concept, strength in concepts]
    others = [_largest(value_N, allowed_N) for value_N in values]
    others += [words.best(depth, allowed_N)] if words.parts_NT.nnz else []
    added = np.setdiff1d(np.concatenate([np.zeros(0, np.int64), *others]), ids).astype(np.int64)
    passages = np.concatenate([ids, added])
    concepts_PC = (
        np.stack([value_N[passages] for value_N in values], axis=1)
        if values
        else np.zeros((len(passages), 0))
    )
    semantic = np.concatenate([scores, snapshot.index.vectors(added) @ q_D if len(added) else []])
    total = semantic.astype(np.float64) + concepts_PC.sum(axis=1) + words.sums[passages]
    order = np.lexsort((passages, -total)) if others else np.arange(len(passages))
    _, first = np.unique(snapshot.document_N[passages[order]], return_index=True)
    kept = order[np.sort(first)]
    return Ranking(passages[kept], total[kept], concepts_PC[kept])


def _largest(value_N: FloatArray, allowed_N: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """The passages of the largest values, of those that are allowed."""
    order = np.argsort(-value_N, kind="stable")
    return (order if allowed_N is None else order[allowed_N[order]])[:POOL]
