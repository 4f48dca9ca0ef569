"""Labels of an adapted dictionary: kept where they hold, marked where their score fell."""

from dataclasses import replace

import numpy as np
import pytest

from indexer.inherit import Inherited, inherit, unnamed
from indexer.train import adapt
from search.artifact import Artifact, shipped
from search.embedder import Embedder, load_embedder
from search.labels import Label
from search.settings import DEFAULT_MODEL

TEXTS = [
    f"{verb} {thing} {how}"
    for verb in ("sort", "copy", "parse", "print", "close", "open", "read", "write")
    for thing in ("a list", "the file", "a date", "an XML tree", "sockets", "a string", "numbers", "threads")
    for how in ("in Python", "quickly", "without errors", "with a lock", "on Windows", "in the shell")
]


@pytest.fixture(scope="module")
def base() -> Artifact:
    found = shipped(DEFAULT_MODEL)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder()


@pytest.fixture(scope="module")
def inherited(base: Artifact, embedder: Embedder) -> list[Inherited]:
    x_ND = embedder.encode(TEXTS)
    dictionary = adapt(base.dictionary, x_ND)
    acts_NF = dictionary.encode(x_ND).matrix(dictionary.features)
    return inherit(base, dictionary, x_ND, acts_NF, embedder.encode)


def test_every_feature_keeps_its_label_and_says_where_it_is_from(
    base: Artifact, inherited: list[Inherited]
) -> None:
    assert [each.label.text for each in inherited] == [label.text for label in base.labels]
    assert {each.label.origin for each in inherited} == {"shipped"}


def test_a_label_that_could_not_be_tested_here_keeps_its_score(
    base: Artifact, inherited: list[Inherited]
) -> None:
    untested = [feature for feature, each in enumerate(inherited) if each.before is None]
    assert untested
    for feature in untested:
        assert inherited[feature].label == replace(base.labels[feature], origin="shipped")
        assert not inherited[feature].fell


def test_a_tested_label_has_the_score_it_has_here(inherited: list[Inherited]) -> None:
    tested = [each for each in inherited if each.before is not None]
    assert tested
    for each in tested:
        assert each.label.score is not None
        assert each.fell == (each.label.score < (each.before or 0) - 0.03)
        assert not (each.fell and each.label.reliable and each.label.score < 0.75)


def test_features_that_did_not_move_have_labels_that_did_not_fall(base: Artifact, embedder: Embedder) -> None:
    x_ND = embedder.encode(TEXTS)
    acts_NF = base.dictionary.encode(x_ND).matrix(base.dictionary.features)
    same = inherit(base, base.dictionary, x_ND, acts_NF, embedder.encode)
    assert not any(each.fell for each in same)
    assert max(each.drift for each in same) == pytest.approx(0, abs=1e-5)


def test_only_features_that_fire_often_enough_are_to_be_named(base: Artifact, embedder: Embedder) -> None:
    x_ND = embedder.encode(TEXTS)
    acts_NF = base.dictionary.encode(x_ND).matrix(base.dictionary.features)
    nameless = [Inherited(Label("", None, False), None, 0.0)] * base.dictionary.features
    firing_F = np.diff(acts_NF.tocsc().indptr)
    np.testing.assert_array_equal(unnamed(nameless, acts_NF, fewest=30), np.flatnonzero(firing_F >= 30))
    named = [Inherited(Label("x", 0.9, True), None, 0.0)] * base.dictionary.features
    assert len(unnamed(named, acts_NF)) == 0
