"""One parser for each kind of file: its bytes in, title and text out."""

import io
import logging
import re
import time
from collections.abc import Callable, Iterator

import pypdf
from pypdf.errors import DependencyError

from indexer.sources.decoding import decode
from indexer.sources.document import Parsed, UnreadableError
from indexer.sources.front_matter import split_front_matter
from indexer.sources.html import declared_charset, parse_html
from indexer.sources.markdown import markdown_to_html
from indexer.sources.rst import rst_to_html
from indexer.sources.word import parse_word

MAX_PAGES = 5_000
MAX_PDF_SECONDS = 120.0
"""Bounds for PDFs whose pages never end or whose drawings look like text without end."""

_HYPHENATED = re.compile(r"(?<=[a-z])-\n(?=[a-z])")


# pypdf logs what it forgives; what it does not forgive is reported by the file's name.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)


def _plain(data: bytes) -> Parsed:
    text, assumed = decode(data)
    return Parsed(text=text.strip(), notes=_noted(assumed))


def _markdown(data: bytes) -> Parsed:
    written, assumed = decode(data)
    front = split_front_matter(written)
    title, text = _page(markdown_to_html(front.text), front.title)
    return Parsed(title, text, front.meta, (*_noted(assumed), *_noted(front.note)))


def _rst(data: bytes) -> Parsed:
    text, assumed = decode(data)
    return Parsed(*_page(rst_to_html(text)), notes=_noted(assumed))


def _html(data: bytes) -> Parsed:
    markup, assumed = decode(data, declared_charset(data))
    return Parsed(*_page(markup), notes=_noted(assumed))


def _page(markup: str, title: str = "") -> tuple[str, str]:
    """A page that is named by its heading, or by `title`, does not say its name again in the text."""
    heading, text = parse_html(markup)
    title = title or heading
    return title, text.removeprefix(title).lstrip() if text.startswith(f"{title}\n") else text


def parse_pdf(data: bytes, *, most_pages: int = MAX_PAGES) -> tuple[str, str]:
    """Title and text of a PDF.

    Raises:
        UnreadableError: it is locked, has too many pages, takes too long, or holds no text.
    """
    try:
        return _pdf_text(pypdf.PdfReader(io.BytesIO(data)), most_pages)
    except DependencyError:  # AES, for which pypdf wants a package of its own
        raise UnreadableError("it is encrypted with AES; save a copy of it without encryption") from None


def _pdf_text(reader: pypdf.PdfReader, most_pages: int) -> tuple[str, str]:
    # Most encrypted PDFs open with the empty password: they only restrict printing.
    if reader.is_encrypted and not reader.decrypt(""):
        raise UnreadableError("it is protected by a password")
    title = reader.metadata.title if reader.metadata else None
    pages = [page.strip() for page in _pdf_pages(reader, most_pages)]
    text = _HYPHENATED.sub("", "\n\n".join(page for page in pages if page).replace("\xad", ""))
    if not text:
        raise UnreadableError(
            f"its {len(pages)} pages hold no text; if they are scanned, run text recognition on them first"
        )
    return str(title or "").strip(), text


def _pdf_pages(reader: pypdf.PdfReader, most_pages: int) -> Iterator[str]:
    deadline = time.monotonic() + MAX_PDF_SECONDS
    for number, page in enumerate(reader.pages, start=1):
        if number > most_pages:
            raise UnreadableError(f"it has more than {most_pages} pages")
        if time.monotonic() > deadline:
            raise UnreadableError(f"reading its first {number} pages took {MAX_PDF_SECONDS:.0f} seconds")
        yield page.extract_text()


def _noted(assumed: str | None) -> tuple[str, ...]:
    return (assumed,) if assumed else ()


def _pdf(data: bytes) -> Parsed:
    return Parsed(*parse_pdf(data))


PARSERS: dict[str, Callable[[bytes], Parsed]] = {
    ".md": _markdown,
    ".txt": _plain,
    ".rst": _rst,
    ".html": _html,
    ".htm": _html,
    ".pdf": _pdf,
    ".docx": parse_word,
}
