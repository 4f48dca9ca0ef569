"""XML that is not well formed: its text is read, and nothing of what follows is lost."""

import pytest
from lxml import etree

from indexer.sources.office.damaged import mended
from indexer.sources.office.open_document import parse_open_document
from indexer.sources.office.sheets import parse_sheets
from indexer.sources.office.slides import parse_slides
from indexer.sources.office.word import parse_word
from tests.support.office import open_document, paragraph, sheet, slides, word

BATS = paragraph("Bats hunt.")


@pytest.mark.parametrize(
    ("broken", "read"),
    [
        (paragraph("R & D, AT&T, &c."), "R & D, AT&T, &c."),
        (paragraph("1 < 2 <3 and <<"), "1 < 2 <3 and <<"),
        (paragraph("a&nbsp;b"), "a&nbsp;b"),
        (paragraph("Whales</w:b></w:q> sing"), "Whales sing"),
        (f"{paragraph('Whales')}</w:p></w:p>", "Whales"),
        ("<w:p><w:r><w:t>Whales</w:t></w:p>", "Whales"),
        ("<w:p a='1' a='2' b='x&y' c=d><w:r><w:t>Whales</w:t></w:r></w:p>", "Whales"),
        (paragraph("Wha\x01les\ufffe"), "Whales"),
        ("<x:unknown/>" + paragraph("Whales"), "Whales"),
    ],
)
def test_a_word_document_loses_nothing_after_what_is_wrong(broken: str, read: str) -> None:
    found = parse_word(word(broken + BATS))
    assert found.text == f"{read}\n\nBats hunt."
    (note,) = found.notes or ("",)
    assert not note or note.startswith("word/document.xml is damaged and was mended: ")


def test_other_office_files_are_mended_too() -> None:
    for found in (
        parse_slides(slides("R & D", "Bats")),
        parse_open_document(open_document("<text:p>R & D</text:p><text:p>Bats</text:p>")),
        parse_sheets(sheet(("R & D", "1"), ("Bats", "2"))),
    ):
        assert "R & D" in found.text
        assert "Bats" in found.text
        assert len(found.notes) == 1


def test_mending_changes_nothing_that_is_well_formed() -> None:
    for text in (
        "<a x='1&amp;2' y=\"a>b\"><b/>x &lt; y &#33;<!-- a & b < c --><![CDATA[ a & b < c ]]></a>",
        "<?xml version='1.0'?><!DOCTYPE a><a>é</a>",
    ):
        assert mended(text.encode()) == text.encode()


@pytest.mark.parametrize("piece", ["<p>", "</p>", "<p a='", "<!--", "<![CDATA[", "&", "<", "<p><q></p>"])
def test_anything_at_all_is_mended_in_time(piece: str) -> None:
    data = mended(b"<a>" + piece.encode() * 20_000 + b"x</a>")
    parser = etree.XMLParser(recover=True, huge_tree=True)
    assert etree.fromstring(data, parser) is not None
