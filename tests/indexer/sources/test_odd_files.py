"""A folder of odd files, as people have them: nothing is lost, and the report adds up."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.sources import Failure, Item, Note, SourceDocument, open_source
from tests.support.office import archive, book, open_document, paragraph, sheet, slides, word
from tests.support.pdfs import pdf

pytestmark = pytest.mark.slow

Files = Iterator[tuple[str, bytes | str]]
MARKER = "Whales sing at night."
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "cp850"]
FRONTS = {
    "rule": "---\n\n{}\n\n---\n",
    "empty": "---\n---\n{}\n",
    "yaml": "---\ntitle: >-\n  A\n  b\ntags: [x]\n---\n{}\n",
    "toml": "+++\ntitle = 'a'\n+++\n{}\n",
    "broken": "---\ntitle: a: b\n---\n{}\n",
    "torn": "---\ntitle: 'a\n---\n{}\n",
    "open": "---\ntitle: a\n{}\n",
    "prose": "---\n{}\n---\n",
    "bomb": "---\na: &a [*a]\n---\n{}\n",
    "blank": "---\ntitle: a" + " " * 5_000 + "b\n---\n{}\n",
    "brackets": "---\na: " + "[" * 500 + "\n---\n{}\n",
    "binary": "---\na: !!binary x\nb: !!set {{x}}\n---\n{}\n",
}
MARKUP = {
    "plain": "{}",
    "windows": "a\r\n\r\n{}\r\n",
    "mac": "a\r\r{}\r",
    "table": "<table><tr><td><p>{}</p></td></tr></table>",
    "nested": "<div>" * 300 + "{}" + "</div>" * 300,
    "unclosed": "<p><b><i>{}",
    "comment": "<!-- x -->{}<!-- never closed",
    "entities": "&lt;&nonsense;&shy; <p>{}</p>",
    "data": f"<img src='data:image/png;base64,{base64.b64encode(bytes(9_000)).decode()}'>" + "<p>{}</p>",
    "control": "a\x0b\x0c\x1bb {}",
    "unseen": "\ufeff\u200b{}\u2060",
    "emoji": "👩\u200d🔬 {}",
    "long": "x " * 30_000 + "{}",
    "template": "{{{{ x }}}} {{% y %}} {}",
}
CONTROL = "<w:sdt><w:sdtContent>{}</w:sdtContent></w:sdt>"
BODIES = {
    "plain": "{}",
    "control": CONTROL,
    "nested": CONTROL.format(CONTROL),
    "cell": "<w:tbl><w:tr><w:tc>{}</w:tc></w:tr></w:tbl>",
    "inner": "<w:tbl><w:tr><w:tc><w:tbl><w:tr><w:tc>{}</w:tc></w:tr></w:tbl></w:tc></w:tr></w:tbl>",
    "box": "<w:p><w:r><w:pict><w:txbxContent>{}</w:txbxContent></w:pict></w:r></w:p>",
    "custom": "<w:customXml>{}</w:customXml>",
    "section": "{}<w:sectPr/>",
}
KINDS = ("md", "txt", "rst", "html", "htm")
BROKEN = ("pdf", "docx", "docm", "pptx", "xlsx", "odt", "ods", "odp", "epub", "ipynb", "json", "eml")
EMPTY = (*KINDS, *BROKEN)
OTHERS = ("png", "mp4", "exe", "py", "csv", "jsonl", "doc")
IGNORED = ("vendor/a.md", "drafts/b.txt", "c.draft.md")


def texts() -> Files:
    for kind in KINDS:
        for encoding in ENCODINGS:
            yield f"encodings/{encoding}.{kind}", f"Größe. {MARKER}\n".encode(encoding)
        for name, form in MARKUP.items():
            yield f"markup/{name}.{kind}", form.format(MARKER)
    for name, form in FRONTS.items():
        yield f"front/{name}.md", form.format(MARKER)


def documents() -> Files:
    for name, form in BODIES.items():
        body = form.format(paragraph(MARKER))
        yield f"word/{name}.docx", word(body)
        yield f"word/strict-{name}.docx", word(body, strict=True)
    for part in ("header", "footer", "footnotes", "endnotes", "comments", "diagramData"):
        yield f"word/{part}.docx", word(paragraph("x"), {part: paragraph(MARKER)})
    yield "slides.pptx", slides("x", MARKER)
    yield "note.pptx", slides("x", note=MARKER)
    yield "sheet.xlsx", sheet(("a", "1"), (MARKER, "2"))
    for kind in ("odt", "ods", "odp"):
        yield f"open.{kind}", open_document(f"<text:p>{MARKER}</text:p>")
    yield "book.epub", book(f"<p>{MARKER}</p>", missing=True)
    yield "mail.eml", f"Subject: x\n\n{MARKER}\n"
    yield "note.ipynb", json.dumps({"cells": [{"cell_type": "raw", "source": MARKER}]})
    yield "data.json", json.dumps({"x": [{"y": MARKER}]})
    yield "page.pdf", pdf([MARKER])
    yield "ünïcode näme.md", MARKER
    yield "a 'quoted' \"name\".txt", MARKER
    yield "UPPER.TXT", MARKER


def refused() -> Files:
    for kind in EMPTY:
        yield f"empty/a.{kind}", b""
    for kind in BROKEN:
        yield f"broken/a.{kind}", b"\x00\x01PK\x03\x04" + bytes(range(256)) * 4
    for kind in ("docx", "odt", "epub"):
        yield f"hollow/a.{kind}", archive({"x": "y"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("odd")
    aside = [(f"other/a.{kind}", "x") for kind in OTHERS] + [(name, MARKER) for name in IGNORED]
    unseen = [(".git/a.md", "x"), ("~$a.docx", "x"), (".gitignore", "vendor/\n*.draft.md\n")]
    for name, content in (*texts(), *documents(), *refused(), *aside, *unseen):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return root


@pytest.fixture(scope="module")
def items(folder: Path) -> list[Item]:
    return list(open_source(folder, exclude=["/drafts/"]))


def test_every_text_is_found_whole(items: list[Item]) -> None:
    given = [name for name, _ in (*texts(), *documents())]
    found = {item.id: " ".join(item.text.split()) for item in items if isinstance(item, SourceDocument)}
    assert len(given) >= 150
    assert [name for name in given if MARKER not in found.get(name, "")] == []
    assert sorted(found) == sorted(given)


def test_everything_else_is_named_with_a_reason(items: list[Item]) -> None:
    failed = {item.name: item.reason for item in items if isinstance(item, Failure)}
    assert sorted(failed) == sorted(name for name, _ in refused())
    assert all(len(reason) > 10 for reason in failed.values())


def test_the_report_adds_up(folder: Path, items: list[Item]) -> None:
    notes = {item.text for item in items if isinstance(item, Note) and item.name == f"{folder.name}/"}
    other, ignored = sorted(notes, reverse=True)
    assert sum(int(count) for count in re.findall(r"(\d+) \.", other)) == len(OTHERS)
    assert ignored == "left out by .gitignore or excluded: 1 file and 2 folders"
    read = sum(isinstance(item, SourceDocument) for item in items)
    failed = sum(isinstance(item, Failure) for item in items)
    on_disk = sum(path.is_file() for path in folder.rglob("*"))
    unseen = 3  # .git/a.md, ~$a.docx, .gitignore
    assert read + failed + len(OTHERS) + len(IGNORED) + unseen == on_disk


def test_what_was_assumed_is_noted(items: list[Item]) -> None:
    noted = {item.name for item in items if isinstance(item, Note)}
    for encoding in ("utf-16-le", "cp1252", "latin-1"):
        assert {f"encodings/{encoding}.{kind}" for kind in KINDS} <= noted
    assert {"front/broken.md", "front/torn.md", "front/bomb.md", "book.epub"} <= noted
