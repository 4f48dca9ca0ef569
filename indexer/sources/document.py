"""What a source yields, and the one gate it passes: what the database cannot store never gets further."""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from search.embedding.folding import composed
from search.query.limits import MAX_ID, MAX_NESTING

MAX_TITLE = 300
MAX_BYTES = 64 * 1024 * 1024
"""Largest file, or line of a file, that is read: a book has one megabyte of text, and what is larger than
this is data with a document's name. It bounds the memory of a run."""

MAX_TEXT = 10_000_000
"""Longest text of a document: ten long books. It is searched once all of it is embedded."""

MAX_FIELDS = 2_000
"""Fields of one document's metadata, by their paths: each is a column of its collection."""

MAX_VALUES = 100_000
"""Values in the metadata of one document."""

_NOT_TEXT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True)
class SourceDocument:
    """A document as the user gave it. `id` is unique within its source and stable from run to run; `stamp`
    changes whenever the file changes whose only document it is."""

    id: str
    title: str
    text: str
    url: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    stamp: str | None = None


@dataclass(frozen=True)
class Unchanged:
    """A file that is as it was when its document was read, and is not read again."""

    id: str


@dataclass(frozen=True)
class Failure:
    """Something that could not be read: which file or line, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Note:
    """Something that was read with a reservation: which file or line, and what was assumed, mended or passed
    over. The run's report counts and shows notes; unlike a failure, a note says that nothing is lost.
    `of_all`: it is of all that was read, so a report shows it before those of single files, which may be
    many."""

    name: str
    text: str
    of_all: bool = field(default=False, compare=False)


Item = SourceDocument | Unchanged | Failure | Note
"""What a source yields. Notes about a document may come before or after it."""


@dataclass(frozen=True)
class Parsed:
    """What a parser makes of the bytes of a file: title (empty where there is none), text, what the file says
    about itself, and what has to be noted of how it was read. Of a file that holds many documents, each has a
    `name` of its own in it, and a `kind` where that is not the file's."""

    title: str = ""
    text: str = ""
    meta: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    name: str = ""
    kind: str = ""


Part = Parsed | Failure | Note
"""What is found in a file, one after the other; failures and notes are named by their place in it."""


class UnreadableError(Exception):
    """Raised while one document is read; its message becomes the reason of a `Failure`."""


def checked(items: Iterable[Item]) -> Iterator[Item]:
    """The items, storable: characters that are not text become U+FFFD, ids are composed (NFC), titles are one
    line of `MAX_TITLE` characters at most, links are http(s) or None. A document without id or text, with an
    id longer than `MAX_ID`, a text longer than `MAX_TEXT` or metadata beyond `MAX_FIELDS`, `MAX_VALUES` or
    `MAX_NESTING` becomes a failure."""
    for item in items:
        if isinstance(item, Failure):
            yield Failure(composed(storable(item.name)), storable(item.reason))
        elif isinstance(item, Unchanged):
            yield Unchanged(composed(item.id))
        elif isinstance(item, Note):
            yield replace(item, name=storable(item.name), text=storable(item.text))
        else:
            yield _storable(item)


def _storable(document: SourceDocument) -> SourceDocument | Failure:
    if len(document.id) > MAX_ID:
        reason = f"its id has {len(document.id)} characters, {MAX_ID} is the most"
        return Failure(storable(document.id[:80]) + "…", reason)
    if not document.id:
        return Failure(storable(document.title[:80]) or "a document", "its id is empty")
    if "\0" in document.id:
        return Failure(storable(document.id), "its id holds a NUL character")
    if len(document.text) > MAX_TEXT:
        reason = f"its text has {len(document.text):,} characters, {MAX_TEXT:,} is the most: split it"
        return Failure(storable(document.id), reason)
    if not document.text.strip():
        return Failure(storable(document.id), "it has no text")
    if too_much := _beyond_bounds(document.meta):
        return Failure(storable(document.id), too_much)
    title = " ".join(storable(document.title).split())
    return replace(
        document,
        id=composed(storable(document.id)),
        title=title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1].rstrip() + "…",
        text=storable(document.text),
        url=storable(document.url) if document.url and is_link(document.url) else None,
        meta={storable(key): _clean_value(value) for key, value in document.meta.items()},
    )


def _beyond_bounds(meta: dict[str, Any]) -> str:
    """Says what of some metadata is more than is kept; nothing where all is well."""
    fields, values = set[str](), 0
    waiting: list[tuple[str, Any, int]] = [("", meta, 0)]
    while waiting:
        path, value, depth = waiting.pop()
        if depth > MAX_NESTING:
            return "its metadata is nested too deeply"
        if isinstance(value, dict):
            inner = [(f"{path}.{name}", each, depth + 1) for name, each in value.items()]
            fields.update(name for name, _, _ in inner)
            waiting += inner
        elif isinstance(value, list):
            waiting += ((path, each, depth + 1) for each in value)
        values += 1  # an empty list is one too
        if len(fields) > MAX_FIELDS:
            return f"its metadata has more than {MAX_FIELDS:,} fields: put what varies into values"
        if values + len(waiting) > MAX_VALUES:
            return f"its metadata has more than {MAX_VALUES:,} values"
    return ""


def is_link(url: str) -> bool:
    """Other schemes, `javascript:` above all, must never reach a page."""
    return url.lower().startswith(("http://", "https://")) and len(url) <= 2048


def storable(text: str) -> str:
    """The text as the database can have it: what is no text becomes U+FFFD."""
    return _NOT_TEXT.sub("\ufffd", text)


def _clean_number(value: float) -> float | int | None:
    """A number that comes back from the database as it went in."""
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and not 0 < abs(value) < 1e15 else value


def _clean_value(value: Any) -> Any:
    """JSON that PostgreSQL takes: its strings clean, NaN and infinities as null."""
    match value:
        case str():
            return storable(value)
        case float():
            return _clean_number(value)
        case dict():
            return {storable(str(key)): _clean_value(inner) for key, inner in value.items()}
        case list():
            return [_clean_value(inner) for inner in value]
    return value
