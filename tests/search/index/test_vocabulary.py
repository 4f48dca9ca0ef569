"""Stems that are found by bisection, as a dict would find them."""

from collections.abc import Collection

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from search.index.vocabulary import BLOCK, Vocabulary

WORDS = st.text(st.characters(exclude_characters="\n", codec=None), max_size=6)


@given(st.sets(WORDS), st.lists(WORDS))
def test_each_has_the_number_of_its_place_and_others_have_none(known: set[str], others: list[str]) -> None:
    stems = sorted(known)
    vocabulary = Vocabulary.of(stems)
    assert list(vocabulary) == stems
    assert len(vocabulary) == len(stems)
    place = {stem: number for number, stem in enumerate(stems)}
    for stem in [*stems, *others]:
        assert vocabulary.number(stem) == place.get(stem)
        assert (stem in vocabulary) == (stem in known)


def test_what_is_no_text_is_not_in_it() -> None:
    words: Collection[object] = Vocabulary.of(["7"])
    assert 7 not in words
    assert "7" in words


@pytest.mark.parametrize("many", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 10 * BLOCK + 7])
def test_any_number_of_blocks(many: int) -> None:
    stems = sorted(f"stem{number}" for number in range(many))
    vocabulary = Vocabulary.of(stems)
    assert len(vocabulary) == many
    assert list(vocabulary) == stems
    assert [vocabulary.number(stem) for stem in stems] == list(range(many))
    assert [vocabulary.number(f"{stem}x") for stem in stems] == [None] * many
    assert not any(other in vocabulary for other in ("", "stem", "a", "z", "tem1"))


def test_it_is_found_in_arrays_that_cannot_be_written_to() -> None:
    made = Vocabulary.of(["ant", "bee"])
    letters, starts = made.letters_L.copy(), made.starts_B.copy()
    letters.flags.writeable = starts.flags.writeable = False
    assert Vocabulary(letters, starts).number("bee") == 1
    assert starts.dtype == np.int64


@given(
    st.sets(st.text(st.sampled_from("abcñ漢é'1-"), max_size=7)),
    st.text(st.sampled_from("abcñ漢é'1-"), max_size=7),
)
def test_whatever_is_few_edits_away_is_near(known: set[str], text: str) -> None:
    vocabulary = Vocabulary.of(sorted(known))
    for edits in (0, 1, 2):
        near = list(vocabulary.near(text, edits))
        assert {each for each in known if OSA.distance(each, text) <= edits} <= set(near)
        assert near == sorted(set(near))


def test_what_has_other_letters_is_not_near() -> None:
    vocabulary = Vocabulary.of(
        sorted(["cat", "cart", "dog", "catalogue", "tac", *map("x{:04}".format, range(200))])
    )
    assert list(vocabulary.near("cat", 1)) == ["cart", "cat", "tac"]
