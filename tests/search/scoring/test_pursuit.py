"""Pursuit of scores: whatever the vectors, few positive coefficients that explain no worse than none."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from search.scoring.pursuit import MOST_TERMS, pursue


def unit(
    rng: np.random.Generator, rows: int, width: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    x = rng.normal(size=(rows, width)).astype(np.float32)
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True), dtype=np.float32)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(0, 40), st.integers(2, 24))
def test_coefficients_are_few_and_positive_and_explain(
    seed: int, candidates: int, names: int, width: int
) -> None:
    rng = np.random.default_rng(seed)
    q_D, x_CD = unit(rng, 1, width)[0], unit(rng, candidates, width)
    w_VD = unit(rng, max(names, 1), width)[:names]
    found = pursue(q_D, x_CD, w_VD, np.full((5, names), 0.5))
    assert len(found) <= MOST_TERMS
    assert all(0 <= name < names and weight > 0 for name, weight in found.items())
    left = q_D - sum((weight * w_VD[name] for name, weight in found.items()), np.zeros(width))
    scores = [x_CD.astype(np.float64) @ v for v in (q_D.astype(np.float64), left)]  # in doubles: as they are
    before, after = (float(np.square(each).sum()) for each in scores)
    spread = [float(np.square(each - each.mean()).sum()) for each in scores]
    assert after + 2 * spread[1] <= before + 2 * spread[0] + 1e-5


def test_the_name_that_is_the_question_is_found_first_and_twins_are_not_needed() -> None:
    rng = np.random.default_rng(0)
    x_CD, w_VD = unit(rng, 50, 16), unit(rng, 30, 16)
    found = pursue(w_VD[7], x_CD, w_VD, np.full((1, 30), 0.5))
    assert next(iter(found)) == 7
    assert found[7] > 0.9
    twins = np.concatenate([w_VD, w_VD[7:8]])
    assert sum(pursue(w_VD[7], x_CD, twins, np.full((1, 31), 0.5)).get(name, 0) for name in (7, 30)) > 0.9


def test_what_is_not_favoured_does_not_come_first() -> None:
    rng = np.random.default_rng(0)
    x_CD, w_VD = unit(rng, 50, 16), unit(rng, 30, 16)
    likely_PV = np.full((3, 30), 0.5)
    assert next(iter(pursue(w_VD[7], x_CD, w_VD, likely_PV))) == 7
    likely_PV[:, 7] = 1e-4
    assert next(iter(pursue(w_VD[7], x_CD, w_VD, likely_PV))) != 7


def test_names_that_readers_see_come_before_those_that_explain_more() -> None:
    """Answers that all share a name: others tell them apart, and it is named all the same."""
    rng = np.random.default_rng(3)
    w_VD = unit(rng, 30, 16)
    x_CD = w_VD[0] + 0.3 * unit(rng, 50, 16)
    x_CD /= np.linalg.norm(x_CD, axis=1, keepdims=True)
    q_D = w_VD[0] + w_VD[5]
    q_D /= np.linalg.norm(q_D)
    likely_PV = np.full((5, 30), 0.3)
    likely_PV[:, 0] = 0.9
    found = pursue(q_D, x_CD, w_VD, likely_PV)
    assert found[0] > 0
    assert len(found) > 1


def test_without_names_or_answers_there_is_nothing() -> None:
    rng = np.random.default_rng(0)
    q_D, x_CD = unit(rng, 1, 8)[0], unit(rng, 4, 8)
    assert pursue(q_D, x_CD, np.zeros((0, 8), np.float32), np.zeros((1, 0))) == {}
    assert pursue(q_D, x_CD[:0], x_CD, np.ones((1, 4))) == {}
