"""The map of features: near meanings lie near each other, the same for the same features."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from search.db.card import Card
from search.dictionary.autoencoder import Dictionary
from search.dictionary.labels import unwritten_labels
from search.errors import IndexDamaged
from search.index.places import FEWEST, MOST, Places, spread

GROUPS, EACH, WIDTH = 4, 20, 16


def grouped() -> NDArray[np.float32]:
    """Unit vectors of some groups, one after the other."""
    rng = np.random.default_rng(0)
    middles = rng.normal(size=(GROUPS, WIDTH)).repeat(EACH, axis=0)
    w_AD = middles + 0.2 * rng.normal(size=middles.shape)
    return np.asarray(w_AD / np.linalg.norm(w_AD, axis=1, keepdims=True), np.float32)


def test_those_alike_are_near_each_other() -> None:
    at_A2 = spread(grouped())
    assert at_A2.min() == 0
    assert at_A2.max() == pytest.approx(1)
    apart_AA = np.linalg.norm(at_A2[:, None] - at_A2[None], axis=2)
    np.fill_diagonal(apart_AA, np.inf)
    group = np.arange(GROUPS * EACH) // EACH
    nearest = apart_AA.argsort(axis=1)[:, :5]
    assert (group[nearest] == group[:, None]).mean() > 0.95


def test_the_same_features_lie_in_the_same_places() -> None:
    np.testing.assert_array_equal(spread(grouped()), spread(grouped()))


@pytest.mark.parametrize("count", [0, 1, 2, 3, FEWEST - 1, FEWEST])
def test_few_are_placed_too_and_also_where_all_are_the_same(count: int) -> None:
    for w_AD in (grouped()[:count], np.ones((count, WIDTH), np.float32)):
        at_A2 = spread(w_AD)
        assert at_A2.shape == (count, 2)
        assert np.isfinite(at_A2).all()
        assert not count or (at_A2.min() >= 0 and at_A2.max() <= 1)


def named(w_FD: NDArray[np.float32]) -> Dictionary:
    names = tuple((f"name {number}",) for number in range(len(w_FD)))
    return Dictionary.tied(w_FD, Card(model="a-model", active=1), names=names)


def test_what_passages_are_about_is_placed_and_no_more_than_fits() -> None:
    w_FD = np.random.default_rng(0).normal(size=(MOST + 50, 4)).astype(np.float32)
    dictionary = named(w_FD)
    acts_NF = np.eye(MOST + 50)
    acts_NF[7, 7] = 0
    about_NF = csr_matrix(acts_NF)
    few = Places.of(about_NF[:10], dictionary, unwritten_labels(dictionary))
    assert sorted(few.features_A.tolist()) == [0, 1, 2, 3, 4, 5, 6, 8, 9]
    assert len(Places.of(about_NF, dictionary, unwritten_labels(dictionary)).features_A) == MOST


def test_a_map_is_kept_in_a_file_that_is_trusted_only_as_it_was_written(tmp_path: Path) -> None:
    places = Places(np.array([3, 1]), np.array([[0, 1], [1, 0]], np.float32))
    sha256 = places.save(tmp_path / "map")
    again = Places.load(tmp_path / "map", sha256)
    np.testing.assert_array_equal(again.features_A, places.features_A)
    np.testing.assert_array_equal(again.at_A2, places.at_A2)
    with pytest.raises(IndexDamaged, match="damaged"):
        Places.load(tmp_path / "map", "another")
