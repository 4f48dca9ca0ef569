"""What people added to a page of a PDF: values filled into forms, and comments. Its own text lacks both."""

from collections.abc import Iterator
from typing import Any

import pypdf

_MOST = 20_000
_SILENT = ("/Link", "/Popup", "/Widget")
_HIDDEN = 2
_PASSWORD = 1 << 13
_PUSHED = 1 << 16


def added_texts(page: pypdf.PageObject, text: str) -> Iterator[str]:
    """The lines to add to a page's text: each field with its value, each comment; once, and not what the page
    says already."""
    told, known = set[str](), _plain(text)
    for annotation in _annotations(page):
        try:
            label, value = _said(annotation)
        except Exception:  # one broken annotation costs itself
            continue
        line = f"{label}: {value}" if label else value
        if value and line not in told and not _is_in(value, known):
            told.add(line)
            yield line


def _annotations(page: pypdf.PageObject) -> Iterator[Any]:
    try:
        found = page.get("/Annots")
        items = list(found.get_object() or ())[:_MOST] if found is not None else []
    except Exception:
        return
    for item in items:
        try:
            yield item.get_object()
        except Exception:  # as above
            continue


def _said(annotation: Any) -> tuple[str, str]:
    """Label and value of a form's field; "" and the text of a comment."""
    if int(annotation.get("/F", 0)) & _HIDDEN:
        return "", ""
    kind = annotation.get("/Subtype")
    if kind == "/Widget":
        label = _inherited(annotation, "/TU") or _inherited(annotation, "/T")
        return (str(label).strip() if label else ""), _field_value(annotation)
    contents = annotation.get("/Contents") if kind not in _SILENT else None
    return "", _text(contents)


def _field_value(widget: Any) -> str:
    kind, flags = _inherited(widget, "/FT"), int(_inherited(widget, "/Ff") or 0)
    value = _inherited(widget, "/V")
    if value is None or (kind == "/Tx" and flags & _PASSWORD) or (kind == "/Btn" and flags & _PUSHED):
        return ""
    if kind == "/Btn":
        return "" if value == "/Off" else str(value).lstrip("/")
    if kind == "/Ch":
        shown = _options(widget)
        chosen = value if isinstance(value, list) else [value]
        return ", ".join(shown.get(text, text) for text in map(_text, chosen))
    return _text(value) if kind == "/Tx" else ""


def _options(widget: Any) -> dict[str, str]:
    """What choices are called on the page, by the value that they stand for."""
    pairs = [each.get_object() for each in _inherited(widget, "/Opt") or ()]
    return {_text(each[0]): _text(each[1]) for each in pairs if isinstance(each, list) and len(each) == 2}


def _inherited(node: Any, key: str) -> Any:
    """A field's entry, which its parents may hold."""
    for _ in range(32):
        if (found := node.get(key)) is not None:
            return found.get_object()
        if (parent := node.get("/Parent")) is None:
            return None
        node = parent.get_object()
    return None


def _text(value: Any) -> str:
    """A text, also of a long one that is kept as a stream."""
    value = value.get_object() if value is not None else ""
    if hasattr(value, "get_data"):
        value = value.get_data()
    if isinstance(value, bytes):
        value = value.decode("utf-16" if value[:2] in (b"\xfe\xff", b"\xff\xfe") else "latin-1", "replace")
    return str(value).replace("\r\n", "\n").replace("\r", "\n").strip()


def _plain(text: str) -> str:
    return f" {' '.join(text.split())} "


def _is_in(value: str, known: str) -> bool:
    return _plain(value) in known
