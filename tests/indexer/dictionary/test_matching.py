"""Features found again in another dictionary."""

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.dictionary.matching import LEAST, match
from search.db.card import Card
from search.dictionary.autoencoder import Dictionary

WIDTH = 32
NAMES = ("whale", "oven", "star", "ship", "forest", "bridge")


def directions(seed: int, features: int) -> NDArray[np.float32]:
    w_FD = np.random.default_rng(seed).normal(size=(features, WIDTH))
    return np.asarray(w_FD / np.linalg.norm(w_FD, axis=1, keepdims=True), dtype=np.float32)


def dictionary(w_FD: NDArray[np.float32], names: tuple[str, ...] = (), model: str = "m") -> Dictionary:
    return Dictionary.tied(w_FD, Card(model=model, active=2), names=tuple((name,) for name in names))


def test_a_name_is_the_same_feature_whatever_its_number_case_direction_and_model() -> None:
    old = dictionary(directions(0, 6), NAMES)
    named = dictionary(directions(1, 5)[:, :16], ("Bridge", "star", "sail", "oven", "whale"), "other")
    found = match(old, named)
    assert [each.old for each in found] == list(range(6))
    assert [each.feature for each in found] == [4, 3, 1, None, None, 0]
    assert [each.confidence for each in found] == [1, 1, 1, 0, 0, 1]


def test_a_learned_feature_is_the_name_that_points_its_way() -> None:
    new = dictionary(directions(0, 6), NAMES)
    w_FD = directions(0, 6)[[5, 3, 3, 0]] + 0.05 * directions(1, 4)
    w_FD = np.concatenate([w_FD / np.linalg.norm(w_FD, axis=1, keepdims=True), -directions(0, 1)])
    found = match(dictionary(w_FD.astype(np.float32)), new, block=2)
    assert [each.old for each in found] == list(range(5))
    assert [each.feature for each in found] == [5, 3, 3, 0, None]  # nothing is left of what points away
    for each in found:
        cosine = 0 if each.feature is None else float(w_FD[each.old] @ new.w_dec_FD[each.feature])
        assert each.confidence == pytest.approx(cosine, abs=1e-6)
    assert all(LEAST <= each.confidence <= 1 for each in found[:4])


def test_a_learned_feature_is_not_found_in_the_space_of_another_model_or_width() -> None:
    old = dictionary(directions(0, 2))
    for new in (dictionary(directions(0, 6), NAMES, "other"), dictionary(directions(0, 6)[:, :16], NAMES)):
        assert [(m.old, m.feature, m.confidence) for m in match(old, new)] == [(0, None, 0.0), (1, None, 0.0)]
