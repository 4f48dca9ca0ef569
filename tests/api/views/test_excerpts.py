"""Excerpts keep what matters, and marks never change a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.views.excerpts import Stretch, excerpt, named_words, runs
from search.responses.search import Light, LitWord, PassageText, Span


def passage(text: str, best: str = "") -> PassageText:
    start = text.index(best)
    return PassageText(0, text, 0, len(text), Span(start, start + len(best)) if best else None)


def told(shown: list[Stretch]) -> list[tuple[str, str]]:
    return [(stretch.kind, stretch.text) for stretch in shown]


def marked(shown: list[Stretch]) -> list[str]:
    return [piece.text for stretch in shown for piece in stretch.pieces if piece.marked]


SENTENCES = [f"Sentence {number} is about the number {number} alone." for number in range(40)]


@given(st.integers(0, 39), st.sampled_from([1, 60, 160, 600]), st.booleans())
def test_an_excerpt_of_prose_has_the_best_sentence_and_is_one_stretch_of_the_text(
    number: int, size: int, wrapped: bool
) -> None:
    text = ("\n" if wrapped else " ").join(SENTENCES)
    ((kind, shown),) = told(excerpt(passage(text, SENTENCES[number]), title=SENTENCES[0], size=size))
    assert kind == "prose"
    bare = shown.removeprefix("… ").removesuffix(" …")
    assert bare in text
    assert SENTENCES[number][: min(size, 10)].startswith(bare[: min(size, 10)]) or SENTENCES[number] in bare
    assert len(bare) <= max(size, len("Sentence"))


def test_a_short_passage_is_shown_whole_without_its_heading() -> None:
    shown = excerpt(passage("Notes\n\nOne is told. Two is best. Three ends it.", "Two is best."))
    assert told(shown) == [("prose", "One is told. Two is best. Three ends it.")]
    assert marked(shown) == ["Two is best."]


def test_a_best_sentence_that_is_all_there_is_needs_no_mark() -> None:
    assert marked(excerpt(passage("f(x)\n\nIt doubles a number.", "It doubles a number."))) == []


def test_an_excerpt_begins_before_a_best_sentence_at_the_end_where_there_is_room() -> None:
    text = "First comes a paragraph.\n\nThen comes the best."
    assert [stretch.text for stretch in excerpt(passage(text, "Then comes the best."))] == text.split("\n\n")


def test_an_excerpt_begins_with_a_sentence() -> None:
    best = f"{'On and on it goes ' * 8}and so it ends with the best of them."
    text = f"{'word ' * 100}ends. This one leads. {best}"
    ((_, shown),) = told(excerpt(passage(text, best), title=text))
    assert shown.startswith("… This one leads. On and on")


def test_a_line_of_the_beginning_leads_where_the_best_is_far_from_it() -> None:
    text = " ".join(SENTENCES)
    (opening, (_, best)) = told(excerpt(passage(text, SENTENCES[30])))
    assert opening == ("prose", SENTENCES[0])
    assert best.startswith(f"… {SENTENCES[30]}")
    ((_, near),) = told(excerpt(passage(text, SENTENCES[2])))
    assert near.startswith(SENTENCES[0]), "what is near is shown with it"
    (_, (_, next_to_it)) = told(excerpt(passage(text, SENTENCES[1]), size=60))
    assert next_to_it.startswith(SENTENCES[1]), "nothing is left out between them"


@pytest.mark.parametrize(
    "title", ["Sentence 0 is about\nthe number 0 alone", f"tools.number: {SENTENCES[0]}"]
)
def test_nothing_leads_that_the_title_says(title: str) -> None:
    ((_, shown),) = told(excerpt(passage(" ".join(SENTENCES), SENTENCES[30]), title))
    assert SENTENCES[0] not in shown


@pytest.mark.parametrize("text", ["", " ", "\n", "\x0b"])
def test_of_nothing_nothing_is_shown(text: str) -> None:
    assert excerpt(PassageText(0, text, 0, len(text))) == []


def test_a_long_beginning_does_not_lead() -> None:
    text = f"This begins {'and goes on ' * 20}. {' '.join(SENTENCES)}"
    ((_, shown),) = told(excerpt(passage(text, SENTENCES[30])))
    assert shown.startswith("… Sentence")


def test_before_a_short_best_sentence_at_the_end_of_a_block_there_is_a_line_of_it() -> None:
    text = f"{'word ' * 100}The end is best."
    ((_, shown),) = told(excerpt(passage(text, "The end is best.")))
    assert shown.startswith("… word word")
    assert 40 < shown.index("The end is best.") < 92


def test_code_beside_the_best_sentence_keeps_its_lines_and_is_cut_after_some() -> None:
    code = "\n".join(f"    print({number})" for number in range(9))
    shown = excerpt(passage(f"This is how it is done:\n\n{code}", "This is how it is done:"))
    assert told(shown)[1] == ("lines", "print(0)\nprint(1) …")


def test_a_passage_of_code_alone_is_shown_as_code() -> None:
    assert told(excerpt(passage("def f():\n    return 1"))) == [("lines", "def f():\n    return 1")]


def test_a_passage_without_a_best_sentence_begins_with_its_prose() -> None:
    ((_, shown),) = told(excerpt(passage("f(x, y)\n\n" + "word " * 400), size=100))
    assert shown.startswith("word")
    assert shown.endswith("word …")
    assert len(shown) <= 110


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
    (stretch,) = excerpt(PassageText(0, text, 0, len(text), Span(5, 15), [asked, topic]))
    found = [
        (run.text, run.names, piece.marked) for piece in stretch.pieces for run in piece.runs if run.names
    ]
    assert found == [("One", "said1", False), ("Two", "said3 lit1-2", True)]
    assert stretch.text == text


def test_the_strongest_words_are_named_once() -> None:
    passage = PassageText(0, "Sea sea sky", 0, 11)
    words = [LitWord(0, 3, 0.1, 1), LitWord(4, 7, 0.3, 3), LitWord(8, 11, 0.2, 2)]
    assert named_words(passage, Light(1, words)) == "sea, sky"
