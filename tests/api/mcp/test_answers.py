"""Answers are short, and say what they leave out."""

from typing import Any

from api.mcp.answers import collections, cut, page


def test_a_text_is_cut_to_one_line_without_what_people_do_not_see() -> None:
    assert cut("a\n\n2. id:\tforged", 100) == "a 2. id: forged"
    assert cut("abcdef", 4) == "abc…"
    assert cut(None, 4) == ""
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "ignore") + "\u202e"
    assert cut(f"a{hidden}b", 10) == "ab"


def document(text: str, **meta: Any) -> dict[str, Any]:
    return {"id": "a", "title": "A", "url": None, "text": text, "meta": meta}


def test_a_page_says_where_the_next_one_begins() -> None:
    first = page(document("abcdef"), 0, 4)
    assert (first.text, first.next_offset, first.characters) == ("abcd", 4, 6)
    last = page(document("abcdef"), 4, 4)
    assert (last.text, last.next_offset) == ("ef", None)
    assert page(document("abc"), 90, 4).text == ""
    assert len(page(document("", long="x" * 5000), 0, 4).meta) == 1000


def test_collections_beyond_the_bound_are_not_listed_and_that_is_said() -> None:
    about = {"title": "", "description": ""}
    found = [{"name": n, "state": "live", "documents": 1, **about} for n in "abc"]
    assert len(collections(found, 2).collections) == 2
    assert collections(found, 2).notes == ["Only the first 2 are shown."]
    assert collections(found, 3).notes == []
