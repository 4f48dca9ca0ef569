"""Ranking: the documents of a collection in the order of the steered score.

Shape suffixes: N passages, P passages scored, G documents they belong to, D embedding width, C concepts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from search.dictionary.concepts import Concept
from search.index.snapshot import Snapshot
from search.scoring.hybrid import WordScores

CONCEPT_UNIT = 0.15
"""What a concept of strength 1 adds to the score of a full member: it then costs as much relevance as a
feature of strength 1 (7% over textbooks; `benchmarks.steering`)."""

ROUNDING = 1e-5

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Pool:
    """How much a ranking looks at: at least so many of the nearest `passages`, and at most so many
    `challengers` one by one rather than by a deeper search. The unsteered ranking is exact for at least so
    many `documents`."""

    passages: int = 1000
    challengers: int = 4000
    documents: int = 100


POOL = Pool()


@dataclass(frozen=True, eq=False)
class Candidates:
    """Passages that were scored (P,), best first: the semantic part of each score, the part of each concept
    (one column a concept) and the whole. A question's first documents are surely among them."""

    passages: NDArray[np.int64]
    semantic_P: FloatArray
    concepts_PC: NDArray[np.float64]
    scores: NDArray[np.float64]

    def only(self, rows: NDArray[np.int64]) -> "Candidates":
        """Some of them, in the order given."""
        return Candidates(
            self.passages[rows], self.semantic_P[rows], self.concepts_PC[rows], self.scores[rows]
        )


@dataclass(frozen=True, eq=False)
class Ranking:
    """Passages in order, the best one of each document: numbers, scores, and the concepts' part of each score
    (one column a concept); the row ids of these `documents`. `candidates` are all passages that were scored
    for it."""

    candidates: Candidates
    best: Candidates
    documents: NDArray[np.int64]

    @cached_property
    def ranks(self) -> dict[int, int]:
        """Where each document stands."""
        return {document: rank for rank, document in enumerate(self.documents.tolist(), start=1)}

    @property
    def passages(self) -> NDArray[np.int64]:
        return self.best.passages

    @property
    def scores(self) -> NDArray[np.float64]:
        return self.best.scores

    @property
    def concepts_PC(self) -> NDArray[np.float64]:  # noqa: N802 - the suffix names the shape
        return self.best.concepts_PC


@dataclass(frozen=True, eq=False)
class ByDocument:
    """Scored passages in the order of their documents: the row ids of these, ascending (G,), and where the
    passages of each begin. A document stands where its best passage puts it."""

    scored: Candidates
    documents_G: NDArray[np.int64]
    starts_G: NDArray[np.int64]

    @classmethod
    def of(cls, snapshot: Snapshot, found: Candidates) -> "ByDocument":
        """The same passages, in that order."""
        scored = found.only(np.argsort(snapshot.document_N[found.passages], kind="stable"))
        return cls(scored, *np.unique(snapshot.document_N[scored.passages], return_index=True))

    def ranks(
        self, scores_PX: NDArray[np.float64], documents: Sequence[int] | NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Where some documents would stand (len(documents), X) by each of X ways to score the passages."""
        best_GX = np.maximum.reduceat(scores_PX, self.starts_G, axis=0)
        places = np.searchsorted(self.documents_G, documents)
        ranks = [1 + (best_GX > best_GX[place]).sum(axis=0) for place in places]
        return np.array(ranks, dtype=np.int64).reshape(len(places), scores_PX.shape[1])


def rank(
    snapshot: Snapshot,
    q_D: FloatArray,
    concepts: list[tuple[Concept, float]],
    documents: int,
    words: WordScores,
    allowed_N: NDArray[np.bool_] | None = None,
    pool: Pool = POOL,
) -> Ranking:
    """At least so many documents by their best passage (fewer only when no more are allowed).

    The order is exactly that of the scores, as far as the index is exact: of the nearest passages the last
    one bounds what all others can have, and those that words or concepts could still lift among the documents
    asked for are scored as well. So pages of any size fit together.
    """
    values = _values(snapshot, concepts)
    added_N = sum(values, words.sums) if values or words.parts_NT.nnz else None
    depth = max(pool.passages, 4 * documents)
    most = snapshot.passages if allowed_N is None else int(allowed_N.sum())
    while True:
        scores, ids = (found[0] for found in snapshot.index.search(q_D[None], depth, allowed_N))
        ranking = _ordered(snapshot, ids, scores, values, words)
        if depth >= most:
            return ranking
        if len(ranking.passages) >= documents:
            if added_N is None:
                return ranking
            least = float(ranking.scores[documents - 1])
            others = _challengers(added_N + scores[-1], least, ids, allowed_N)
            if len(others) <= pool.challengers:
                return _with(snapshot, ranking, others, q_D, values, words)
        depth *= 4


def score(
    snapshot: Snapshot,
    passages: NDArray[np.int64],
    q_D: FloatArray,
    concepts: list[tuple[Concept, float]],
    words: WordScores,
) -> Ranking:
    """Some passages and no others, in order."""
    values = _values(snapshot, concepts)
    return _ordered(snapshot, passages, snapshot.index.vectors(passages) @ q_D, values, words)


def _values(snapshot: Snapshot, concepts: list[tuple[Concept, float]]) -> list[FloatArray]:
    """What each concept adds to the score of each passage (N,)."""
    return [strength * CONCEPT_UNIT * snapshot.membership(concept) for concept, strength in concepts]


def _challengers(
    bound_N: FloatArray, least: float, ids: NDArray[np.int64], allowed_N: NDArray[np.bool_] | None
) -> NDArray[np.int64]:
    """The passages beside the nearest ones (`ids`) that may reach the least score that counts."""
    may_N = bound_N >= least - ROUNDING
    may_N[ids] = False
    return np.flatnonzero(may_N if allowed_N is None else may_N & allowed_N)


def _with(
    snapshot: Snapshot,
    ranking: Ranking,
    others: NDArray[np.int64],
    q_D: FloatArray,
    values: list[FloatArray],
    words: WordScores,
) -> Ranking:
    if not len(others):
        return ranking
    passages = np.concatenate([ranking.candidates.passages, others])
    more = snapshot.index.vectors(others) @ q_D
    semantic_P = np.concatenate([ranking.candidates.semantic_P, more])
    return _ordered(snapshot, passages, semantic_P, values, words)


def _ordered(
    snapshot: Snapshot,
    passages: NDArray[np.int64],
    semantic_P: FloatArray,
    values: list[FloatArray],
    words: WordScores,
) -> Ranking:
    """Passages by their score, those of equal score by number."""
    concepts_PC = np.zeros((len(passages), len(values)))
    for column, value_N in enumerate(values):
        concepts_PC[:, column] = value_N[passages]
    total = semantic_P.astype(np.float64) + concepts_PC.sum(axis=1) + words.sums[passages]
    scored = Candidates(passages, semantic_P, concepts_PC, total).only(np.lexsort((passages, -total)))
    documents = snapshot.document_N[scored.passages]
    first = np.sort(np.unique(documents, return_index=True)[1])
    return Ranking(scored, scored.only(first), documents[first])
