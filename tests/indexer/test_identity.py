"""Features found again in another dictionary."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.identity import LEAST, match, match_by_number
from indexer.train import train
from indexer.train.recipe import Recipe
from search.dictionary import Card, Dictionary
from search.errors import DictionaryError

TOPICS, WIDTH = 24, 32


def mixtures(rows: int, seed: int) -> NDArray[np.float32]:
    """Unit vectors that are each made of two or three of the same 24 directions, and a little noise."""
    directions = np.random.default_rng(0).normal(size=(TOPICS, WIDTH))
    rng = np.random.default_rng((1, seed))
    weights = rng.uniform(0.5, 1, size=(rows, TOPICS)) * (rng.uniform(size=(rows, TOPICS)) < 0.1)
    x_ND = weights @ directions + rng.normal(scale=0.3, size=(rows, WIDTH))
    return np.asarray(x_ND / np.linalg.norm(x_ND, axis=1, keepdims=True), dtype=np.float32)


def trained(seed: int, features: int = 32) -> Dictionary:
    recipe = Recipe(features=features, active=4, steps=300, batch=256, seed=seed)
    return train(mixtures(3000, seed), recipe, model="m")


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return trained(0)


@pytest.fixture(scope="module")
def other() -> Dictionary:
    """Trained on other rows from another seed."""
    return trained(1)


def permuted(dictionary: Dictionary, order: list[int]) -> Dictionary:
    """The same features with other numbers: number `new` is what `order[new]` was."""
    return replace(
        dictionary,
        w_enc_FD=dictionary.w_enc_FD[order],
        b_enc_F=dictionary.b_enc_F[order],
        w_dec_FD=dictionary.w_dec_FD[order],
    )


def correlations(old: Dictionary, new: Dictionary, x_ND: NDArray[np.float32]) -> NDArray[np.float64]:
    """Pearson's correlation of every old with every new feature, written down plainly."""
    a_NF, b_NF = (d.encode(x_ND).matrix(d.features).toarray().astype(float) for d in (old, new))
    with np.errstate(invalid="ignore"):
        correlation_FF = np.corrcoef(a_NF.T, b_NF.T)[: old.features, old.features :]
    return np.asarray(np.nan_to_num(correlation_FF), dtype=np.float64)


def test_the_same_weights_are_the_same_features(dictionary: Dictionary) -> None:
    found = match(dictionary, dictionary, mixtures(100, 9))
    assert [(m.old, m.feature, m.confidence) for m in found] == [(f, f, 1.0) for f in range(32)]


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(32)))
def test_other_numbers_are_seen_through(dictionary: Dictionary, order: list[int]) -> None:
    found = match(dictionary, permuted(dictionary, order), mixtures(400, 9))
    assert [m.feature for m in found] == [order.index(feature) for feature in range(32)]
    assert min(m.confidence for m in found) == pytest.approx(1, abs=1e-4)


def test_of_another_training_run_only_what_is_alike_is_matched(
    dictionary: Dictionary, other: Dictionary
) -> None:
    found = match(dictionary, other, mixtures(2000, 8))
    assert [m.old for m in found] == list(range(32))
    matched = [m for m in found if m.feature is not None]
    assert len({m.feature for m in matched}) == len(matched)
    assert all(LEAST <= m.confidence <= 1 for m in matched)
    assert all(m.confidence == 0 for m in found if m.feature is None)
    assert len(matched) >= TOPICS // 2  # both were trained on the same 24 directions
    assert len(matched) < 32  # which leaves neither dictionary 32 features to agree on


def test_confidence_foretells_what_fires_on_passages_never_seen(
    dictionary: Dictionary, other: Dictionary
) -> None:
    unseen = correlations(dictionary, other, mixtures(4000, 7))
    matched = [m for m in match(dictionary, other, mixtures(2000, 8)) if m.feature is not None]
    errors = [unseen[m.old, m.feature] - m.confidence for m in matched]
    assert np.mean(errors) == pytest.approx(0, abs=0.05)
    sure = [m for m in matched if m.confidence >= 0.6]
    assert np.mean([unseen[m.old].argmax() == m.feature for m in sure]) >= 0.9


def test_no_other_pairs_would_be_more_alike(dictionary: Dictionary, other: Dictionary) -> None:
    x_ND = mixtures(2000, 8)
    likeness = np.minimum(dictionary.w_dec_FD @ other.w_dec_FD.T, correlations(dictionary, other, x_ND))
    feature = {m.old: m.feature for m in match(dictionary, other, x_ND)}
    for old, new in feature.items():
        if new is not None:
            assert likeness[old, new] >= LEAST - 1e-4
        else:  # whoever is alike enough is taken, by a feature that is no worse off with it
            for rival in np.flatnonzero(likeness[old] >= LEAST + 1e-4):
                (holder,) = [other_old for other_old, taken in feature.items() if taken == rival]
                assert likeness[holder, rival] >= likeness[old, rival] - 1e-4


def test_fewer_new_features_leave_old_ones_without(dictionary: Dictionary) -> None:
    found = match(dictionary, permuted(dictionary, list(range(8, 32))), mixtures(400, 9))
    matched = {m.old: m.feature for m in found if m.feature is not None}
    assert matched == {old: old - 8 for old in matched}
    assert len(matched) >= 18  # some of the 24 fire elsewhere now, in place of those that are gone


def test_an_adapted_dictionary_keeps_its_numbers_as_far_as_it_points_the_same_way(
    dictionary: Dictionary,
) -> None:
    turned = dictionary.w_dec_FD.copy()
    turned[5] = -turned[5]
    turned[6] += 0.5 * turned[7]
    turned[6] /= np.linalg.norm(turned[6])
    found = match_by_number(dictionary, replace(dictionary, w_dec_FD=turned))
    assert [m.feature for m in found] == [None if f == 5 else f for f in range(32)]
    assert found[6].confidence == pytest.approx(float(turned[6] @ dictionary.w_dec_FD[6]), abs=1e-6)
    assert found[8].confidence == pytest.approx(1, abs=1e-6)


def test_features_that_never_fire_are_told_by_their_direction(dictionary: Dictionary) -> None:
    silent = replace(dictionary, b_enc_F=np.where(np.arange(32) < 3, -9, dictionary.b_enc_F).astype("f"))
    found = match(silent, permuted(silent, list(range(31, -1, -1))), mixtures(400, 9))
    assert [m.feature for m in found] == list(range(31, -1, -1))
    against_firing = match(silent, permuted(dictionary, list(range(31, -1, -1))), mixtures(400, 9))
    assert [m.feature for m in against_firing[:3]] == [None] * 3


def test_what_cannot_be_compared_is_refused(dictionary: Dictionary) -> None:
    elsewhere = replace(dictionary, card=replace(dictionary.card, model="other"))
    with pytest.raises(DictionaryError, match="'other'"):
        match(dictionary, elsewhere, mixtures(10, 9))
    eye, zeros = np.eye(4, dtype=np.float32), np.zeros(4, np.float32)
    narrow = Dictionary(eye, zeros, eye, zeros, Card("m", 1))
    with pytest.raises(DictionaryError, match="width 4"):
        match(dictionary, narrow, mixtures(10, 9))
