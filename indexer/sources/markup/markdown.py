"""Markdown into a page of HTML, without the files that are written into it as `data:` addresses."""

import re

from markdown_it import MarkdownIt

_EMBEDDED = re.compile(r"(\]\(\s*<?|^[^\S\n]*\[[^\]\n]{1,500}\]:\s*<?)data:", re.IGNORECASE | re.MULTILINE)
_PARENTHESES = re.compile(r"[()]|\n[ \t]*\n")


def markdown_to_html(text: str) -> str:
    """A page; CommonMark with tables, strikethrough and HTML."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    # Addresses are dropped with all that is not text; a refused one would stay in the text as it is written.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # noqa: ARG005
    return str(parser.render(_without_files(text)))


def _without_files(text: str) -> str:
    """The text without the addresses of embedded files. CommonMark takes those with blanks (drawings as they
    are) for text, so they end with their parenthesis here, or with the line in a list of addresses."""
    parts, done = [], 0
    while found := _EMBEDDED.search(text, done):
        parts.append(text[done : found.start()] + found[1])
        end = _closing(text, found.end()) if found[1].startswith("]") else text.find("\n", found.end())
        done = len(text) if end < 0 else end
        parts.append(">" if found[1].endswith("<") else "#")
    return "".join([*parts, text[done:]])


def _closing(text: str, start: int) -> int:
    """Where the parenthesis closes that was open before `start`, or the paragraph ends."""
    depth = 1
    for sign in _PARENTHESES.finditer(text, start):
        depth += {"(": 1, ")": -1}.get(sign[0], -depth)
        if not depth:
            return sign.start()
    return len(text)
