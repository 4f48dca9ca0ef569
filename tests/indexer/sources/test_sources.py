"""Sources: what is good becomes documents, what is not becomes failures by name and reason."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import docx
import pytest

from indexer.sources import Failure, Note, SourceDocument, document, guess_format, open_source
from indexer.sources.beir import read_qrels, read_queries
from search.errors import SourceError

PROSE = "Sea water holds about thirty-five grams of salt in every litre."


def read(
    path: Path | None, format: str | None = None, **columns: Any
) -> tuple[list[SourceDocument], dict[str, str]]:
    """Documents, and reasons of failures by name."""
    items = list(open_source(path, format, **columns))
    documents = [item for item in items if isinstance(item, SourceDocument)]
    return documents, {item.name: item.reason for item in items if isinstance(item, Failure)}


def read_file(folder: Path, name: str, content: bytes | str) -> SourceDocument | str:
    """The document of one file of the folder, or the reason why there is none."""
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(data)
    documents, failures = read(folder / name)
    return documents[0] if documents else failures[name]


# --- which format


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.jsonl", "jsonl"),
        ("a.jsonl.gz", "jsonl"),
        ("a.ndjson", "jsonl"),
        ("a.csv", "csv"),
        ("A.TSV.gz", "csv"),
        ("a.md", "files"),
        ("a.PDF", "files"),
    ],
)
def test_a_file_is_known_by_its_name(tmp_path: Path, name: str, format: str) -> None:
    assert guess_format(tmp_path / name) == format


def test_a_folder_is_known_by_its_content(tmp_path: Path) -> None:
    assert guess_format(tmp_path) == "files"
    (tmp_path / "corpus.jsonl").touch()
    assert guess_format(tmp_path) == "beir"


def test_what_cannot_be_opened_says_why_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_text("x")
    (tmp_path / "a.csv").write_text("id,words\n1,x\n")
    (tmp_path / "b.jsonl.gz").write_bytes(b"not gzip")
    for path, format, columns, expected in [
        (tmp_path / "no", None, {}, "There is nothing at"),
        (None, "files", {}, "There is nothing at"),
        (tmp_path / "a.xyz", None, {}, "a.xyz"),
        (tmp_path / "a.csv", "parquet", {}, "'parquet'"),
        (tmp_path / "a.csv", None, {}, "no column for the text; it has id, words"),
        (tmp_path / "a.csv", None, {"text_column": "body"}, "no column 'body'"),
        (tmp_path / "a.csv", None, {"text_column": "words", "url_column": "link"}, "no column 'link'"),
        (tmp_path / "b.jsonl.gz", None, {}, "not gzip"),
        (tmp_path, "jsonl", {}, "is a folder"),
        (tmp_path, "beir", {}, "no corpus.jsonl"),
        (tmp_path, "files", {}, "no file that can be read"),
    ]:
        with pytest.raises(SourceError) as raised:
            read(path, format, **columns)
        assert expected in raised.value.message
        assert raised.value.hint


def test_documents_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text(PROSE)
    source = open_source(tmp_path)
    assert isinstance(next(source), SourceDocument)
    (tmp_path / "b.md").unlink()
    assert next(source) == Failure("b.md", "it cannot be read: No such file or directory")


# --- BEIR


def test_a_beir_folder(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    corpus = {"_id": "d1", "title": "Sea", "text": PROSE, "metadata": {"year": 1999}}
    (tmp_path / "corpus.jsonl").write_text(json.dumps(corpus))
    (tmp_path / "queries.jsonl").write_text(
        '{"_id": "q1", "text": "salt\u2028water"}\n\n{"_id": 2, "text": "x"}\n', "utf-8"
    )
    (tmp_path / "qrels" / "test.tsv").write_text('query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td"2\t0\n')
    assert read(tmp_path) == ([SourceDocument("d1", "Sea", PROSE, None, {"year": 1999})], {})
    assert read_queries(tmp_path) == {"q1": "salt\u2028water", "2": "x"}
    assert read_qrels(tmp_path) == {"q1": {"d1": 2, 'd"2': 0}}
    with pytest.raises(SourceError, match=r"train\.tsv"):
        read_qrels(tmp_path, "train")


def test_judgements_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\n")
    (tmp_path / "queries.jsonl").write_text('{"_id": "q1"}\n')
    with pytest.raises(SourceError, match=r"test\.tsv:2"):
        read_qrels(tmp_path)
    with pytest.raises(SourceError, match=r"queries\.jsonl:1"):
        read_queries(tmp_path)


# --- files


def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".git").mkdir()
    for name in ("c.txt", "a.md", "b/z.rst", "b/y.html", ".hidden.md", "~$c.docx", ".git/x.md", "image.png"):
        (tmp_path / name).write_text(PROSE)
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    (tmp_path / "b" / "lost.md").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe.txt")
    documents, failures = read(tmp_path)
    assert list(open_source(tmp_path))[-1] == Note(f"{tmp_path.name}/", "passed over: 1 .png")
    assert [document.id for document in documents] == ["a.md", "b/y.html", "b/z.rst", "c.txt"]
    assert [document.text for document in documents] == [PROSE] * 4
    assert [document.title for document in documents] == ["a", "y", "z", "c"]
    assert sorted(failures) == ["b/lost.md", "pipe.txt"]


def test_plain_text_in_its_encodings(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        found = read_file(tmp_path, "a.txt", "Café\r\n\r\nau lait\n".encode(encoding))
        assert isinstance(found, SourceDocument)
        assert found.text == "Café\n\nau lait"
    assert read_file(tmp_path, "a.txt", bytes(100) + b"x") == "it is not text: it is full of NUL characters"


def test_files_that_hold_nothing_or_too_much(tmp_path: Path) -> None:
    assert read_file(tmp_path, "a.md", "") == "it is empty"
    assert read_file(tmp_path, "a.md", " \n\n") == "it has no text"
    assert read_file(tmp_path, "a.html", "<html><script>x</script></html>") == "it has no text"
    with (tmp_path / "huge.txt").open("wb") as file:
        file.truncate(document.MAX_BYTES + (1 << 20))
    assert read(tmp_path / "huge.txt")[1] == {"huge.txt": "it has 65 MiB, 64 MiB is the most"}


def test_markdown(tmp_path: Path) -> None:
    found = read_file(
        tmp_path,
        "a.md",
        f"# The *sea*\n\n{PROSE}\nIt is `salty`.\n\n- one\n- two <b>bold</b>\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n"
        "\n```python\ndef f():\n\n    return 1\n```\n\n<script>alert(1)</script>\n",
    )
    assert isinstance(found, SourceDocument)
    assert found.title == "The sea"
    assert found.text == (
        f"{PROSE} It is salty.\n- one\n- two bold\na | b\n1 | 2\n\ndef f():\n\n    return 1"
    )


def test_markdown_front_matter_names_the_title(tmp_path: Path) -> None:
    found = read_file(tmp_path, "a.md", f'---\ntags: [x]\ntitle: "The sea"\n---\n# Salt\n\n{PROSE}\n')
    assert isinstance(found, SourceDocument)
    assert (found.title, found.text) == ("The sea", f"Salt\n\n{PROSE}")


def test_html(tmp_path: Path) -> None:
    found = read_file(
        tmp_path,
        "a.html",
        "<!doctype html><head><title>The\n sea</title><style>p {}</style></head><body><nav>Home</nav><main>"
        "<h1>Salt<a class='headerlink' href='#s'>¶</a></h1>some <b>bold</b>\n text<br>next<!-- no -->"
        "<ul><li><p>one</p></li><li>two</li></ul><pre hidden>secret</pre><p>a &lt;b&gt;</p>"
        "<pre>x\n  y</pre><script>no()</script></main><footer>imprint</footer></body>",
    )
    assert isinstance(found, SourceDocument)
    assert found.title == "The sea"
    assert found.text == "Salt\n\nsome bold text\nnext\n- one\n- two\n\na <b>\n\nx\n  y"


def test_html_in_the_character_set_it_declares(tmp_path: Path) -> None:
    page = '<meta charset="iso-8859-1"><p>“Café”</p>'.encode("cp1252")
    found = read_file(tmp_path, "a.htm", page)
    assert isinstance(found, SourceDocument)
    assert found.text == "“Café”"
    wrong = read_file(tmp_path, "a.htm", page.replace(b"iso-8859-1", b"utf-8"))
    assert isinstance(wrong, SourceDocument)
    assert wrong.text == "“Café”"


RST = """
The sea
=======

