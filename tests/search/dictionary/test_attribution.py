"""The mathematics of explanations, on real vectors: a real dictionary and real documents."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from search.dictionary.attribution import Attribution, Question, attribute, decompose
from search.dictionary.steer import SteeredQuery, steer
from search.engine.engine import SearchEngine
from search.index.snapshot import Snapshot
from search.scoring.pursuit import MOST_TERMS
from search.scoring.reasons import explaining

QUESTIONS = (
    "how do I read a json file",
    "sort a list in reverse",
    "what is a coroutine",
    "regular expression groups",
    "open a file for reading",
)
WITHIN = 1e-5


@pytest.fixture(scope="module")
def snapshot(engine: SearchEngine) -> Snapshot:
    return engine.snapshot("manual")


@pytest.fixture(scope="module")
def questions(engine: SearchEngine, snapshot: Snapshot) -> list[Question]:
    def explained(text: str) -> Question:
        q_D = engine.embed(snapshot.space, text)
        _, (first,) = snapshot.index.search(q_D[None], 100)
        return decompose(q_D, explaining(snapshot, text, q_D, first), snapshot.dictionary)

    return [explained(text) for text in QUESTIONS]


def everything(snapshot: Snapshot) -> NDArray[np.float32]:
    return snapshot.index.vectors(np.arange(snapshot.passages))


def total(terms: Attribution) -> NDArray[np.float64]:
    return np.asarray(
        terms.asked_NA.sum(axis=1, dtype=np.float64)
        + terms.steered_NS.sum(axis=1, dtype=np.float64)
        + terms.baseline_N
        + terms.remainder_N
    )


edits = st.dictionaries(st.integers(0, 63), st.floats(-2, 2, width=32), max_size=5)
which = st.integers(0, len(QUESTIONS) - 1)


@given(which, edits)
def test_terms_sum_to_the_score(
    snapshot: Snapshot, questions: list[Question], number: int, deltas: dict[int, float]
) -> None:
    question, x_ND = questions[number], everything(snapshot)
    steered = steer(question.vector_D, snapshot.dictionary.w_dec_FD, deltas)
    terms = attribute(question, steered, x_ND, snapshot.dictionary)
    np.testing.assert_allclose(total(terms), x_ND @ steered.vector_D, atol=WITHIN)
    np.testing.assert_allclose(total(terms), terms.score_N, atol=WITHIN)


@given(which)
def test_zero_steering_is_dense_order(snapshot: Snapshot, questions: list[Question], number: int) -> None:
    question, x_ND = questions[number], everything(snapshot)
    steered = steer(question.vector_D, snapshot.dictionary.w_dec_FD, {3: 0.0})
    terms = attribute(question, steered, x_ND, snapshot.dictionary)
    dense_N = x_ND @ question.vector_D
    assert (np.argsort(-terms.score_N, kind="stable") == np.argsort(-dense_N, kind="stable")).all()


@given(which, st.integers(0, 63), st.floats(-2, 2, width=32), edits)
def test_turning_a_knob_moves_the_unnormalised_score_by_delta_times_its_direction(
    snapshot: Snapshot,
    questions: list[Question],
    number: int,
    feature: int,
    delta: float,
    deltas: dict[int, float],
) -> None:
    question, x_ND = questions[number], everything(snapshot)
    w_dec_FD = snapshot.dictionary.w_dec_FD

    def unnormalised(steered: SteeredQuery) -> NDArray[np.float32]:
        return np.asarray(steered.norm * attribute(question, steered, x_ND, snapshot.dictionary).score_N)

    before = {**deltas, feature: 0.0}
    moved_N = unnormalised(steer(question.vector_D, w_dec_FD, {**before, feature: delta})) - unnormalised(
        steer(question.vector_D, w_dec_FD, before)
    )
    np.testing.assert_allclose(moved_N, delta * (x_ND @ w_dec_FD[feature]), atol=WITHIN)


@given(which, edits, st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_margin_is_the_difference_of_terms(
    snapshot: Snapshot, questions: list[Question], number: int, deltas: dict[int, float], a: int, b: int
) -> None:
    question, x_ND = questions[number], everything(snapshot)
    steered = steer(question.vector_D, snapshot.dictionary.w_dec_FD, deltas)
    pair = [x_ND[[n % len(x_ND)]] for n in (a, b)]
    one, other = (attribute(question, steered, x, snapshot.dictionary) for x in pair)
    margin = one - other
    # <q', A - B>, computed in one go, is what the differences of the terms have to sum to.
    np.testing.assert_allclose(total(margin), (pair[0] - pair[1]) @ steered.vector_D, atol=WITHIN)
    np.testing.assert_allclose(
        margin.asked_NA[0],
        [
            value * float((pair[0] - pair[1])[0] @ snapshot.dictionary.w_dec_FD[feature]) / steered.norm
            for feature, value in question.active.items()
        ],
        atol=WITHIN,
    )


@given(which)
def test_a_question_is_its_features_and_its_error(
    snapshot: Snapshot, questions: list[Question], number: int
) -> None:
    question, dictionary = questions[number], snapshot.dictionary
    rebuilt_D = question.error_D
    for feature, value in question.active.items():
        rebuilt_D = rebuilt_D + value * dictionary.w_dec_FD[feature]
    np.testing.assert_allclose(rebuilt_D, question.vector_D, atol=WITHIN)
    assert 0 < len(question.active) <= MOST_TERMS
