"""Concepts: few members, spread over features to the passages that belong with them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from search.dictionary.concepts import (
    MAX_FEATURES,
    MEMBERS,
    concept_from_examples,
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


def test_what_is_of_it_or_says_it_belongs_at_least_so_far_whatever_it_fires(acts_NF: csr_matrix) -> None:
    about = concept_from_members("seven", np.arange(210, 214), acts_NF)
    least = {
        "text:7": (np.array([5, 99, 211]), np.array([0.4, 0.5, 0.01])),
        "topic:7": (np.array([3, 99]), np.ones(2)),
        "id:7": (np.array([99, 210]), np.ones(2)),
    }
    seven = replace(about, least=least)
    others = np.setdiff1d(np.arange(GROUPS * EACH), [3, 5, 99, 210])
    assert seven.membership(acts_NF)[[3, 5, 99, 210]].tolist() == [1, 0.4, 1, 1]
    assert np.array_equal(seven.membership(acts_NF)[others], about.membership(acts_NF)[others])
    assert [seven.met(passage, acts_NF[passage]) for passage in (3, 5, 99, 210, 211, 4)] == [
        ["topic:7"],
        ["text:7"],
        ["topic:7", "id:7"],
        ["id:7"],
        [],
        [],
    ]


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


def singles(*passages: int) -> list[NDArray[np.int64]]:
    """Documents of one passage each."""
    return [np.array([passage]) for passage in passages]


def test_examples_bring_in_the_rest_of_their_topic(acts_NF: csr_matrix) -> None:
    membership_N = concept_from_examples("like", singles(210, 215, 220), [], acts_NF).membership(acts_NF)
    of_topic = np.arange(GROUPS * EACH) // EACH == 7
    assert np.median(membership_N[of_topic]) > 0.5
    assert membership_N[~of_topic].mean() < 0.05


def test_examples_against_lower_what_they_alone_have(acts_NF: csr_matrix) -> None:
    """Topics 3 and 7 are both asked for; then 3 is not wanted after all."""
    wanted = singles(90, 95, 100, 210, 215, 220)
    both = concept_from_examples("both", wanted, [], acts_NF).membership(acts_NF)
    against = concept_from_examples("not 3", wanted, singles(110, 112, 114), acts_NF)
    less = against.membership(acts_NF)
    topics = np.arange(GROUPS * EACH) // EACH
    assert both[topics == 3].mean() > 0.3
    assert less[topics == 3].mean() < 0.2 * both[topics == 3].mean()
    assert less[topics == 7].mean() > both[topics == 7].mean()
    assert (against.weights_C < 0).any()


def test_examples_against_leave_what_they_share_with_those_for(acts_NF: csr_matrix) -> None:
    alike = concept_from_examples("7", singles(210, 215, 220), singles(225), acts_NF).membership(acts_NF)
    of_topic = np.arange(GROUPS * EACH) // EACH == 7
    assert alike[of_topic].mean() > 10 * alike[~of_topic].mean()


def test_a_long_document_counts_no_more_than_a_short_one(acts_NF: csr_matrix) -> None:
    documents = [np.arange(210, 235), np.arange(90, 91)]
    topics = np.arange(GROUPS * EACH) // EACH
    even = concept_from_examples("even", documents, [], acts_NF).membership(acts_NF)
    counted = concept_from_members("counted", np.concatenate(documents), acts_NF).membership(acts_NF)
    assert even[topics == 3].mean() > counted[topics == 3].mean()


examples_of = st.lists(st.integers(0, GROUPS * EACH - 1), max_size=6, unique=True)


@given(examples_of.filter(bool), examples_of)
def test_any_examples_give_a_model_that_explains_itself(
    acts_NF: csr_matrix, like: list[int], unlike: list[int]
) -> None:
    concept = concept_from_examples("any", singles(*like), singles(*unlike), acts_NF)
    membership_N = concept.membership(acts_NF)
    assert np.isfinite(membership_N).all()
    assert (np.diff(np.abs(concept.weights_C)) <= 0).all()
    for passage in (like[0], 0):
        row = acts_NF[passage]
        shares = concept.shares(dict(zip(row.indices.tolist(), row.data.tolist(), strict=True)))
        assert set(shares) <= set(row.indices.tolist()) & set(concept.features.tolist())
        assert not shares or sum(map(abs, shares.values())) == pytest.approx(1)
        signs = dict(zip(concept.features.tolist(), concept.weights_C.tolist(), strict=True))
        assert all(share * signs[feature] > 0 for feature, share in shares.items())
