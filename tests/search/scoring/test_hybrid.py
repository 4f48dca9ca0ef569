"""How much the words of a question add to the score of a passage."""

import numpy as np
import pytest

from search.embedding.words import stem_of
from search.index.bm25 import Counts, Lexicon
from search.scoring.hybrid import NAME_WEIGHT, WORDS_WEIGHT, counted_words, with_name, word_scores

TEXTS = ["the regex engine backtracks", "a slow train", "slow bread", "bees and hives", "cats", "dogs"]


def test_words_that_ask_earn_nothing() -> None:
    assert list(counted_words("Which rivers have most of the water?").values()) == ["rivers", "water"]


def test_a_question_of_asking_words_alone_asks_for_them() -> None:
    assert list(counted_words("who has what").values()) == ["who", "has", "what"]


@pytest.fixture
def lexicon() -> Lexicon:
    return Lexicon(Counts.of(TEXTS), Counts.of([]), np.arange(len(TEXTS)))


def earned(texts: list[str], *asked: str) -> list[float]:
    """What the words of a question add to each text."""
    lexicon = Lexicon(Counts.of(texts), Counts.of([]), np.arange(len(texts)))
    sums: list[float] = word_scores(lexicon, [stem_of(word) for word in asked]).sums.tolist()
    return sums


def test_a_word_that_singles_a_text_out_earns_up_to_all() -> None:
    once, often = earned(["regex", "regex " * 50, *["bread"] * 98], "regex")[:2]
    assert 0.3 * WORDS_WEIGHT < once < 0.5 * WORDS_WEIGHT
    assert 0.8 * WORDS_WEIGHT < often < WORDS_WEIGHT


@pytest.mark.parametrize("others", [1, 2, 4, 9])
def test_one_word_of_several_never_earns_more_than_its_share(others: int) -> None:
    """However often a text says it, and though no text has the others."""
    absent = [f"absent{number}" for number in range(others)]
    for times in (1, 5, 500):
        most = max(earned(["regex " * times, *["slow bread"] * 20], "regex", *absent))
        assert 0 < most <= WORDS_WEIGHT / (1 + others)


def test_a_common_word_leaves_a_short_question_to_meaning() -> None:
    texts = ["plot of a zeppelin", *["plot of land"] * 10, *["bread"] * 89]
    assert earned(texts, "plot")[1] < 0.6 * earned(texts, "zeppelin")[0]
    rare_beside_common = earned(texts, "zeppelin", "plot")
    assert rare_beside_common[0] > 2.5 * rare_beside_common[1] > 0


def test_words_of_a_long_question_share_what_there_is() -> None:
    words = [f"word{number}" for number in range(12)]
    texts = [" ".join(words), *(f"{word} alone" for word in words), *["bread"] * 50]
    all_of_them, one = earned(texts, *words)[:2]
    assert all_of_them == pytest.approx(12 * one, rel=1e-4)
    assert all_of_them < 0.5 * WORDS_WEIGHT


def test_a_line_is_not_more_about_its_words_than_a_passage() -> None:
    stub, passage = (
        "Generator.close",
        "Generators make one value after another. " + "They wait between two. " * 20,
    )
    both = earned([stub, passage, *["bread and butter"] * 30], "generator")
    assert both[0] == pytest.approx(both[1])
    said_twice = earned([stub, passage + stub, *["bread and butter"] * 30], "generator")
    assert said_twice[1] > said_twice[0]


def test_what_a_word_earns_does_not_depend_on_the_best_text() -> None:
    texts = ["slow regex", *["bread"] * 40]
    before, after = earned(texts, "slow", "regex"), earned([*texts[:-1], "regex " * 40], "slow", "regex")
    assert after[0] == pytest.approx(before[0], rel=0.2)  # it is rarer by one text in forty


def test_words_that_are_nowhere_add_nothing(lexicon: Lexicon) -> None:
    assert not word_scores(lexicon, ["zz"]).sums.any()
    assert not word_scores(lexicon, []).sums.any()
    assert not len(word_scores(Lexicon(Counts.of([]), Counts.of([]), np.arange(0)), ["zz"]).sums)


def test_a_name_is_one_term_more_of_the_same_sum(lexicon: Lexicon) -> None:
    scores = with_name(word_scores(lexicon, ["slow", "bread"]), np.array([2, 4]))
    assert scores.parts_NT.shape == (len(TEXTS), 3)
    assert np.asarray(scores.parts_NT.sum(axis=1)).ravel() == pytest.approx(scores.sums, abs=1e-6)
    assert scores.sums[4] == NAME_WEIGHT
