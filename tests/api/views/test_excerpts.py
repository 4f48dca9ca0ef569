"""Excerpts keep what matters, and marks never change a text."""

from hypothesis import given
from hypothesis import strategies as st

from api.views.excerpts import excerpt, named_words, runs
from search.responses.search import Light, LitWord, PassageText, Span


@given(st.lists(st.integers(1, 9), min_size=1, max_size=60), st.sampled_from([1, 40, 60, 160]), st.data())
def test_an_excerpt_is_one_stretch_of_the_text_with_the_best_sentence_whole(
    lengths: list[int], size: int, data: st.DataObject
) -> None:
    text = " ".join(f"{number}" * length for number, length in enumerate(lengths))
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    pieces = excerpt(PassageText(0, text, 0, len(text), Span(start, end)), size)
    assert [piece.text for piece in pieces if piece.marked] == [text[start:end]]
    assert "".join(piece.text for piece in pieces).removeprefix("… ").removesuffix(" …") in text


def test_a_short_passage_is_shown_whole() -> None:
    text = "One. Two. Three."
    pieces = excerpt(PassageText(0, text, 0, len(text), Span(5, 9)))
    assert [(piece.text, piece.marked) for piece in pieces] == [
        ("One. ", False),
        ("Two.", True),
        (" Three.", False),
    ]


def test_a_passage_without_a_best_sentence_is_cut_at_its_end() -> None:
    (piece,) = excerpt(PassageText(0, "word " * 400, 0, 2000), 100)
    assert piece.text.startswith("word")
    assert piece.text.endswith("word …")
    assert len(piece.text) <= 110


@given(
    st.text(min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.sampled_from(["a", "b"])), max_size=8),
)
def test_every_character_is_in_one_run_with_the_marks_that_cover_it(
    text: str, marks: list[tuple[int, int, str]]
) -> None:
    found = runs(text, 0, len(text), marks)
    assert "".join(run.text for run in found) == text
    place = 0
    for run in found:
        covering = sorted(name for first, last, name in marks if first <= place < last)
        assert sorted(run.names.split()) == covering
        place += len(run.text)


def test_lit_words_are_marked_by_level_within_and_beyond_the_best_sentence() -> None:
    text = "One. Two words. Three."
    asked = Light(None, [LitWord(0, 3, 0.1, 1), LitWord(5, 8, 0.4, 3)])
    topic = Light(7, [LitWord(5, 8, 0.2, 2)])
    pieces = excerpt(PassageText(0, text, 0, len(text), Span(5, 15), [asked, topic]))
    marked = [(run.text, run.names, piece.marked) for piece in pieces for run in piece.runs if run.names]
    assert marked == [("One", "said1", False), ("Two", "said3 lit1-2", True)]
    assert "".join(piece.text for piece in pieces) == text


def test_the_strongest_words_are_named_once() -> None:
    passage = PassageText(0, "Sea sea sky", 0, 11)
    words = [LitWord(0, 3, 0.1, 1), LitWord(4, 7, 0.3, 3), LitWord(8, 11, 0.2, 2)]
    assert named_words(passage, Light(1, words)) == "sea, sky"
