"""One parser for each kind of file: its bytes in, title and text out."""

from collections.abc import Callable

from indexer.sources.decoding import decode
from indexer.sources.document import Parsed
from indexer.sources.kinds.epub import parse_epub
from indexer.sources.kinds.json_file import parse_json
from indexer.sources.kinds.mail import parse_mail
from indexer.sources.kinds.notebook import parse_notebook
from indexer.sources.markup.front_matter import split_front_matter
from indexer.sources.markup.html import declared_charset, parse_html
from indexer.sources.markup.markdown import markdown_to_html
from indexer.sources.markup.rst import rst_to_html
from indexer.sources.office.open_document import parse_open_document
from indexer.sources.office.sheets import parse_sheets
from indexer.sources.office.slides import parse_slides
from indexer.sources.office.word import parse_word
from indexer.sources.pdf.parser import parse_pdf


def _plain(data: bytes) -> Parsed:
    text, assumed = decode(data)
    return Parsed(text=text.strip(), notes=_noted(assumed))


def _markdown(data: bytes) -> Parsed:
    written, assumed = decode(data)
    front = split_front_matter(written)
    title, text = _page(markdown_to_html(front.text), front.title)
    return Parsed(title, text, front.meta, _noted(assumed, front.note))


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


def _noted(*notes: str | None) -> tuple[str, ...]:
    return tuple(note for note in notes if note)


PARSERS: dict[str, Callable[[bytes], Parsed]] = {
    ".md": _markdown,
    ".markdown": _markdown,
    ".txt": _plain,
    ".rst": _rst,
    ".html": _html,
    ".htm": _html,
    ".xhtml": _html,
    ".pdf": parse_pdf,
    ".docx": parse_word,
    ".docm": parse_word,
    ".pptx": parse_slides,
    ".xlsx": parse_sheets,
    ".odt": parse_open_document,
    ".ods": parse_open_document,
    ".odp": parse_open_document,
    ".epub": parse_epub,
    ".eml": parse_mail,
    ".ipynb": parse_notebook,
    ".json": parse_json,
}
