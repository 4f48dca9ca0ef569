"""Knobs are learned from what people judged, tried on questions that did not teach them, and offered only
where they help these."""

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from indexer.progress import Reporter
from search.db.connection import open_session
from search.db.lookup import find_collection
from search.engine.generations import generation_reader
from search.engine.reader import Reader
from search.errors import InvalidRequest
from search.evaluation.evaluate import figure
from search.evaluation.judged import read_judged
from search.evaluation.learning import learn, measure_unseen
from search.evaluation.lessons import Lessons, directions, learnable, read_lessons
from search.query.steering import FeatureTarget, Knob, Steering, format_steering
from search.responses.learning import LearnedKnob, LearningReport

MOST = 1_000
"""Questions that are learned from: more take memory, and teach little more."""

TOLD = 5
SAME = 1e-9

FloatArray = NDArray[np.float64]


def run_learning(database: Engine, data: Path, collection: str, reporter: Reporter) -> LearningReport:
    """Learns knobs from a collection's judgements, and says what they are worth. Nothing is saved.

    Raises:
        CollectionNotFound, NotIndexed: there is no such thing to be searched.
        InvalidRequest: there are too few judged questions, or no features to turn.
        ModelUnavailable, ConfigurationError: its embedding model cannot be had.
    """
    begun = time.perf_counter()
    with open_session(database) as session:
        judged = read_judged(session, find_collection(session, collection).id)
    judged.check_teaches(collection)
    questions = _some(list(judged.grades))
    grades = {question: judged.grades[question] for question in questions}
    with generation_reader(database, data, collection, None) as reader:
        features = learnable(reader.snapshot)
        if not len(features):
            raise InvalidRequest(
                f"No feature of {collection!r} tells many of its passages apart: there is nothing to turn.",
                hint="A larger collection has some.",
            )
        with reporter.step("searching what was judged", len(grades)):
            lessons = read_lessons(reader, grades, directions(reader.snapshot, features), reporter.advance)
        with reporter.step("learning"):
            found = _report(reader, lessons, features)
    seconds = round(time.perf_counter() - begun, 2)
    return found.model_copy(update={"judgements": judged.judgements, "seconds": seconds})


def _some(questions: list[str]) -> list[str]:
    """Draws so many of the questions as can be learned from, always the same ones, in their order."""
    if len(questions) <= MOST:
        return questions
    drawn = np.random.default_rng(0).choice(len(questions), MOST, replace=False)
    return [questions[place] for place in np.sort(drawn)]


def _report(reader: Reader, lessons: Lessons, features: NDArray[np.int64]) -> LearningReport:
    snapshot = reader.snapshot
    before_Q = lessons.measure(lessons.scores(np.zeros(len(features))))
    gain_Q = measure_unseen(lessons) - before_Q
    gain = figure("nDCG@10", gain_Q.tolist())
    learned = learn(lessons)
    told = LearningReport(
        collection=snapshot.collection,
        generation=snapshot.generation,
        dictionary=snapshot.dictionary_id,
        questions=len(lessons.questions),
        features=len(features),
        before=figure("nDCG@10", before_Q.tolist()),
        unseen=gain,
        better=int((gain_Q > SAME).sum()),
        worse=int((gain_Q < -SAME).sum()),
        same=int((np.abs(gain_Q) <= SAME).sum()),
    )
    if not len(learned.turned):
        return told.model_copy(
            update={"refusal": "No knob is worth turning: what was judged agrees with it."}
        )
    knobs = _knobs(reader, lessons, features, learned.strength_K)
    refusal = ""
    if gain.low <= 0:
        refusal = (
            f"On questions that did not teach them the knobs change nDCG@10 by {gain.mean:+.3f} "
            f"({gain.low:+.3f} to {gain.high:+.3f}): that may be nothing, or worse. More judged questions "
            "may tell."
        )
    turned = tuple(Knob(each.strength, FeatureTarget(each.feature)) for each in knobs)
    steer = "" if refusal else format_steering(Steering(turned))
    return told.model_copy(update={"knobs": knobs, "steer": steer, "refusal": refusal})


def _knobs(
    reader: Reader, lessons: Lessons, features: NDArray[np.int64], strength_K: FloatArray
) -> tuple[LearnedKnob, ...]:
    """Describes the knobs, each with the questions that would be otherwise without it, those that matter most
    first."""
    with_all_Q = lessons.measure(lessons.scores(strength_K))
    labels = reader.snapshot.labels
    knobs = []
    for knob in np.flatnonzero(strength_K).tolist():
        without_K = strength_K.copy()
        without_K[knob] = 0.0
        helped_Q = with_all_Q - lessons.measure(lessons.scores(without_K))
        feature = int(features[knob])
        knobs.append(
            LearnedKnob(
                feature=feature,
                label=labels[feature].shown,
                strength=float(strength_K[knob]),
                helps=int((helped_Q > SAME).sum()),
                hurts=int((helped_Q < -SAME).sum()),
                helped=_first(lessons, -helped_Q),
                hurt=_first(lessons, helped_Q),
            )
        )
    return tuple(sorted(knobs, key=lambda each: (-each.helps - each.hurts, -abs(each.strength))))


def _first(lessons: Lessons, lost_Q: FloatArray) -> tuple[str, ...]:
    """Names the questions that lose most by something, those that lose anything."""
    order = np.argsort(lost_Q, kind="stable")[:TOLD]
    return tuple(lessons.questions[place] for place in order.tolist() if lost_Q[place] < -SAME)
