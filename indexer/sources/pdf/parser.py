"""PDF files: the text of their pages, forms and comments. What is broken costs its page alone."""

import io
import logging
import re
import time
from dataclasses import dataclass, field

import pypdf
from pypdf.generic import TextStringObject

from indexer.sources.document import Parsed, UnreadableError
from indexer.sources.pdf.notes import added_texts
from indexer.sources.pdf.ocr import recognized
from indexer.sources.pdf.print import is_title, mended

MAX_PAGES = 5_000
MAX_PDF_SECONDS = 120.0
"""Bounds for PDFs whose pages never end or whose drawings look like text without end."""

SHOWN = 10
"""So many pages are named one by one."""

_TAIL = 1024
_CATALOG = re.compile(rb"(\d+ \d+) obj\s*<<[^<>]*/Type\s*/Catalog")

_LOST = "\ufffd"

_DRAWS_TEXT = re.compile(rb"[)>]\s*\]?\s*T[jJ]\b")

# pypdf logs what it forgives; what it does not forgive is reported by the file's name.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)


@dataclass
class _Pages:
    """The texts of pages in their order, and which could not be read and why, hold nothing but images, or
    nothing at all."""

    texts: list[str] = field(default_factory=list)
    broken: dict[int, str] = field(default_factory=dict)
    scanned: list[int] = field(default_factory=list)
    empty: list[int] = field(default_factory=list)
    expected: int = 0

    @property
    def notes(self) -> list[str]:
        told = [f"page {page} could not be read: {why}" for page, why in list(self.broken.items())[:SHOWN]]
        if len(self.broken) > SHOWN:
            told.append(f"{len(self.broken) - SHOWN:,} more pages could not be read")
        if self.scanned:
            told.append(f"{_numbered(self.scanned)}: scanned; no text")
        if self.empty:
            told.append(f"{_numbered(self.empty)}: no text; scanned or empty")
        if self.expected > len(self.texts):
            told.append(f"it is to have {self.expected:,} pages, and {len(self.texts):,} are there")
        return told


def parse_pdf(data: bytes, *, most_pages: int = MAX_PAGES) -> Parsed:
    """Title and text of a PDF.

    Raises:
        UnreadableError: it is locked, has too many pages, takes too long, or holds no text.
    """
    reader = _opened(data)
    # Most encrypted PDFs open with the empty password: they only restrict printing.
    if reader.is_encrypted and not reader.decrypt(""):
        raise UnreadableError("it is protected by a password")
    pages = _read(reader, most_pages)
    notes = list[str]()
    if pages.scanned:
        try:
            if with_text := recognized(data):
                pages = _read(pypdf.PdfReader(io.BytesIO(with_text)), most_pages)
        except UnreadableError as error:  # what the other pages say is not lost over it
            if not any(pages.texts):
                raise
            notes.append(str(error))
    text = mended("\n\n".join(page for page in pages.texts if page))
    if not text:
        raise UnreadableError(_without_text(pages))
    return Parsed(_title(reader), text, notes=(*notes, *pages.notes))


def _opened(data: bytes) -> pypdf.PdfReader:
    """Reads a file whose end is missing, too, by the objects that are there, as viewers do."""
    try:
        return pypdf.PdfReader(io.BytesIO(data))
    except pypdf.errors.PdfReadError:
        if b"%%EOF" in data[-_TAIL:]:
            raise
        root = _CATALOG.search(data)
        trailer = b"\ntrailer\n<< /Root %s R >>" % root[1] if root else b""
        # The pointer is a wrong one, so that the objects are looked for.
        return pypdf.PdfReader(io.BytesIO(data + trailer + b"\nstartxref\n0\n%%EOF\n"))


def _read(reader: pypdf.PdfReader, most_pages: int) -> _Pages:
    deadline = time.monotonic() + MAX_PDF_SECONDS
    found = _Pages(expected=_expected(reader))
    if len(reader.pages) > most_pages:
        raise UnreadableError(f"it has more than {most_pages} pages")
    for number in range(1, len(reader.pages) + 1):
        if time.monotonic() > deadline:
            raise UnreadableError(f"reading its first {number} pages took {MAX_PDF_SECONDS:.0f} seconds")
        found.texts.append(_page_text(reader, number, found))
    return found


def _expected(reader: pypdf.PdfReader) -> int:
    """How many pages a file says it has; 0 where that cannot be told."""
    try:
        return int(reader.root_object["/Pages"]["/Count"])  # type: ignore[index]
    except Exception:
        return 0


def _page_text(reader: pypdf.PdfReader, number: int, found: _Pages) -> str:
    """The text of a page with what people added to it; "" of one that is broken, scanned or empty."""
    text, page = "", None
    try:
        page = reader.pages[number - 1]
        text = page.extract_text().strip()
        if text.count(_LOST) * 2 > len(text):  # signs of a font that is broken
            text = ""
        if not text and (fault := _fault(page)):
            found.broken[number] = fault
    except Exception as error:  # a broken page makes pypdf raise anything at all
        found.broken[number] = f"{type(error).__name__}: {str(error)[:100]}"
    if page is None:
        return ""
    text = "\n".join(filter(None, (text, *added_texts(page, text))))
    if not text and number not in found.broken:
        (found.scanned if _has_image(page) else found.empty).append(number)
    return text


def _fault(page: pypdf.PageObject) -> str:
    """Why a page that gave no text should have given some; pypdf passes over damaged streams in silence."""
    contents = page.get("/Contents")
    contents = contents.get_object() if contents is not None else []
    for stream in contents if isinstance(contents, list) else [contents]:
        drawn = stream.get_object().get_data()
        if not drawn and stream.get_object()._data.strip():
            return "its data is damaged"
        if _DRAWS_TEXT.search(drawn):
            return "its text cannot be decoded"
    return ""


def _has_image(page: pypdf.PageObject) -> bool:
    try:
        objects = page["/Resources"]["/XObject"].get_object()  # type: ignore[index]
        return any(each.get_object().get("/Subtype") in ("/Image", "/Form") for each in objects.values())
    except Exception:  # it has none, or none that can be read
        return False


def _title(reader: pypdf.PdfReader) -> str:
    """The title that somebody gave; an Info entry of the wrong kind is none."""
    try:
        title = reader.metadata.title if reader.metadata else None
    except Exception:
        return ""
    title = mended(" ".join(title.split())) if isinstance(title, TextStringObject) else ""
    return title if is_title(title) else ""


def _without_text(pages: _Pages) -> str:
    if pages.broken:
        return f"none of its {len(pages.texts)} pages can be read: {next(iter(pages.broken.values()))}"
    if pages.scanned:
        how = "set REFRACT_OCR to a program that recognizes text, or run one on it first"
        return f"its {len(pages.texts)} pages are scanned and hold no text; {how}"
    if not pages.texts:
        return "none of its pages is there"
    return f"its {len(pages.texts)} pages hold no text: scanned or empty"


def _numbered(pages: list[int]) -> str:
    """Page numbers, those behind each other as a range."""
    ranges: list[list[int]] = []
    for page in pages:
        if ranges and page == ranges[-1][1] + 1:
            ranges[-1][1] = page
        else:
            ranges.append([page, page])
    shown = ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in ranges[:SHOWN])
    more = ", …" if len(ranges) > SHOWN else ""
    return f"page{'s' if len(pages) > 1 else ''} {shown}{more}"
