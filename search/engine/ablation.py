"""What if a term were not there: the rank that each result would have, without another search.

Taking feature f away from the question q' = (q + ...) / n is the edit that turning it off makes:

    <q'', x> = (n <q', x> - weight_f <w_f, x>) / |n q' - weight_f w_f|

with weight_f its activation in the question, or its steering. What words and concepts add stays. All passages
that were scored for the ranking take part.

Shape suffixes: P passages scored, T terms, R results, D embedding width.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from search.engine.prepared import PreparedQuery
from search.engine.response import RanksWithout
from search.scoring.ranking import ByDocument, Ranking

FloatArray = NDArray[np.float64]


def ranks_without(prepared: PreparedQuery, ranking: Ranking, page: slice) -> RanksWithout:
    """The rank that each result of a page would have without each term of the question."""
    grouped = ByDocument.of(prepared.snapshot, ranking.candidates)
    scored = grouped.scored
    extra_P = scored.scores - scored.semantic_P
    added_PT, named = _added(prepared, scored.passages, scored.concepts_PC)
    semantic_PT, features = _semantic(prepared, scored.passages, scored.semantic_P.astype(np.float64))
    scores_PT = np.concatenate([scored.scores[:, None] - added_PT, semantic_PT + extra_P[:, None]], axis=1)
    ranks_RT = grouped.ranks(scores_PT, ranking.documents[page])
    return dict(zip([*named, *features], ranks_RT.T.tolist(), strict=True))


def _added(
    prepared: PreparedQuery, passages: NDArray[np.int64], concepts_PC: FloatArray
) -> tuple[FloatArray, list[tuple[str, str | int]]]:
    """What concepts and words add to each passage (P, T), and which they are."""
    words = prepared.asked.words
    concepts: Sequence[tuple[str, str | int]] = [("steering", str(each.target)) for each in prepared.concepts]
    named = [*concepts, *(("word", word) for word in words.words)]
    return np.concatenate([concepts_PC, words.values(passages)], axis=1), named


def _semantic(
    prepared: PreparedQuery, passages: NDArray[np.int64], semantic_P: FloatArray
) -> tuple[FloatArray, list[tuple[str, str | int]]]:
    """The inner products (P, T) with the question without each of its features, asked and steered."""
    steered, active = prepared.steered, prepared.asked.question.active
    features = [*active, *steered.features]
    weight_T = np.array([*active.values(), *steered.delta_M.tolist()])
    w_TD = prepared.snapshot.dictionary.w_dec_FD[features]
    with_PT = prepared.snapshot.index.vectors(passages) @ w_TD.T
    along_T = w_TD @ steered.vector_D
    length_T = np.sqrt(
        np.maximum(steered.norm**2 - 2 * steered.norm * weight_T * along_T + weight_T**2, 1e-6)
    )
    named: list[tuple[str, str | int]] = [("feature", feature) for feature in active]
    named += [("steering", str(feature)) for feature in steered.features]
    return (steered.norm * semantic_P[:, None] - weight_T * with_PT) / length_T, named
