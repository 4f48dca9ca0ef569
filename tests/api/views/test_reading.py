"""A document is shown block by block: prose flows, lines stay lines, and nothing is lost where passages are
cut."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from api.views.excerpts import Stretch
from api.views.reading import Reading

CODE = """    def sorted_shelf(books):
        keys = {}

        return sorted(books)"""
TEXT = f"""sort(books, *, key=None)

Arrange the books
of a shelf.

{CODE}

- One item that is longer
  than a line.
- Another one of them.

| a | b |
|---|---|
| 1 | 2 |
"""


def told(shown: list[Stretch]) -> list[tuple[str, str]]:
    return [(each.kind, each.text) for each in shown]


def whole(text: str) -> list[Stretch]:
    return Reading.of(text).between(0, len(text))


def test_prose_flows_and_lines_keep_their_breaks_without_what_all_are_indented_by() -> None:
    assert told(whole(TEXT)) == [
        ("lines", "sort(books, *, key=None)"),
        ("prose", "Arrange the books\nof a shelf."),
        ("lines", "def sorted_shelf(books):\n    keys = {}\n\n    return sorted(books)"),
        ("prose", "- One item that is longer\n  than a line."),
        ("prose", "- Another one of them."),
        ("lines", "| a | b |\n|---|---|\n| 1 | 2 |"),
    ]


def test_code_that_a_passage_ends_in_goes_on_indented_in_the_next() -> None:
    cut = TEXT.index("        return")
    before, after = Reading.of(TEXT).between(0, cut), Reading.of(TEXT).between(cut, len(TEXT))
    assert told(before)[-1] == ("lines", "def sorted_shelf(books):\n    keys = {}\n\n")
    assert told(after)[0] == ("lines", "    return sorted(books)")
    behind = cut + len("        ")
    assert told(Reading.of(TEXT).between(behind, len(TEXT)))[0] == ("lines", "    return sorted(books)")
    amid = TEXT.index("sorted(books)\n")
    assert told(Reading.of(TEXT).between(amid, amid + 13)) == [("lines", "sorted(books)")]


def test_a_mark_goes_where_it_is_in_the_whole_text() -> None:
    at = TEXT.index("keys")
    shown = Reading.of(TEXT).between(0, len(TEXT), [(at, at + 4, "heat2")])
    marked = [run for each in shown for piece in each.pieces for run in piece.runs if run.names]
    assert [(run.text, run.names) for run in marked] == [("keys", "heat2")]


@given(
    st.text(st.sampled_from("ab (=)|.:\n\t#>-1é夜\r\x0b"), max_size=120),
    st.lists(st.integers(0, 120), max_size=6),
)
def test_every_character_is_shown_once_and_in_order_wherever_passages_are_cut(
    text: str, cuts: list[int]
) -> None:
    reading = Reading.of(text)
    places = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    parts = (reading.between(start, end) for start, end in pairwise(places))
    shown = "".join(each.text for part in parts for each in part)
    assert "".join(shown.split()) == "".join(text.split())
