"""Finds the smallest steering that brings a document among the first of a search.

A knob of strength s on feature f changes the score of every passage x to

    (n <q', x> + s scale_f <w_f, x>) / |n q' + s scale_f w_f| + words + concepts

and one on a phrase by s times what the passage's membership is worth, so that all strengths are tried at once
on the passages near the top. What is found is then searched for really, and given only if it holds. Phrases
come first: they leave the question as it is, and people can say them.

Shape suffixes: P passages near the top, S strengths, D embedding width.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from search.engine.prepared import PreparedQuery
from search.engine.reader import Reader
from search.engine.response import steering_terms
from search.errors import InvalidSteering
from search.explain.compare import Places
from search.query.presets import NONE
from search.query.steering import (
    MAX_KNOBS,
    MAX_STRENGTH,
    ConceptTarget,
    FeatureTarget,
    Knob,
    Steering,
    format_steering,
)
from search.responses.explanations import Way
from search.scoring.ranking import CONCEPT_UNIT, ByDocument

NEAR = 5000
"""The first passages, so many of them, take part in looking for steering."""

STRENGTHS_S = np.round(np.arange(0.1, MAX_STRENGTH + 0.05, 0.1), 1)
TOGETHER = (2, 3, 4, 6)
MOST_WAYS = 4
MOST_FEATURES = 40
PHRASES = 2

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Turn:
    """Holds a feature that may be turned, up (1) or down (-1), with how strength 1 of that moves the
    question."""

    feature: int
    sign: int
    edit_D: NDArray[np.float32]

    def knob(self, strength: float) -> Knob:
        return Knob(self.sign * strength, FeatureTarget(self.feature))


@dataclass(frozen=True)
class _Trial:
    """Holds knobs that seem to bring the document up, and how near the question stays to what it was
    (cosine)."""

    knobs: tuple[Knob, ...]
    moved: float


@dataclass(frozen=True, eq=False)
class _Near:
    """Holds the passages near the top and those of the document: by document, and their vectors."""

    grouped: ByDocument
    x_PD: NDArray[np.float32]
    document: int

    @classmethod
    def of(cls, prepared: PreparedQuery, passages: NDArray[np.int64], document: int) -> "_Near":
        grouped = ByDocument.of(prepared.snapshot, prepared.score(passages).candidates)
        return cls(grouped, prepared.snapshot.index.vectors(grouped.scored.passages), document)

    def ranks_preferring(self, member_N: NDArray[np.float32]) -> NDArray[np.int64]:
        """Ranks the document when members of a concept are preferred by each strength (S,)."""
        added_P = CONCEPT_UNIT * member_N[self.grouped.scored.passages]
        scores_PS = self.grouped.scored.scores[:, None] + np.outer(added_P, STRENGTHS_S)
        return self.grouped.ranks(scores_PS, [self.document]).ravel()

    def ranks(
        self, prepared: PreparedQuery, edit_D: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], FloatArray]:
        """Ranks the document when the question is moved along `edit_D` by each strength (S,), and gives the
        cosine between the question before and after."""
        steered, scored = prepared.steered, self.grouped.scored
        along = float(steered.vector_D @ edit_D)
        square = float(edit_D @ edit_D)
        length_S = np.sqrt(steered.norm**2 + 2 * steered.norm * along * STRENGTHS_S + square * STRENGTHS_S**2)
        semantic_P = scored.semantic_P.astype(np.float64)
        edits_P = (self.x_PD @ edit_D).astype(np.float64)
        scores_PS = (steered.norm * semantic_P[:, None] + np.outer(edits_P, STRENGTHS_S)) / length_S
        rest_P = scored.scores - semantic_P
        (rank_S,) = self.grouped.ranks(scores_PS + rest_P[:, None], [self.document])
        return rank_S, (steered.norm + along * STRENGTHS_S) / length_S


def find_ways(
    reader: Reader,
    prepared: PreparedQuery,
    passages: NDArray[np.int64],
    places: Places,
    wanted: int,
) -> list[Way]:
    """Finds steering that really brings a document among the first, the smallest first."""
    snapshot = prepared.snapshot
    document = int(snapshot.document_N[passages[0]])
    own = prepared.allowed(passages)
    near = _Near.of(prepared, np.union1d(places.ranking.candidates.passages[:NEAR], own), document)
    passage = prepared.score(own).passages[0]
    phrases = _phrase_trials(reader, prepared, near, int(passage), wanted)
    trials = [*phrases, *_trials(prepared, near, passage, places, wanted)]
    in_order = sorted(trials, key=lambda each: -each.moved)
    single = [trial for trial in in_order if len(trial.knobs) == 1][:1]  # the one that people grasp at once
    tried = (_tried(reader, prepared, trial, document, wanted) for trial in dict.fromkeys(single + in_order))
    held = itertools.islice((way for way in tried if way is not None), MOST_WAYS)
    return sorted(held, key=lambda way: -way.moved)


def _trials(
    prepared: PreparedQuery, near: _Near, passage: np.int64, places: Places, wanted: int
) -> Iterator[_Trial]:
    """Tries single features: those of the document turned up, those of the question that it lacks turned
    down. And several together: those that gain most on the last of the first ones, turned alike."""
    snapshot = prepared.snapshot
    last = places.ranking.passages[wanted - 1]
    x_D, last_D = snapshot.index.vectors(np.array([passage, last]))
    gaining = sorted(_turns(prepared, int(passage)), key=lambda turn: -float((x_D - last_D) @ turn.edit_D))
    groups = [(turn,) for turn in gaining] + [tuple(gaining[:several]) for several in TOGETHER]
    for group in dict.fromkeys(groups):
        rank_S, moved_S = near.ranks(prepared, np.sum([turn.edit_D for turn in group], axis=0))
        enough = np.flatnonzero(rank_S <= wanted)
        if len(enough):
            strength = float(STRENGTHS_S[enough[0]])
            yield _Trial(tuple(turn.knob(strength) for turn in group), float(moved_S[enough[0]]))


def _phrase_trials(
    reader: Reader, prepared: PreparedQuery, near: _Near, passage: int, wanted: int
) -> Iterator[_Trial]:
    """Tries to prefer answers about what the document is most about, by its names; each alone."""
    snapshot, turned = prepared.snapshot, [knob.target for knob in prepared.translation.steering.knobs]
    active = snapshot.active(passage)
    strongest = sorted(active, key=lambda feature: -active[feature])
    names = dict.fromkeys(
        snapshot.labels[feature].text for feature in strongest if snapshot.labels[feature].reliable
    )
    for target in map(ConceptTarget, [*names][:PHRASES]):
        if target not in turned:
            reader.breathe()
            rank_S = near.ranks_preferring(snapshot.membership(reader.concept(target)))
            enough = np.flatnonzero(rank_S <= wanted)
            if len(enough):
                yield _Trial((Knob(float(STRENGTHS_S[enough[0]]), target),), 1.0)


def _turns(prepared: PreparedQuery, passage: int) -> list[_Turn]:
    """Picks the features to turn and which way, none that is turned already or that never fires."""
    snapshot = prepared.snapshot
    turned = prepared.translation.steering.features
    active = snapshot.active(passage)
    strongest = sorted(active, key=lambda feature: -active[feature])
    lacking = [feature for feature in prepared.asked.question.active if feature not in strongest]
    both = [(feature, 1) for feature in strongest] + [(feature, -1) for feature in lacking]
    scale_F, w_dec_FD = snapshot.scale_F, snapshot.dictionary.w_dec_FD
    turns = [
        _Turn(feature, sign, sign * scale_F[feature] * w_dec_FD[feature])
        for feature, sign in both
        if feature not in turned and scale_F[feature] > 0
    ]
    return turns[:MOST_FEATURES]


def _tried(
    reader: Reader,
    prepared: PreparedQuery,
    trial: _Trial,
    document: int,
    wanted: int,
) -> Way | None:
    """Searches with a trial and says what it really does; tries a little more of it where that is not enough
    yet."""
    snapshot, before = prepared.snapshot, prepared.translation
    asked = replace(prepared.request, filters=before.filters, dictionary=None, preset=NONE)
    if len(before.steering.knobs) + len(trial.knobs) > MAX_KNOBS:
        return None
    for more in (0.0, 0.1, 0.2):
        reader.breathe()
        knobs = tuple(replace(knob, strength=_more(knob, more)) for knob in trial.knobs)
        steering = Steering((*before.steering.knobs, *knobs))
        try:
            now = reader.prepare(replace(asked, steering=steering))
        except InvalidSteering:  # it cancels the question
            return None
        first = now.rank(wanted).documents[:wanted].tolist()
        if document in first:
            terms = steering_terms(snapshot, steering, now.concepts)
            return Way(
                steer=format_steering(steering),
                steering=terms,
                added=terms[len(before.steering.knobs) :],
                moved=float(prepared.steered.vector_D @ now.steered.vector_D),
                rank=first.index(document) + 1,
            )
    return None


def _more(knob: Knob, more: float) -> float:
    strength = float(knob.strength)
    further = strength + (more if strength > 0 else -more)
    return round(min(max(further, -MAX_STRENGTH), MAX_STRENGTH), 1)
