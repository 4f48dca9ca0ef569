"""Concepts: few members, spread over features to the passages that belong with them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from search.concepts import (
    MAX_FEATURES,
    MEMBERS,
    concept_from_members,
    members_wanted,
)

GROUPS = 20
EACH = 30


@pytest.fixture(scope="module", name="acts_NF")
def activations() -> csr_matrix:
    """600 passages on 20 topics of 10 features each. A passage fires 3 features of its topic, one of anything
    and one that everything fires, so two passages of a topic may share none of their topic's features."""
    rng = np.random.default_rng(0)
    acts = np.zeros((GROUPS * EACH, GROUPS * 10 + 1), dtype=np.float32)
    for passage in range(len(acts)):
        topic = passage // EACH
        acts[passage, topic * 10 + rng.choice(10, 3, replace=False)] = rng.uniform(0.2, 0.5, 3)
        acts[passage, rng.integers(GROUPS * 10)] = 0.2
        acts[passage, -1] = 0.4
    return csr_matrix(acts)


def test_members_of_a_topic_bring_in_the_rest_of_it(acts_NF: csr_matrix) -> None:
    membership_N = concept_from_members("seven", np.arange(210, 214), acts_NF).membership(acts_NF)
    of_topic = np.arange(GROUPS * EACH) // EACH == 7
    assert np.median(membership_N[of_topic]) > 0.5
    assert membership_N[of_topic].min() > np.quantile(membership_N[~of_topic], 0.99)
    assert membership_N[~of_topic].mean() < 0.02


def test_a_few_wrong_members_are_outvoted(acts_NF: csr_matrix) -> None:
    members = np.array([*range(210, 222), 5, 99, 400])
    membership_N = concept_from_members("seven", members, acts_NF).membership(acts_NF)
    assert membership_N[210:240].mean() > 0.5
    assert membership_N[[5, 99, 400]].max() < 0.1


def test_what_every_passage_fires_says_nothing(acts_NF: csr_matrix) -> None:
    concept = concept_from_members("seven", np.arange(210, 220), acts_NF)
    everywhere = acts_NF.shape[1] - 1
    weights = dict(zip(concept.features.tolist(), concept.weights_C.tolist(), strict=True))
    assert weights.get(everywhere, 0.0) < 0.05 * max(weights.values())


@given(st.lists(st.integers(0, GROUPS * EACH - 1), max_size=40))
def test_a_concept_is_a_small_model_with_bounded_membership(acts_NF: csr_matrix, members: list[int]) -> None:
    concept = concept_from_members("any", np.array(members, dtype=np.int64), acts_NF)
    membership_N = concept.membership(acts_NF)
    assert len(concept.features) == len(concept.weights_C) <= MAX_FEATURES
    assert (concept.weights_C > 0).all()
    assert (np.diff(concept.weights_C) <= 0).all()
    assert np.isfinite(membership_N).all()
    assert membership_N.min() >= 0
    assert membership_N.max() <= 1


def test_the_same_members_give_the_same_concept(acts_NF: csr_matrix) -> None:
    one, other = (concept_from_members("seven", np.arange(210, 220), acts_NF) for _ in range(2))
    assert one.bias == other.bias
    assert np.array_equal(one.weights_C, other.weights_C)


def test_where_nothing_can_be_told_apart_nothing_belongs() -> None:
    for acts_NF in (csr_matrix((50, 8)), csr_matrix(np.full((50, 8), 0.3))):
        concept = concept_from_members("anything", np.arange(5), acts_NF)
        assert len(concept.features) == 0
        assert concept.membership(acts_NF).max() == 0


def test_how_many_passages_stand_for_a_phrase() -> None:
    assert members_wanted(3) == 3
    assert members_wanted(100) == MEMBERS[0]
    assert members_wanted(50_000) == 1000
    assert members_wanted(10_000_000) == MEMBERS[1]
