"""Shown numbers sum exactly, and never round something to nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.views import numbers

VALUES = st.lists(st.floats(-2, 2), min_size=1, max_size=80)


@given(VALUES)
def test_rounded_terms_sum_to_the_rounded_total_and_stay_close(values: list[float]) -> None:
    units = numbers.round_to_sum(values, sum(values))
    assert sum(units) == round(sum(values) * 1000)
    assert all(abs(unit - value * 1000) < 1 + 1e-9 for unit, value in zip(units, values, strict=True))


def test_stretches_of_numbers_are_told_by_their_ends() -> None:
    assert numbers.ranges([]) == ""
    assert numbers.ranges([4, 2, 3, 9, 1200, 11, 12]) == "2–4, 9, 11–12, 1,200"
    assert numbers.ranges(range(0, 100, 2)).endswith(", 18, …")


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0.0 kB"), (9_940, "9.9 kB"), (48_200_000, "48 MB"), (1.5e9, "1.5 GB"), (2e13, "20,000 GB")],
)
def test_bytes_have_the_unit_that_fits(count: float, shown: str) -> None:
    assert numbers.size(count) == shown


@pytest.mark.parametrize(
    ("units", "shown"), [(0, "0.000"), (-34, "−0.034"), (1234, "1.234"), (-1000, "−1.000")]
)
def test_thousandths(units: int, shown: str) -> None:
    assert numbers.thousandths(units) == shown


@pytest.mark.parametrize(
    ("score", "reliable", "words"),
    [
        (0.97, True, "holds well"),
        (0.7, True, "holds weakly"),
        (0.5, False, "no reliable label"),
        (None, False, "not tested"),
    ],
)
def test_how_a_label_holds_is_said_in_words(score: float | None, reliable: bool, words: str) -> None:
    assert numbers.holds(score, reliable) == words


@pytest.mark.parametrize(
    ("cosine", "words"),
    [(1.0, "at your question"), (0.98, "close to your question"), (0.1, "far from your question")],
)
def test_how_far_a_question_moved_is_said_in_words(cosine: float, words: str) -> None:
    assert numbers.moved_words(cosine) == words


@pytest.mark.parametrize(
    ("part", "shown"), [(0, "0%"), (0.0001, "under 0.1%"), (0.0123, "1.2%"), (0.5, "50%")]
)
def test_shares_never_round_something_to_nothing(part: float, shown: str) -> None:
    assert numbers.share(part) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(12, "12 s"), (200, "3 min"), (4800, "1 h 20 min")])
def test_durations(seconds: float, shown: str) -> None:
    assert numbers.duration(seconds) == shown


@pytest.mark.parametrize(
    ("met", "words"),
    [
        ("package:numpy", "its package is numpy"),
        ("path:a:b/", "its path is a:b/"),
        ("id:linalg", "linalg is in its id"),
        ("text:a b", "it says a b"),
    ],
)
def test_what_a_document_is_of_is_said_in_words(met: str, words: str) -> None:
    assert numbers.met_words(met) == words
