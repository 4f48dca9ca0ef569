"""Ranking metrics against examples worked by hand."""

import math

import pytest

from benchmarks.harness.metrics import bootstrap_interval, ndcg, recall


def test_ndcg_of_a_graded_ranking() -> None:
    # Gains 2^rel - 1: b 1, a 7. Found at places 1 and 3; the best order has a first.
    found = 1 / math.log2(2) + 7 / math.log2(4)
    best = 7 / math.log2(2) + 1 / math.log2(3)
    assert ndcg(["b", "x", "a"], {"a": 3, "b": 1, "y": 0}) == pytest.approx(found / best)


def test_ndcg_counts_only_the_first_places() -> None:
    assert ndcg(["x", "y", "a"], {"a": 1}, depth=2) == 0
    assert ndcg(["x", "a"], {"a": 1}, depth=2) == pytest.approx(1 / math.log2(3))
    assert ndcg(["a", "b"], {"b": 1, "a": 1}) == 1
    assert ndcg(["a"], {}) == 0


def test_the_ideal_ranking_knows_documents_that_were_not_found() -> None:
    assert ndcg(["a"], {"a": 1, "b": 1}) == pytest.approx(1 / (1 + 1 / math.log2(3)))


def test_recall_is_the_share_of_relevant_documents() -> None:
    judged = {"a": 1, "b": 2, "c": 0}
    assert recall(["c", "a", "x"], judged, 3) == 0.5
    assert recall(["c", "a", "b"], judged, 2) == 0.5
    assert recall(["a"], {"c": 0}) == 0


def test_the_interval_of_a_mean() -> None:
    assert bootstrap_interval([0.25] * 8) == (0.25, 0.25)
    low, high = bootstrap_interval([0.0, 1.0] * 50)
    # The mean of 100 coin flips: .5 with a standard error of .05.
    assert low == pytest.approx(0.5 - 1.96 * 0.05, abs=0.015)
    assert high == pytest.approx(0.5 + 1.96 * 0.05, abs=0.015)
