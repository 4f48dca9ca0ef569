"""Books: the pages of an EPUB in the order in which they are read."""

import posixpath
import zipfile
import zlib
from typing import Any
from urllib.parse import unquote

from indexer.sources.decoding import decode
from indexer.sources.document import Parsed, UnreadableError
from indexer.sources.markup.html import declared_charset, parse_html
from indexer.sources.office.ooxml import Package

_CONTAINER = "META-INF/container.xml"


def parse_epub(data: bytes) -> Parsed:
    """Title, text and author of a book.

    Raises:
        UnreadableError: it lists no pages; one is not there or cannot be read: noted.
    """
    package = Package(data)
    root = package.tree(_CONTAINER) if _CONTAINER in package else None
    book = (
        next((each.get("full-path", "") for each in root.iter("{*}rootfile")), "") if root is not None else ""
    )
    if book not in package:
        raise UnreadableError("it is no book: it lists no pages")
    tree = package.tree(book)
    files = {each.get("id"): each.get("href", "") for each in tree.iter("{*}item")}
    blocks, notes = [], []
    for entry in tree.iter("{*}itemref"):
        href = unquote(files.get(entry.get("idref"), ""))
        path = posixpath.normpath(posixpath.join(posixpath.dirname(book), href))
        if path not in package:
            notes.append(f"its page {href[:100]} is not there")
            continue
        try:
            page = package.read(path)
            blocks.append(parse_html(decode(page, declared_charset(page))[0])[1])
        except (UnreadableError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            notes.append(f"its page {href[:100]} cannot be read: {str(error)[:100]}")
    if notes and not any(blocks):
        raise UnreadableError(f"none of its pages can be read: {notes[0]}")
    meta: dict[str, Any] = {"author": author} if (author := _first(tree, "creator")) else {}
    return Parsed(_first(tree, "title"), "\n\n".join(block for block in blocks if block), meta, tuple(notes))


def _first(tree: Any, name: str) -> str:
    return " ".join((tree.findtext(f".//{{*}}{name}") or "").split())
