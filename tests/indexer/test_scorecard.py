"""Figures that say how good a dictionary is, on arrays whose figures are known."""

import numpy as np
import pytest

from indexer.scorecard import explained, nearest, stability
from search.dictionary import Card, Dictionary

D, F = 16, 24


def unit(rng: np.random.Generator, rows: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    w = rng.normal(size=(rows, D)).astype(np.float32)
    return np.asarray(w / np.linalg.norm(w, axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def dictionary(rng: np.random.Generator, active: int) -> Dictionary:
    w_FD = unit(rng, F)
    return Dictionary(w_FD, np.zeros(F, np.float32), w_FD, unit(rng, 1)[0] * 0.1, Card("m", active))


def test_a_dictionary_is_found_again_whatever_the_order_of_its_features(rng: np.random.Generator) -> None:
    w_FD = unit(rng, F)
    same = stability(w_FD, w_FD[rng.permutation(F)], np.ones(F))
    assert same == pytest.approx({"twins": 1.0, "median": 1.0, "firing": 1.0})


def test_features_that_fire_often_count_more_among_those_of_a_text() -> None:
    w_FD = np.eye(D, dtype=np.float32)
    found = stability(w_FD, np.concatenate([w_FD[:4], -w_FD[4:]]), np.array([7.0] * 4 + [1.0] * 12))
    assert found == pytest.approx({"twins": 4 / 16, "median": 0.0, "firing": 28 / 40})


def test_the_nearest_other_feature_is_never_itself() -> None:
    w_FD = np.eye(D, dtype=np.float32)
    assert nearest(w_FD).max() == 0
    assert nearest(np.concatenate([w_FD, w_FD[:1]]))[[0, 1, D]] == pytest.approx([1, 0, 1])


@pytest.mark.parametrize("active", [2, F])
def test_shares_of_the_score_sum_to_one(rng: np.random.Generator, active: int) -> None:
    found = explained(dictionary(rng, active), unit(rng, 50), unit(rng, 7))
    assert found.carried + found.baseline + found.remainder == pytest.approx(1, abs=1e-5)


def test_questions_made_of_features_are_explained_by_them(rng: np.random.Generator) -> None:
    made = Dictionary(
        np.eye(D, dtype=np.float32),
        np.zeros(D, np.float32),
        np.eye(D, dtype=np.float32),
        np.zeros(D, np.float32),
        Card("m", 3),
    )
    q_QD = np.zeros((5, D), np.float32)
    q_QD[:, :3] = rng.uniform(0.1, 1, size=(5, 3))
    texts_ND = np.abs(unit(rng, 40))
    found = explained(made, texts_ND, q_QD)
    assert found.baseline == 0.0
    assert found.ordered > 0.9
    assert found.remainder == pytest.approx(0, abs=0.05)
    assert 0 < found.shared <= found.carried == pytest.approx(1, abs=0.05)
