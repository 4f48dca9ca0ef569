"""XML that is not well formed, mended so that a parser loses none of its text."""

import re
from collections import Counter
from collections.abc import Iterator

_MARKUP = re.compile(
    rb"(?P<kept><!--|<!\[CDATA\[)|<[?!][^<>]{0,9999}>"
    rb"""|<(?P<end>/?)(?P<name>[A-Za-z_][\w:.-]{0,99})(?:[^<>"']|"[^"<]*"|'[^'<]*')*?(?P<empty>/?)>"""
)
_CLOSED = {b"<!--": b"-->", b"<![CDATA[": b"]]>"}
_AMPERSAND = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});)")


def mended(data: bytes) -> bytes:
    """The same markup, with signs that are none as text, without ends of what was never begun, and with the
    ends that are missing."""
    parts, at = list[bytes](), 0
    stack, opened = list[bytes](), Counter[bytes]()
    for begin, end, found in _markup(data):
        parts.append(_as_text(data[at:begin]))
        at, name = end, found["name"]
        if name is None:
            parts.append(data[begin:end])
        elif not found["end"]:
            parts.append(_AMPERSAND.sub(b"&amp;", found[0]))
            if not found["empty"]:
                stack.append(name)
                opened[name] += 1
        elif opened[name]:
            parts += _ends(stack, opened, name)
    return b"".join([*parts, _as_text(data[at:]), *_ends(stack, opened, None)])


def _markup(data: bytes) -> Iterator[tuple[int, int, re.Match[bytes]]]:
    """Where tags, comments and the like begin and end; a comment that is never closed is text."""
    at, unclosed = 0, set[bytes]()
    while found := _MARKUP.search(data, at):
        at = found.end()
        if kept := found["kept"]:
            end = -1 if kept in unclosed else data.find(_CLOSED[kept], at)
            if end < 0:
                unclosed.add(kept)
                continue
            at = end + len(_CLOSED[kept])
        yield found.start(), at, found


def _ends(stack: list[bytes], opened: Counter[bytes], name: bytes | None) -> list[bytes]:
    """The ends of all that is open, up to the last one of a name."""
    ends = list[bytes]()
    while stack:
        last = stack.pop()
        opened[last] -= 1
        ends.append(b"</" + last + b">")
        if last == name:
            break
    return ends


def _as_text(data: bytes) -> bytes:
    return _AMPERSAND.sub(b"&amp;", data).replace(b"<", b"&lt;")
