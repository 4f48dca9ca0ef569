"""Blocks are told by how they look: what is read as sentences, what line by line, what is a heading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.embedding.blocks import blocks, items, telling_sentences

HELP = """shelf.arrange(books, *, by=None, backwards=False)

Arrange the books of a shelf.

Notes

The books are moved in place (i.e. the shelf itself
is changed). If shelf.locked is set, nothing is.

>>> arrange(shelf, by=len)
['Emma', 'Dubliners']

   order     speed   worst case
'title'        1      O(n)
"""


def kinds(text: str) -> list[tuple[str, str]]:
    return [(block.kind, text[block.start : block.end]) for block in blocks(text)]


def told(text: str, title: str = "") -> list[str]:
    return [text[span.start : span.end] for span in telling_sentences(text, title)]


def test_the_end_of_what_began_as_code_is_no_sentence_to_show() -> None:
    begun = "message = whatever.text_of(error)\n    is shown to those who asked for it by name."
    assert told(f"{begun}\n\nAll of it is well.") == ["All of it is well."]
    assert told(begun) == ["is shown to those who asked for it by name."]


def test_signatures_code_and_tables_are_read_line_by_line_and_prose_in_sentences() -> None:
    assert [kind for kind, _ in kinds(HELP)] == [
        "lines",
        "prose",
        "heading",
        "prose",
        "lines",
        "lines",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "total = sum(each.price for each in basket)",
        "def arrange(books):",
        "from shelves import arrange",
        "| title | pages |",
        "--------------",
        "@cached",
        "arrange(books) -> None",
        "    - indented, as an example is",
        "print(total);",
        "{'a': 1, 'b': 2}",
        "name   pages   year",
    ],
)
def test_a_line_of_code_or_of_a_table_keeps_its_line_breaks(line: str) -> None:
    assert kinds(f"This is a sentence.\n\n{line}\n\nAnother one.")[1] == ("lines", line)


@pytest.mark.parametrize(
    "line",
    [
        "for example, those that are mentioned in the following:",
        "The value (a small one) is what is returned, if at all.",
        "with two words:",
        "A line that says a = b in the middle of many other words.",
        "Nobody knows | nobody cares about one bar.",
    ],
)
def test_a_sentence_that_looks_a_little_like_code_is_prose(line: str) -> None:
    assert kinds(line) == [("prose", line)]


@pytest.mark.parametrize("heading", ["Notes", "# What it does", "See also", "Sorting and ordering of books"])
def test_a_short_line_without_an_end_is_a_heading(heading: str) -> None:
    assert kinds(f"{heading}\n\nIt does nothing.")[0] == ("heading", heading)


def test_a_heading_right_above_its_paragraph_is_not_part_of_its_first_sentence() -> None:
    assert told("Notes\nThe books are moved in place.") == ["The books are moved in place."]


def test_sentences_that_tell_are_whole_and_of_prose_alone() -> None:
    assert told(HELP) == [
        "Arrange the books of a shelf.",
        "The books are moved in place (i.e. the shelf itself\nis changed).",
        "If shelf.locked is set, nothing is.",
    ]


def test_a_sentence_that_says_the_title_again_is_left_out_where_there_are_others() -> None:
    assert told("Arrange the books. It takes long.", "Arrange the Books") == ["It takes long."]
    assert told("Arrange the books.", "Arrange the Books") == ["Arrange the books."]


def test_a_bullet_is_no_part_of_what_it_says() -> None:
    assert told("- books of a shelf\n- those of a room") == ["books of a shelf", "those of a room"]


def test_a_list_of_names_is_no_sentence() -> None:
    assert told("   cross\n   multi_dot\n   matrix_power") == []


def test_rows_of_a_table_go_on_in_lines_that_are_indented_deeper() -> None:
    table = """    "."      Matches any book of a shelf.
    "$"      Matches the end of the shelf or just before the last book of
             the whole shelf.
    (?...)   Sets all of the flags of a shelf.
    (?:...) Matches what is between the brackets, and keeps it."""
    for gap in ("\n\n", "\n"):
        assert kinds(f"They are:{gap}{table}") == [("prose", "They are:"), ("lines", table)]


def test_a_gap_in_a_sentence_makes_no_table_of_its_paragraph() -> None:
    assert ("prose", "The second is one of many words.") in kinds(
        "The first has a gap,    which means nothing.\nThe second is one of many words."
    )


def test_each_item_of_a_list_is_a_block_of_its_own() -> None:
    text = "What it does:\n- It takes a book\n  from the shelf.\n- It puts it back.\n2. That is all."
    (block,) = blocks(text)
    cut = [text[item.start : item.end] for item in items(text, block)]
    assert "\n".join(cut) == text
    assert cut[1:] == ["- It takes a book\n  from the shelf.", "- It puts it back.", "2. That is all."]
    flat = "It takes a book - and more."
    assert items(flat, blocks(flat)[0]) == blocks(flat)


@pytest.mark.parametrize(
    "line", [" " * 50_000 + "x", "x" + " " * 50_000 + "y", "f(" * 50_000, "a, " * 50_000]
)
def test_a_line_of_many_blanks_or_brackets_is_told_at_once(line: str) -> None:
    assert [block.end for block in blocks(line)] == [len(line)]


@given(st.text(st.sampled_from("ab (=)|.:\n\t#>-1é夜"), max_size=120))
def test_blocks_hold_every_line_that_is_not_blank_once_and_in_order(text: str) -> None:
    found = blocks(text)
    lines = [line for block in found for line in text[block.start : block.end].split("\n")]
    assert lines == [line for line in text.split("\n") if line.strip()]
    assert all(text[span.start : span.end].strip() for span in telling_sentences(text))
