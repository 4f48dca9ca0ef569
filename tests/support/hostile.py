"""Files that are made to harm who reads them: to take all memory, all time or all of the stack, or to bring
in what is none of theirs."""

import io
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.support.office import WORD, archive, open_document, paragraph, word

SAYS = "Whales sing."
SECRET = "the clearance is topsecret"

_CATALOG, _PAGES = b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
_PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>"
_FORM = b"<</Subtype/Form/Resources<</XObject<</X 5 0 R>>>>/Length 11>>stream\n/X Do /X Do\nendstream"


def laughs(word: str = "ha", levels: int = 9) -> str:
    """A document type of entities, each of which is ten of the one before."""
    nested = (f"<!ENTITY a{level} '{f'&a{level - 1};' * 10}'>" for level in range(1, levels + 1))
    return f"<!DOCTYPE a [<!ENTITY a0 '{word}'>{''.join(nested)}]>"


def of_file(path: Path) -> str:
    """A document type whose entity is a file of the machine."""
    return f"<!DOCTYPE a [<!ENTITY a9 SYSTEM '{path.as_uri()}'>]>"


def with_type(document: bytes, member: str, type: str, xml: str) -> bytes:
    """An office file, a part of which is this XML after a document type."""
    with zipfile.ZipFile(io.BytesIO(document)) as file:
        members = {name: file.read(name) for name in file.namelist()}
    return archive({**members, member: f"{type}{xml}"})


def in_word(type: str) -> bytes:
    xml = f'<w:document xmlns:w="{WORD}"><w:body>{paragraph(SAYS + "&a9;")}</w:body></w:document>'
    return with_type(word(""), "word/document.xml", type, xml)


def in_open_document(type: str) -> bytes:
    plain = open_document(f"<text:p>{SAYS}&a9;</text:p>")
    with zipfile.ZipFile(io.BytesIO(plain)) as file:
        xml = file.read("content.xml").decode()
    return with_type(plain, "content.xml", type, xml[xml.index("?>") + 2 :] if xml[:2] == "<?" else xml)


def zeros(mebibytes: int) -> bytes:
    """So many zeros, packed."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(mebibytes)) + packer.flush()


def unpacks(member: str, mebibytes: int) -> bytes:
    """A zip with a member of so many zeros."""
    data = io.BytesIO()
    with (
        zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file,
        file.open(member, "w", force_zip64=True) as part,
    ):
        for _ in range(mebibytes):
            part.write(bytes(1 << 20))
    return data.getvalue()


def raw_pdf(*objects: bytes) -> bytes:
    """A PDF of these objects, by their numbers; the first is its catalog."""
    data, places = io.BytesIO(), list[int]()
    data.write(b"%PDF-1.4\n")
    for number, each in enumerate(objects, start=1):
        places.append(data.tell())
        data.write(b"%d 0 obj%s endobj\n" % (number, each))
    start, rows = data.tell(), b"".join(b"%010d 00000 n \n" % place for place in places)
    data.write(b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, rows))
    data.write(b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start))
    return data.getvalue()


def stream(content: bytes) -> bytes:
    return b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(content), content)


def parts(levels: int) -> str:
    """A mail whose parts have parts."""
    heads = (f'Content-Type: multipart/mixed; boundary="b{level}"\n\n--b{level}\n' for level in range(levels))
    return f"Subject: a\n{''.join(heads)}Content-Type: text/plain\n\n{SAYS}"


def aliases(levels: int) -> str:
    """Front matter of values, each of which is nine of the one before."""
    lines = [f"b{level}: &b{level} [{', '.join([f'*b{level - 1}'] * 9)}]" for level in range(1, levels)]
    return "\n".join(["---", "b0: &b0 [x]", *lines, "---", SAYS])


def files(secret: Path) -> dict[str, Callable[[], str | bytes]]:
    """All of them, by their names; `secret` is a file that none of them may bring in."""
    return {
        "laughs.docx": lambda: in_word(laughs()),
        "laughs.odt": lambda: in_open_document(laughs()),
        "long.docx": lambda: in_word(laughs("ha" * 50_000, 2).replace("a2", "a9")),
        "brought.docx": lambda: in_word(of_file(secret)),
        "brought.odt": lambda: in_open_document(of_file(secret)),
        "brought.html": lambda: f"{of_file(secret)}<p>{SAYS}&a9;</p>",
        "brought.rst": lambda: f"{SAYS}\n\n.. include:: {secret}\n\n.. raw:: html\n   :file: {secret}\n",
        "zeros.docx": lambda: unpacks("word/document.xml", 600),
        "zeros.epub": lambda: unpacks("META-INF/container.xml", 600),
        "zeros.pdf": lambda: raw_pdf(_CATALOG, _PAGES, _PAGE, stream(zeros(600))),
        "lists.json": lambda: f'{"[" * 200_000}"{SAYS}"{"]" * 200_000}',
        "objects.json": lambda: f'{"{"}"a":' * 100_000 + f'"{SAYS}"' + "}" * 100_000,
        "lists.ipynb": lambda: f'{{"cells": {"[" * 200_000}{"]" * 200_000}}}',
        "parts.html": lambda: "<div>" * 200_000 + SAYS,
        "tables.html": lambda: "<table><tr><td>" * 20_000 + SAYS,
        "quotes.md": lambda: f"{'>' * 100_000} {SAYS}",
        "aliases.md": lambda: aliases(8),
        "parts.eml": lambda: parts(1_000),
        "mails.eml": lambda: "Subject: a\nContent-Type: message/rfc822\n\n" * 2_000 + SAYS,
        "comments.eml": lambda: f"To: {'(' * 20_000}\n\n{SAYS}",
        "round.pdf": lambda: raw_pdf(_CATALOG, b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>"),
        "in itself.pdf": lambda: raw_pdf(_CATALOG, _PAGES, _PAGE, stream(zlib.compress(b"/X Do")), _FORM),
        "pages.pdf": lambda: raw_pdf(
            _CATALOG, b"<</Type/Pages/Count 2000000/Kids[%s]>>" % (b"3 0 R " * 90_000)
        ),
        "deep.pdf": lambda: raw_pdf(b"<</Pages 2 0 R/X %s>>" % (b"[" * 90_000 + b"]" * 90_000), _PAGES),
    }


def write_all(folder: Path, made: dict[str, Callable[[], str | bytes]]) -> Sequence[str]:
    """Writes files into a folder; gives their names."""
    for name, make in made.items():
        content = make()
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return list(made)
