"""Further kinds of files: their words are text, what they say about themselves is title and metadata."""

import json
from pathlib import Path

import pytest

from indexer.sources import Failure, Note, SourceDocument, open_source
from tests.support.office import archive, book, open_document, sheet, slides

CELLS = [
    {"cell_type": "markdown", "source": ["# The sea\n", "Whales *sing*."]},
    {"cell_type": "code", "source": "print(1)", "outputs": [{"text": ["printed"]}]},
]
MAIL = (
    "From: Doe <doe@example.org>\nTo: Roe <roe@example.org>\nDate: Wed, 1 May 2024 10:00:00 +0200\n"
    "Subject: =?utf-8?q?The_s=C3=A9a?=\nMIME-Version: 1.0\n"
)
QUOTED = "Content-Transfer-Encoding: quoted-printable"
PLAIN = f"Content-Type: text/plain; charset=iso-8859-1\n{QUOTED}\n\nCaf=E9 whales.\n"
PAGE = "Content-Type: text/html\n\n<p>Whales <b>sing</b>.</p>\n"
FILE = 'Content-Type: application/pdf\nContent-Disposition: attachment; filename="a.pdf"\n\nx\n'
TABLE = (
    "<table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell>"
    "<table:table-cell><text:p>b</text:p></table:table-cell></table:table-row></table:table>"
)
ODT = (
    "<text:tracked-changes><text:p>No.</text:p></text:tracked-changes><text:h>The sea</text:h>"
    f"<text:p>Whales<text:s/><text:span>sing</text:span>.<text:line-break/>Bats.</text:p>{TABLE}"
)


def mail(kind: str, *parts: str) -> str:
    joined = "".join(f"--b\n{part}" for part in parts)
    return f"{MAIL}Content-Type: multipart/{kind}; boundary=b\n\n{joined}--b--\n"


@pytest.mark.parametrize(
    ("name", "content", "title", "text"),
    [
        ("a.ipynb", json.dumps({"cells": CELLS}), "The sea", "The sea\n\nWhales sing.\n\nprint(1)"),
        ("a.ipynb", json.dumps({"worksheets": [{"cells": [{"input": "x"}]}]}), "a", "x"),
        ("a.json", '{"title": "The sea", "a": [1, {"b": "Whales sing."}], "c": null}', "The sea",
         "title: The sea\na: 1\nb: Whales sing."),
        ("a.json", '\ufeff["Whales", "sing"]', "a", "Whales\nsing"),
        ("a.eml", MAIL + PLAIN, "The séa", "Café whales."),
        ("a.eml", MAIL + PAGE, "The séa", "Whales sing."),
        ("a.eml", mail("alternative", PLAIN, PAGE), "The séa", "Café whales."),
        ("a.epub", book("<h1>One</h1><p>Whales sing.</p>", "<p>Bats hunt.</p>", title="The sea"), "The sea",
         "One\n\nWhales sing.\n\nBats hunt."),
        ("a.pptx", slides("Whales sing.", "Bats hunt.", note="Say it."), "a",
         "Whales sing.\n\nSay it.\n\nBats hunt."),
        ("a.pptx", slides(*(f"Slide {n}." for n in range(1, 12))), "a",
         "\n\n".join(f"Slide {n}." for n in range(1, 12))),
        ("a.xlsx", sheet(("name", "price"), ("lamp", "5")), "a", "name | price\nlamp | 5"),
        ("a.odt", open_document(ODT, "The title"), "The title", "The sea\n\nWhales sing.\nBats.\n\na | b"),
    ],
)  # fmt: skip
def test_words_are_text(tmp_path: Path, name: str, content: str | bytes, title: str, text: str) -> None:
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    found = next(iter(open_source(tmp_path / name)))
    assert isinstance(found, SourceDocument), found
    assert (found.title, found.text) == (title, text)


def test_mails_and_books_say_who_wrote_them(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_text(MAIL + PLAIN)
    (tmp_path / "b.epub").write_bytes(book("<p>Whales sing.</p>"))
    of_mail, of_book = (item.meta for item in open_source(tmp_path) if isinstance(item, SourceDocument))
    assert of_mail["from"] == "Doe <doe@example.org>"
    assert of_mail["date"] == "2024-05-01T10:00:00+02:00"
    assert of_book["author"] == "Doe"


def test_what_is_not_read_of_a_file_is_noted(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_text(mail("mixed", PLAIN, FILE))
    (tmp_path / "b.epub").write_bytes(book("<p>Whales sing.</p>", missing=True))
    noted = [item for item in open_source(tmp_path) if isinstance(item, Note)]
    assert noted == [
        Note("a.eml", "not read of it: a.pdf"),
        Note("b.epub", "its page gone.xhtml is not there"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.ipynb", b"[]", "it is no notebook"),
        ("a.ipynb", b"{", "it is no notebook"),
        ("a.json", b"{", "it is not JSON"),
        ("a.json", b"[" * 100_000, "it is not JSON"),
        ("a.eml", b"\n\nno header", "it is no mail"),
        ("a.epub", archive({"a": "b"}), "it is no book"),
        ("a.odt", archive({"a": "b"}), "there is no document in it"),
        ("a.xlsx", b"PK", "it is not what its name says"),
        ("b.docx", b"<html><p>Whales", "it looks like HTML"),
        ("a.pptx", b"\xd0\xcf\x11\xe0" + bytes(600), "protected by a password"),
    ],
)
def test_what_is_not_of_its_kind_says_so(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    (found,) = open_source(tmp_path / name)
    assert isinstance(found, Failure)
    assert reason in found.reason
