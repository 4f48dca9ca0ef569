"""Which results say the same as one before them."""

from collections.abc import Mapping

import numpy as np
import pytest

from search.scoring.copies import find_copies

SEA = "Whales sing at night, and the sea carries their song for hundreds of miles along the coast."


def first(texts: list[str], cosines: list[float], question: str = "whales") -> tuple[list[int], list[int]]:
    """The rows shown and those left out, each passage with this cosine to the first."""
    x_PD = np.array([[c, np.sqrt(1 - c * c)] for c in cosines], np.float32)

    def read(rows: list[int]) -> Mapping[int, str]:
        return {row: texts[row] for row in rows}

    found = find_copies(x_PD, read, question)
    return found.first, sorted(row for rows in found.of.values() for row in rows)


def test_equal_texts_fill_one_place_under_whatever_title() -> None:
    assert first([SEA, "Bats hunt.", SEA.upper() + "\n"], [1.0, 0.1, 0.85]) == ([0, 1], [2])


def test_texts_that_differ_in_a_few_words_fill_one_place_where_their_vectors_are_close() -> None:
    words = " ".join(f"word{chr(97 + number)}" for number in range(26))
    assert first([words, f"{words} again"], [1.0, 0.99]) == ([0], [1])
    assert first([words, f"{words} again"], [1.0, 0.95]) == ([0, 1], [])


@pytest.mark.parametrize("word", ["2.5", "1978", "whales"])
def test_a_number_or_a_word_of_the_question_makes_two_texts_of_them(word: str) -> None:
    words = " ".join(f"word{chr(97 + number)}" for number in range(26))
    assert first([words, f"{words} {word}"], [1.0, 0.999]) == ([0, 1], [])


NOTICE = (
    "Dear customer, the parcel with the number {} has left our store in Hamburg {} and comes to you soon. "
    "Please be at home, or name a neighbour who takes it in; our driver rings twice."
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("4711", ""), ("815", "")),
        (("1,204.50", ""), ("7", "")),
        (("A-17", "on 2024-05-01"), ("B2-9", "on 2025-12-24")),
        (("1", "on 3 May"), ("1", "on 14 June")),
    ],
)
def test_forms_that_are_filled_in_with_other_numbers_fill_one_place(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    texts = [NOTICE.format(*one), NOTICE.format(*other)]
    assert first(texts, [1.0, 0.9], "parcel") == ([0], [1])


def test_a_number_that_is_asked_for_has_a_place_of_its_own() -> None:
    texts = [NOTICE.format(number, "") for number in ("4711", "815", "12")]
    assert first(texts, [1.0, 0.9, 0.9], "parcel 815") == ([0, 1], [2])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Chapter 1", "Chapter 2"),
        ("Release 2.4 fixes the printer driver.", "Release 2.5 fixes the printer driver."),
        (NOTICE.format("1", ""), NOTICE.format("1", "").replace("soon", "never")),
        (" ".join(map(str, range(20))), " ".join(map(str, range(20, 40)))),
        (NOTICE.format("1", ""), NOTICE.format("2", "").replace("Hamburg", "Bremen")),
    ],
)
def test_what_differs_in_more_than_the_numbers_of_a_form_is_two_texts(one: str, other: str) -> None:
    assert first([one, other], [1.0, 0.97]) == ([0, 1], [])


def test_copies_are_told_of_the_best_one_alone() -> None:
    assert first([SEA, SEA, SEA, "Bats."], [1.0, 1.0, 0.9, 0.9]) == ([0, 3], [1, 2])


def test_only_close_passages_are_read() -> None:
    def read(rows: list[int]) -> Mapping[int, str]:
        assert not rows
        return {}

    assert find_copies(np.eye(5, dtype=np.float32), read, "x").first == [0, 1, 2, 3, 4]
