"""How much the words of a question add to the score of a passage."""

import numpy as np
import pytest

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


def test_one_word_of_several_does_not_earn_what_all_would(lexicon: Lexicon) -> None:
    alone = word_scores(lexicon, ["regex"]).sums.max()
    assert 0.7 * WORDS_WEIGHT < alone <= WORDS_WEIGHT
    one_of_five = word_scores(lexicon, ["regex", "zz", "yy", "xx", "ww"]).sums.max()
    assert 0 < one_of_five < 0.4 * alone


def test_words_that_are_nowhere_add_nothing(lexicon: Lexicon) -> None:
    assert not word_scores(lexicon, ["zz"]).sums.any()


def test_a_name_is_one_term_more_of_the_same_sum(lexicon: Lexicon) -> None:
    scores = with_name(word_scores(lexicon, ["slow", "bread"]), np.array([2, 4]))
    assert scores.parts_NT.shape == (len(TEXTS), 3)
    assert np.asarray(scores.parts_NT.sum(axis=1)).ravel() == pytest.approx(scores.sums, abs=1e-6)
    assert scores.sums[4] == NAME_WEIGHT
