"""Ranking metrics against examples worked by hand."""

import math

import pytest

from search.evaluation.measures import NDCG_AT_10, RECALL_AT_100, bootstrap_interval, measured


def test_ndcg_of_a_graded_ranking() -> None:
    # Gains 2^rel - 1: b 1, a 7. Found at places 1 and 3; the best order has a first.
    found = 1 / math.log2(2) + 7 / math.log2(4)
    best = 7 / math.log2(2) + 1 / math.log2(3)
    judged = {"q": {"a": 3, "b": 1, "y": 0}}
    assert measured(NDCG_AT_10, {"q": ["b", "x", "a"]}, judged) == [pytest.approx(found / best)]


def test_the_highest_grade_counts_for_the_most() -> None:
    # Of grades that a measure does not know it would take the gain to be nothing.
    best, found = 15 + 7 / math.log2(3), 7 + 15 / math.log2(3)
    assert measured(NDCG_AT_10, {"q": ["b", "a"]}, {"q": {"a": 4, "b": 3}}) == [pytest.approx(found / best)]


def test_ndcg_counts_only_the_first_ten_places() -> None:
    others = [f"x{number}" for number in range(10)]
    assert measured(NDCG_AT_10, {"q": [*others, "a"]}, {"q": {"a": 1}}) == [0]
    assert measured(NDCG_AT_10, {"q": [*others[:9], "a"]}, {"q": {"a": 1}}) == [
        pytest.approx(1 / math.log2(11))
    ]


def test_each_judged_question_has_a_figure_in_its_place() -> None:
    judged = {"found": {"a": 1}, "nothing found": {"a": 1}, "nothing relevant": {"a": 0}}
    rankings = {"nothing relevant": ["a"], "nothing found": [], "found": ["a"]}
    for measure in (NDCG_AT_10, RECALL_AT_100):
        assert measured(measure, rankings, judged) == [1, 0, 0]


def test_a_ranking_counts_in_the_order_it_is_given() -> None:
    # Ids that would sort the other way, in case ties were broken by them.
    rankings = {"first": ["b", "a"], "second": ["a", "b"]}
    found = measured(NDCG_AT_10, rankings, {"first": {"b": 1}, "second": {"b": 1}})
    assert found == [1, pytest.approx(1 / math.log2(3))]


def test_the_ideal_ranking_knows_documents_that_were_not_found() -> None:
    found = measured(NDCG_AT_10, {"q": ["a"]}, {"q": {"a": 1, "b": 1}})
    assert found == [pytest.approx(1 / (1 + 1 / math.log2(3)))]


def test_recall_is_the_share_of_relevant_documents_among_the_first_hundred() -> None:
    judged = {"q": {"a": 1, "b": 2, "c": 0}}
    others = [f"x{number}" for number in range(98)]
    assert measured(RECALL_AT_100, {"q": ["c", "a", *others, "b"]}, judged) == [0.5]
    assert measured(RECALL_AT_100, {"q": ["c", *others, "b", "a"]}, judged) == [0.5]


def test_the_interval_of_a_mean() -> None:
    assert bootstrap_interval([0.25] * 8) == (0.25, 0.25)
    low, high = bootstrap_interval([0.0, 1.0] * 50)
    # The mean of 100 coin flips: .5 with a standard error of .05.
    assert low == pytest.approx(0.5 - 1.96 * 0.05, abs=0.015)
    assert high == pytest.approx(0.5 + 1.96 * 0.05, abs=0.015)
