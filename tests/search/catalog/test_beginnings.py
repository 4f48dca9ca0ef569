"""Names by their beginnings: of the whole and of words within, however they are spelled, in bounded time."""

import time

import numpy as np
import pytest

from search.catalog.beginnings import LONGEST, LOOKED_AT, Beginnings, is_begun, words_of

NAMES = [
    "Sort a list",
    "list.sort() in place",
    "Ünïcode’s normal forms",
    "numpy.linalg.norm_of_rows",
    "עברית כאן",
    "<script>alert(1)</script>",
    "w" * 500,
    "",
    "???",
]


@pytest.fixture
def beginnings() -> Beginnings:
    return Beginnings().and_of((number, words_of(name)) for number, name in enumerate(NAMES))


def found(beginnings: Beginnings, typed: str, held: list[int] | None = None) -> list[int]:
    given = np.array(range(len(NAMES)) if held is None else held, np.int64)
    begun = words_of(typed)
    numbers = beginnings.find(begun, given)
    return [number for number in numbers if is_begun(begun, words_of(NAMES[number]))]


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        ("so", [0, 1]),
        ("SORT  a L", [0]),
        ("list sort", [1]),
        ("unicode s nor", [2]),
        ("Linalg.no", [3]),
        ("rows", [3]),
        ("כא", [4]),
        ("script al", [5]),
        ("w" * LONGEST, [6]),
        ("w" * 10_000, []),
        ("", []),
        (".*(?:[a-z]+)+$", []),
        ("???", []),
        ("ort", []),
        ("\ud800", []),
    ],
)
def test_a_name_is_found_by_its_beginning_and_those_of_its_words(
    beginnings: Beginnings, typed: str, numbers: list[int]
) -> None:
    assert found(beginnings, typed) == numbers


def test_only_what_is_held_is_found_and_more_is_added(beginnings: Beginnings) -> None:
    assert found(beginnings, "so", [1, 2]) == [1]
    assert found(beginnings, "so", []) == []
    more = beginnings.and_of([(4, "sorcery")])
    assert more.find("so", np.arange(len(NAMES))) == [4, 0, 1]
    assert Beginnings().find("so", np.arange(3)) == []


def test_of_many_a_few_are_looked_at_and_at_once() -> None:
    many = Beginnings().and_of((number, f"same beginning {number}") for number in range(60_000))
    held = np.arange(60_000)
    begun = time.perf_counter()
    for typed in ("s", "same", "same beginning", "beginning 59999", "none"):
        assert len(many.find(typed, held)) <= 2 * LOOKED_AT
    assert time.perf_counter() - begun < 0.5
