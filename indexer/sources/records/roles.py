"""Which fields of a record are a document's id, title, text and link; all others are its metadata."""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from indexer.sources.document import SourceDocument, UnreadableError
from search.errors import SourceError

GUESSES = {
    "id": ("id", "_id", "doc_id"),
    "title": ("title", "name"),
    "text": ("text", "body", "content", "abstract"),
    "url": ("url", "link"),
}
"""Which fields are taken where none are named, in this order, upper or lower case."""

MOST_LETTERS = 60
_NAME = re.compile(r"[^\W\d][\w .()/-]*")

_NAMES = {bool: "yes or no", int: "number", float: "number", list: "list", dict: "object"}


@dataclass(frozen=True)
class Columns:
    """The fields that hold a document's parts; None: guess. Values of a table's columns `as_text` stay as
    they are written, whatever they look like."""

    id: str | None = None
    title: str | None = None
    text: str | None = None
    url: str | None = None
    as_text: tuple[str, ...] = ()


def document_of(record: dict[str, Any], columns: Columns) -> SourceDocument:
    """A record as a document. Without an id of its own it gets one from its content, so that it keeps that
    id wherever in the file it stands when it is indexed again. A field that is only guessed to play a part
    and does not fit it is metadata.

    Raises:
        UnreadableError: there is no text, or a field that was named is not of that kind.
    """
    roles = {role: _field(record, columns, role) for role in GUESSES}
    text = _joined(record.get(roles["text"] or ""))
    if text is None:
        raise UnreadableError(_no_text(record, columns))
    title = _scalar(record, roles["title"]) or ""
    return SourceDocument(
        id=_scalar(record, roles["id"])
        or hashlib.sha256(f"{title}\n{text}".encode("utf-8", "replace")).hexdigest()[:16],
        title=title,
        text=text,
        url=_scalar(record, roles["url"]),
        meta=_rest(record, roles),
    )


def refuse_missing(path: str, header: list[str], columns: Columns) -> None:
    """Raises:
    SourceError: a table lacks a column that is named, or any for the text.
    """
    guessed = candidates(tuple(header))
    for role in GUESSES:
        name = getattr(columns, role)
        if (name is None and role == "text" and not guessed["text"]) or (
            name is not None and name not in header
        ):
            wanted = f"column {name!r}" if name else f"column for the {role}"
            raise SourceError(
                f"{path} has no {wanted}; it has {_told(header)}.",
                hint=f"Name the column that holds the {role}.",
            )


def _told(header: list[str]) -> str:
    """The names of columns. What does not look like one is a value of a file without a header, perhaps a
    secret, and is not repeated."""
    names = [name for name in header if len(name) <= MOST_LETTERS and _NAME.fullmatch(name)]
    others = len(header) - len(names)
    more = [f"{others:,} that {'is no name' if others == 1 else 'are no names'}"] if others else []
    return ", ".join(names + more) or "none"


def listed_text(record: dict[str, Any], columns: Columns) -> str | None:
    """The field of the text, where that is a list of paragraphs."""
    name = _field(record, columns, "text")
    return name if name is not None and isinstance(record.get(name), list) else None


def _joined(value: Any) -> str | None:
    """A text, also one that is given as a list of paragraphs."""
    if isinstance(value, list):
        parts = [each for each in value if each is not None]
        return "\n\n".join(parts) if parts and all(isinstance(each, str) for each in parts) else None
    return value if isinstance(value, str) else None


def _field(record: dict[str, Any], columns: Columns, role: str) -> str | None:
    """The field that is named for a role, else the first of the guessed ones that fits it; an empty one
    comes last, and for the text a list of paragraphs after those."""
    if named := getattr(columns, role):
        return str(named)
    names = candidates(tuple(record))[role]
    kinds = (str,) if role == "text" else (str, int, float)
    fits = [name for name in names if isinstance(record[name], kinds) and not isinstance(record[name], bool)]
    if role == "text":
        fits += [name for name in names if name not in fits and _joined(record[name]) is not None]
    return next((name for name in fits if str(record[name]).strip()), fits[0] if fits else None)


@lru_cache(maxsize=256)
def candidates(names: tuple[str, ...]) -> dict[str, list[str]]:
    """The fields that may play each role, the likeliest first."""
    by_lower = {name.strip().lower(): name for name in reversed(names)}
    return {
        role: [by_lower[each] for each in guesses if each in by_lower] for role, guesses in GUESSES.items()
    }


def _no_text(record: dict[str, Any], columns: Columns) -> str:
    for name in (columns.text,) if columns.text else candidates(tuple(record))["text"]:
        if record.get(name) is not None:
            return f"its {name} is a {_kind(record[name])}, not text"
    wanted = columns.text or " or ".join(GUESSES["text"])
    return f"it has no text: no field {wanted} among {', '.join(record) or 'none'}"


def _scalar(record: dict[str, Any], name: str | None) -> str | None:
    value = record.get(name) if name is not None else None
    if value is None:
        return None
    if isinstance(value, bool | list | dict):
        raise UnreadableError(f"its {name} is a {_kind(value)}, not text")
    return str(value)


def _kind(value: Any) -> str:
    return _NAMES.get(type(value), type(value).__name__)


def _rest(record: dict[str, Any], roles: dict[str, str | None]) -> dict[str, Any]:
    """The fields that are not part of the document; what is already wrapped as metadata is unwrapped."""
    used = set(roles.values())
    rest = {}
    for name, value in record.items():
        if name in ("meta", "metadata") and isinstance(value, dict):
            rest.update(value)
        elif name not in used:
            rest[name] = value
    return rest
