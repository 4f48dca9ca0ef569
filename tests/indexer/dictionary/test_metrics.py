"""Figures that say how good a dictionary is, on arrays whose figures are known."""

import numpy as np
import pytest

from indexer.dictionary.metrics import explained, scorecard
from search.db.card import Card, Training
from search.dictionary.autoencoder import Dictionary

D, F = 16, 24


def unit(rng: np.random.Generator, rows: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    w = rng.normal(size=(rows, D)).astype(np.float32)
    return np.asarray(w / np.linalg.norm(w, axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def dictionary(rng: np.random.Generator, active: int) -> Dictionary:
    w_FD = unit(rng, F)
    return Dictionary.tied(w_FD, Card(model="m", active=active), b_D=unit(rng, 1)[0] * 0.1)


def test_names_are_counted_and_what_they_leave_is_measured() -> None:
    w_FD = np.eye(D, dtype=np.float32)[:5]
    card = Card(model="m", active=2, training=Training(own_names=1), threshold=0.1)
    names = tuple((f"name {number}",) for number in range(5))
    made = Dictionary.tied(w_FD, card, names=names)
    x_ND = np.concatenate([w_FD[[0, 0, 1]], np.eye(D, dtype=np.float32)[[9]]])  # near no name
    found = scorecard(made, x_ND)
    assert (found.rows, found.names, found.own) == (4, 5, 1)
    assert found.l0 == pytest.approx(3 / 4)
    assert found.dead == pytest.approx(3 / 5)
    variance = float(((x_ND - x_ND.mean(axis=0)) ** 2).sum())
    assert found.fvu == pytest.approx(1 / variance, abs=1e-5)  # of the last row all is left out


@pytest.mark.parametrize("active", [2, F])
def test_shares_of_the_score_sum_to_one(rng: np.random.Generator, active: int) -> None:
    found = explained(dictionary(rng, active), unit(rng, 50), unit(rng, 7))
    assert found.carried + found.baseline + found.remainder == pytest.approx(1, abs=1e-5)


def test_questions_made_of_features_are_explained_by_them(rng: np.random.Generator) -> None:
    made = Dictionary.tied(np.eye(D, dtype=np.float32), Card(model="m", active=3))
    q_QD = np.zeros((5, D), np.float32)
    q_QD[:, :3] = rng.uniform(0.1, 1, size=(5, 3))
    texts_ND = np.abs(unit(rng, 40))
    found = explained(made, texts_ND, q_QD)
    assert found.baseline == 0.0
    assert found.ordered > 0.9
    assert found.remainder == pytest.approx(0, abs=0.05)
    assert 0 < found.shared <= found.carried == pytest.approx(1, abs=0.05)