See :func:`~os.path.join`, :ref:`the tide <tide>`, :unknown:`salt` and `nobody`_, |version|.

.. toctree::

   other

.. versionchanged:: 3.2 Holds more
   salt.

.. code-block:: python
   :emphasize-lines: 1

   def f(): ...

.. py:function:: pour(water)
   :module: sea

   Pours it.

.. include:: /etc/passwd

.. raw:: html

   <b>raw</b>

=====  =====
broken table
=====  ==

- one
- two
"""


def test_restructuredtext_of_sphinx_loses_no_words_and_gains_none(tmp_path: Path) -> None:
    found = read_file(tmp_path, "a.rst", RST)
    assert isinstance(found, SourceDocument)
    assert found.title == "The sea"
    assert found.text == (
        "See join, the tide, salt and `nobody`_, |version|.\n\nChanged in version 3.2: Holds more salt.\n\n"
        "def f(): ...\n\npour(water)\n\nPours it.\n\n=====  =====\nbroken table\n=====  ==\n- one\n- two"
    )


def test_word(tmp_path: Path) -> None:
    word = docx.Document()
    word.add_heading("The sea", 0)
    word.add_paragraph(PROSE)
    word.add_paragraph("one", style="List Bullet")
    table = word.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "a", "b"
    word.add_heading("Salt", 1)
    word.save(str(tmp_path / "a.docx"))
    (found,), _ = read(tmp_path / "a.docx")
    assert (found.title, found.text) == ("The sea", f"{PROSE}\n\n- one\n\na | b\n\nSalt")


def test_word_that_cannot_be_read(tmp_path: Path) -> None:
    assert "not what its name says" in str(read_file(tmp_path, "a.docx", b"PK\x03\x04 no"))
    with zipfile.ZipFile(tmp_path / "bomb.docx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes(4 * document.MAX_BYTES + 1))
    assert read(tmp_path / "bomb.docx")[1] == {"bomb.docx": "it unpacks to more than 256 MiB"}
