"""Asks what if a term were not there: gives the rank that each result would have, without another search.

Taking feature f away from the question q' = (q + ...) / n is the edit that turning it off makes:

    <q'', x> = (n <q', x> - weight_f <w_f, x>) / |n q' - weight_f w_f|

with weight_f its activation in the question, or its steering. What words and concepts add stays. All passages
that were scored for the ranking take part.

Shape suffixes: P passages scored, T terms, R results, D embedding width.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.engine.prepared import PreparedQuery
from search.engine.response import RanksWithout, TermKey
from search.scoring.ranking import ByDocument, Candidates, Ranking

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Without:
    """Holds some terms of a question, and the score of each passage without each of them (P, T)."""

    terms: list[TermKey]
    scores_PT: FloatArray


def ranks_without(prepared: PreparedQuery, ranking: Ranking, rows: IntArray) -> RanksWithout:
    """Ranks each result of some rows of a ranking anew without each term of the question."""
    grouped = ByDocument.of(prepared.snapshot, ranking.candidates)
    added, asked = _without_added(prepared, grouped.scored), _without_features(prepared, grouped.scored)
    scores_PT = np.concatenate([added.scores_PT, asked.scores_PT], axis=1)
    ranks_RT = grouped.ranks(scores_PT, ranking.documents[rows])
    return dict(zip([*added.terms, *asked.terms], ranks_RT.T.tolist(), strict=True))


def _without_added(prepared: PreparedQuery, scored: Candidates) -> _Without:
    """Scores the passages without what each concept and each word adds."""
    words = prepared.asked.words
    concepts = [TermKey("steering", str(each.target)) for each in prepared.concepts]
    added_PT = np.concatenate([scored.concepts_PC, words.values(scored.passages)], axis=1)
    terms = [*concepts, *(TermKey(term.kind, term.label) for term in words.terms)]
    return _Without(terms, scored.scores[:, None] - added_PT)


def _without_features(prepared: PreparedQuery, scored: Candidates) -> _Without:
    """Scores the passages without each feature of the question, asked and steered."""
    steered, active = prepared.steered, prepared.asked.question.active
    weight_T = np.array([*active.values(), *steered.delta_M.tolist()])
    w_TD = prepared.snapshot.dictionary.w_dec_FD[[*active, *steered.features]]
    with_PT = prepared.snapshot.index.vectors(scored.passages) @ w_TD.T
    along_T = w_TD @ steered.vector_D
    length_T = np.sqrt(
        np.maximum(steered.norm**2 - 2 * steered.norm * weight_T * along_T + weight_T**2, 1e-6)
    )
    semantic_P = scored.semantic_P.astype(np.float64)
    semantic_PT = (steered.norm * semantic_P[:, None] - weight_T * with_PT) / length_T
    terms = [TermKey("feature", feature) for feature in active]
    terms += [TermKey("steering", str(feature)) for feature in steered.features]
    return _Without(terms, semantic_PT + (scored.scores - scored.semantic_P)[:, None])
