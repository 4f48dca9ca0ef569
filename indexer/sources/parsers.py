"""One parser for each kind of file: its bytes in, title and text out."""

import io
import re
import zipfile
from collections.abc import Callable

import docx
from docx.table import Table
from markdown_it import MarkdownIt

from indexer.sources.decoding import decode
from indexer.sources.document import MAX_BYTES, Parsed, UnreadableError
from indexer.sources.html import declared_charset, parse_html
from indexer.sources.pdf import parse_pdf
from indexer.sources.rst import rst_to_html

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*\n", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*[\"']?(.+?)[\"']?[ \t]*$", re.MULTILINE)


def _plain(data: bytes) -> Parsed:
    text, assumed = decode(data)
    return Parsed(text=text.strip(), notes=_noted(assumed))


def _markdown(data: bytes) -> Parsed:
    text, assumed = decode(data)
    title = ""
    if front := _FRONT_MATTER.match(text):
        text = text[front.end() :]
        named = _FRONT_TITLE.search(front[1])
        title = named[1] if named else ""
    page = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)
    return Parsed(*_page(page, title), notes=_noted(assumed))


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


def _word(data: bytes) -> Parsed:
    if sum(member.file_size for member in zipfile.ZipFile(io.BytesIO(data)).infolist()) > 4 * MAX_BYTES:
        raise UnreadableError(f"it unpacks to more than {4 * MAX_BYTES >> 20} MiB")
    document = docx.Document(io.BytesIO(data))
    blocks, title = [], ""
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            blocks.append("\n".join(" | ".join(cell.text for cell in row.cells) for row in block.rows))
            continue
        style = (block.style.name if block.style else None) or ""
        if not title and style.startswith(("Title", "Heading")):
            title = block.text.strip()
        else:
            blocks.append(f"- {block.text}" if block.text and style.startswith("List") else block.text)
    text = "\n\n".join(block for block in blocks if block.strip())
    return Parsed(title or document.core_properties.title, text)


def _noted(assumed: str | None) -> tuple[str, ...]:
    return (assumed,) if assumed else ()


PARSERS: dict[str, Callable[[bytes], Parsed]] = {
    ".md": _markdown,
    ".txt": _plain,
    ".rst": _rst,
    ".html": _html,
    ".htm": _html,
    ".pdf": parse_pdf,
    ".docx": _word,
}
