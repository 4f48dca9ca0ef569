"""A folder of odd files, as people have them: each says something of its own, or cannot be read."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.office import archive, book, open_document, paragraph, sheet, slides, word
from tests.support.pdfs import pdf

Said = Callable[[str], str]
"""What a file says, by its name."""

Files = Iterator[tuple[str, bytes | str]]
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
OTHER_KINDS: dict[str, Callable[[str], bytes | str]] = {
    "amp.docx": lambda said: word(paragraph("R & D") + paragraph(said)),
    "slides.pptx": lambda said: slides("x", said),
    "note.pptx": lambda said: slides("x", note=said),
    "sheet.xlsx": lambda said: sheet(("a", "1"), (said, "2")),
    "open.odt": lambda said: open_document(f"<text:p>{said}</text:p>"),
    "open.ods": lambda said: open_document(f"<text:p>{said}</text:p>"),
    "open.odp": lambda said: open_document(f"<text:p>{said}</text:p>"),
    "book.epub": lambda said: book(f"<p>{said}</p>", missing=True),
    "mail.eml": lambda said: f"Subject: x\n\n{said}\n",
    "note.ipynb": lambda said: json.dumps({"cells": [{"cell_type": "raw", "source": said}]}),
    "data.json": lambda said: json.dumps({"x": [{"y": said}]}),
    "page.pdf": lambda said: pdf([said, ""]),
    "ünïcode näme.md": str,
    "a 'quoted' \"name\".txt": str,
    "UPPER.TXT": str,
}
EMPTY = (*KINDS, *BROKEN)
OTHERS = ("png", "mp4", "exe", "py", "csv", "jsonl", "doc")
IGNORED = ("vendor/a.md", "drafts/b.txt", "c.draft.md")


def texts(said: Said) -> Files:
    """Files of text in many encodings, with odd markup and front matter."""
    for kind in KINDS:
        for encoding in ENCODINGS:
            name = f"encodings/{encoding}.{kind}"
            yield name, f"Größe. {said(name)}\n".encode(encoding)
        for odd, form in MARKUP.items():
            name = f"markup/{odd}.{kind}"
            yield name, form.format(said(name))
    for odd, form in FRONTS.items():
        name = f"front/{odd}.md"
        yield name, form.format(said(name))


def documents(said: Said) -> Files:
    """Files of office programs and others, and files of odd names."""
    for odd, form in BODIES.items():
        for strict in (False, True):
            name = f"word/{'strict-' * strict}{odd}.docx"
            yield name, word(form.format(paragraph(said(name))), strict=strict)
    for part in ("header", "footer", "footnotes", "endnotes", "comments", "diagramData"):
        name = f"word/{part}.docx"
        yield name, word(paragraph("x"), {part: paragraph(said(name))})
    for name, make in OTHER_KINDS.items():
        yield name, make(said(name))


def refused() -> Files:
    """Files that are empty, broken or hold nothing."""
    for kind in EMPTY:
        yield f"empty/a.{kind}", b""
    for kind in BROKEN:
        yield f"broken/a.{kind}", b"\x00\x01PK\x03\x04" + bytes(range(256)) * 4
    for kind in ("docx", "odt", "epub"):
        yield f"hollow/a.{kind}", archive({"x": "y"})


def write_odd_folder(root: Path, said: Said) -> None:
    """Writes all of them, files of other kinds, and what is ignored and hidden."""
    aside = [(f"other/a.{kind}", "x") for kind in OTHERS] + [(name, "x") for name in IGNORED]
    unseen = [(".git/a.md", "x"), ("~$a.docx", "x"), (".gitignore", "vendor/\n*.draft.md\n")]
    for name, content in (*texts(said), *documents(said), *refused(), *aside, *unseen):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content.encode() if isinstance(content, str) else content)
