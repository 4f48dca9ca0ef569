"""PDF files: the text of their pages."""

import io
import logging
import re
import time
from collections.abc import Iterator

import pypdf
from pypdf.errors import DependencyError

from indexer.sources.document import Parsed, UnreadableError

MAX_PAGES = 5_000
MAX_PDF_SECONDS = 120.0
"""Bounds for PDFs whose pages never end or whose drawings look like text without end."""

_HYPHENATED = re.compile(r"(?<=[a-z])-\n(?=[a-z])")

# pypdf logs what it forgives; what it does not forgive is reported by the file's name.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)


def parse_pdf(data: bytes, *, most_pages: int = MAX_PAGES) -> Parsed:
    """Title and text of a PDF.

    Raises:
        UnreadableError: it is locked, has too many pages, takes too long, or holds no text.
    """
    try:
        return Parsed(*_pdf_text(pypdf.PdfReader(io.BytesIO(data)), most_pages))
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
