"""Mistyped words, and which of a collection's are meant."""

import numpy as np
import pytest

from search.index.bm25 import Counts, Lexicon
from search.responses.search import Spelling
from search.scoring.spelling import MOST, suggest

TEXTS = [
    "Photosynthesis turns light into sugar in the leaves of plants.",
    "The regular expression engine backtracks over nested groups.",
    "Regular trains leave the station at noon.",
    "A stationery shop sells paper, and Kowalski runs it.",
    "Ein Bahnhof und ein Zug.",
]


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon(Counts.of(TEXTS), Counts.of([]), np.arange(len(TEXTS)))


def suggested(lexicon: Lexicon, question: str) -> Spelling | None:
    return suggest(lexicon, question, lambda stem, passage: f"{stem}@{passage}")


@pytest.mark.parametrize("typo", ["photosythesis", "fotosynthesis", "photosynthessi", "photossynthesis"])
def test_a_question_of_mistyped_words_alone_is_read_as_meant(lexicon: Lexicon, typo: str) -> None:
    assert suggested(lexicon, typo) == Spelling("photosynthesis", used=True)


@pytest.mark.parametrize(("typo", "word"), [("kyes", "key@0"), ("mpa", "map"), ("Tihn", "thin")])
def test_a_short_word_is_meant_by_its_letters_in_another_order(typo: str, word: str) -> None:
    texts = ["A key, and keys", "a map", "thin ice", "keyed", "a bus", "a cat"]
    short = Lexicon(Counts.of(texts), Counts.of([]), np.arange(len(texts)))
    assert suggested(short, typo) == Spelling(word, used=True)
    assert suggested(short, "cay") is None  # one letter from cat and key: from nearly every short word


def test_beside_words_that_are_there_a_mistyped_one_is_only_a_suggestion(lexicon: Lexicon) -> None:
    assert suggested(lexicon, "How do regullar groups work?") == Spelling(
        "How do regular groups work?", used=False
    )


def test_of_a_question_of_many_mistyped_words_the_first_are_compared(lexicon: Lexicon) -> None:
    given = ["photosythesis", *(f"qxz{chr(97 + n)}wvk" for n in range(MOST)), "regullar"]
    found = suggested(lexicon, " ".join(given))
    assert found is not None
    assert found.query.startswith("photosynthesis ")
    assert found.query.endswith("regullar")


def test_a_mistyped_ending_is_read_by_the_whole_word() -> None:
    texts = ["integrals over a function", "an interpreter of numbers and a function", "hands on a bowel"]
    lexicon = Lexicon(Counts.of(texts), Counts.of([]), np.arange(len(texts)))
    assert suggested(lexicon, "intergration of a function") == Spelling(
        "integration of a function", used=False
    )
    assert suggested(lexicon, "numbers functionn vowels") == Spelling("numbers function vowels", used=False)


RIGHT = [
    "hotels",
    "regular trains",
    "zebra",
    "qzxv plonkt",
    "2.4",
    "run",
    "Kowalski",
    "xyzt leaves",
    "who is it",
]


@pytest.mark.parametrize("question", RIGHT)
def test_right_words_names_and_nonsense_are_left_alone(lexicon: Lexicon, question: str) -> None:
    assert suggested(lexicon, question) is None


def test_of_words_as_near_the_one_that_goes_with_the_rest_is_meant() -> None:
    texts = ["the cattle graze", "the castle of the king", "a castle", "castle", "cattle on the pasture"]
    lexicon = Lexicon(Counts.of(texts), Counts.of([]), np.arange(len(texts)))
    for rest, word in [("king", "castle"), ("pasture", "cattle")]:
        found = suggested(lexicon, f"catle {rest}")
        assert found is not None
        assert found.query == f"{word} {rest}"
