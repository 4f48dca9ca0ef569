"""Finds how far a first press turns a knob: as little as visibly changes the first answers.

A strength means much for a topic that few answers are about and little for one that all share, so it is tried
on the collection: all strengths at once, on the passages that were scored for the question. A document that
is turned away from leaves the first answers.

Shape suffixes: P passages scored, S strengths, G documents.
"""

import numpy as np
from numpy.typing import NDArray

from search.dictionary.steer import feature_deltas
from search.engine.concept_resolver import find_documents
from search.engine.prepared import PreparedQuery
from search.engine.reader import Reader
from search.query.request import SearchRequest
from search.query.steering import (
    MAX_STRENGTH,
    ConceptTarget,
    ExamplesTarget,
    FeatureTarget,
    Knob,
    Steering,
    Target,
)
from search.scoring.ranking import CONCEPT_UNIT, ByDocument, Candidates

FIRST = 10
VISIBLE = 3
"""So many of the first ten are new or stand higher after a press."""

STRENGTHS_S = np.arange(0.5, MAX_STRENGTH + 0.01, 0.5)
MEMBERS = 2000
UNSEEN = 1.0
"""What a press is that changes nothing to be seen, however strong, or on what nothing here is about."""

FloatArray = NDArray[np.float64]


def first_press(reader: Reader, request: SearchRequest, target: Target, *, up: bool) -> float:
    """Gives the strength that a press on a target turns it to, negative for one down.

    Raises:
        InvalidQuery, InvalidSteering, InvalidFilter, InvalidRequest: the request or the target is wrong.
    """
    sign = 1.0 if up else -1.0
    if not request.query.strip() or (isinstance(target, ConceptTarget) and not reader.knows(target.phrase)):
        return sign * UNSEEN
    prepared = reader.prepare(request)
    ranking = prepared.rank(FIRST)
    passages = np.union1d(ranking.candidates.passages, _belonging(reader, prepared, target))
    grouped = ByDocument.of(prepared.snapshot, prepared.score(passages).candidates)
    scores_PS = _scores(reader, prepared, grouped.scored, target, sign)
    before = {document: place for place, document in enumerate(ranking.documents[:FIRST].tolist())}
    risen_S = _risen(grouped, scores_PS, before)
    if not up and isinstance(target, ExamplesTarget):
        risen_S = np.where(_gone(reader, grouped, scores_PS, target), risen_S, 0)
    enough = np.flatnonzero(risen_S >= VISIBLE)
    if len(enough):
        return sign * float(STRENGTHS_S[enough[0]])
    return sign * (float(STRENGTHS_S[int(np.argmax(risen_S))]) if risen_S.any() else UNSEEN)


def _belonging(reader: Reader, prepared: PreparedQuery, target: Target) -> NDArray[np.int64]:
    """Finds the passages that belong most to a target, which may be far from the question."""
    snapshot = reader.snapshot
    if isinstance(target, FeatureTarget):
        feature_deltas(Steering((Knob(1.0, target),)), {}, snapshot.scale_F)  # there is such a feature
        passages, value_P = snapshot.firing(target.feature)
    else:
        value_P = snapshot.membership(reader.concept(target))
        passages = np.arange(len(value_P))
    return prepared.allowed(passages[np.argsort(-value_P, kind="stable")[:MEMBERS]])


def _scores(
    reader: Reader, prepared: PreparedQuery, scored: Candidates, target: Target, sign: float
) -> FloatArray:
    """Scores the passages after a press by each strength (P, S)."""
    snapshot, steered = prepared.snapshot, prepared.steered
    if not isinstance(target, FeatureTarget):
        member_P = snapshot.membership(reader.concept(target))[scored.passages]
        return scored.scores[:, None] + sign * CONCEPT_UNIT * np.outer(member_P, STRENGTHS_S)
    edit_D = sign * snapshot.scale_F[target.feature] * snapshot.dictionary.w_dec_FD[target.feature]
    along, square = float(steered.vector_D @ edit_D), float(edit_D @ edit_D)
    length_S = np.sqrt(steered.norm**2 + 2 * steered.norm * along * STRENGTHS_S + square * STRENGTHS_S**2)
    edits_P = (snapshot.index.vectors(scored.passages) @ edit_D).astype(np.float64)
    semantic_P = scored.semantic_P.astype(np.float64)
    semantic_PS = (steered.norm * semantic_P[:, None] + np.outer(edits_P, STRENGTHS_S)) / length_S
    return semantic_PS + (scored.scores - semantic_P)[:, None]


def _gone(
    reader: Reader, grouped: ByDocument, scores_PS: FloatArray, target: ExamplesTarget
) -> NDArray[np.bool_]:
    """Says with which strengths none of the documents that are turned away from is among the first (S,)."""
    rows = [row.id for row in find_documents(reader.snapshot, [*target.like], reader.session).values()]
    there = np.intersect1d(rows, grouped.documents_G)
    return np.asarray((grouped.ranks(scores_PS, there) > FIRST).all(axis=0))


def _risen(grouped: ByDocument, scores_PS: FloatArray, before: dict[int, int]) -> NDArray[np.int64]:
    """Counts the documents of the first ones that are new there or stand higher, for each strength (S,)."""
    best_GS = np.maximum.reduceat(scores_PS, grouped.starts_G, axis=0)
    first_SX = np.argsort(-best_GS, axis=0, kind="stable")[:FIRST].T
    return np.array(
        [
            sum(place < before.get(document, FIRST) for place, document in enumerate(documents))
            for documents in grouped.documents_G[first_SX].tolist()
        ]
    )
