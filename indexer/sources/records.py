"""One document per line of JSON, or per row of CSV."""

import codecs
import csv
import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, cast

from indexer.sources.document import MAX_BYTES, Failure, SourceDocument, UnreadableError
from search.errors import SourceError

JSONL_SUFFIXES = (".jsonl", ".ndjson")
CSV_SUFFIXES = (".csv", ".tsv")

GUESSES = {
    "id": ("id", "_id", "doc_id"),
    "title": ("title", "name"),
    "text": ("text", "body", "content", "abstract"),
    "url": ("url", "link"),
}
"""Which fields are taken where none are named, in this order, upper or lower case."""

_NOT_UTF8 = re.compile("[\udc80-\udcff]")  # what errors="surrogateescape" makes of a bad byte
_DELIMITERS = ",;\t|"
_BROKEN_GZIP = (EOFError, gzip.BadGzipFile, zlib.error)


@dataclass(frozen=True)
class Columns:
    """The fields that hold a document's parts; None: guess."""

    id: str | None = None
    title: str | None = None
    text: str | None = None
    url: str | None = None


def read_jsonl(path: Path, columns: Columns) -> Iterator[SourceDocument | Failure]:
    """Documents of a `.jsonl` or `.jsonl.gz` file; a line that cannot be read is a failure of its own.

    Raises:
        SourceError: the file is not what its name says.
    """
    _first_line(path)
    return _jsonl(path, columns)


def read_csv(path: Path, columns: Columns) -> Iterator[SourceDocument | Failure]:
    """Documents of a CSV file with a header; separated by comma, semicolon, tab or bar.

    Raises:
        SourceError: the file is not what its name says, the header cannot be read, or it lacks a named column
            or any for text.
    """
    csv.field_size_limit(MAX_BYTES)
    header, delimiter = _header(path, _first_line(path))
    if header:
        _refuse_missing(path, header, columns)
    return _csv(path, columns, header, delimiter)


def _jsonl(path: Path, columns: Columns) -> Iterator[SourceDocument | Failure]:
    number = 0
    try:
        with _open(path) as file:
            for number, line in enumerate(_lines(file), start=1):
                name = f"{path.name}:{number}"
                try:
                    if line.strip():
                        yield _document(_record(line), columns)
                except UnreadableError as error:
                    yield Failure(name, str(error))
    except _BROKEN_GZIP as error:
        yield Failure(path.name, f"its compressed data breaks off after line {number} ({error})")
    if not number:
        yield Failure(path.name, "it is empty")


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Lines of at most `MAX_BYTES`; longer ones come back cut, and one byte too long."""
    while line := file.readline(MAX_BYTES + 1):
        rest = line
        while rest and not rest.endswith(b"\n") and len(line) > MAX_BYTES:
            rest = file.readline(MAX_BYTES)
        yield line


def _record(line: bytes) -> dict[str, Any]:
    if len(line) > MAX_BYTES:
        raise UnreadableError(f"it is longer than {MAX_BYTES >> 20} MiB")
    try:
        record = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UnreadableError(
            f"it is not UTF-8: byte 0x{line[error.start]:02x} at offset {error.start}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"it is not JSON: {error}") from None
    if not isinstance(record, dict):
        raise UnreadableError(f"it holds a {type(record).__name__}, not an object with named fields")
    return record


def _header(path: Path, first_line: str) -> tuple[list[str], str]:
    """The names of the columns, and the delimiter that finds the most of them."""
    found: dict[str, list[str]] = {}
    problem: Exception | None = None
    for delimiter in _DELIMITERS:
        try:
            with _open(path) as file:
                names = next(csv.reader(_text(file), delimiter=delimiter, strict=True), [])
            found[delimiter] = [_NOT_UTF8.sub("\ufffd", name) for name in names]
        except (csv.Error, *_BROKEN_GZIP) as error:
            problem = problem or error
    delimiter = max(found, key=lambda each: len(found[each]), default="")
    # One that finds a single column where another fails over the quotes only has not looked into them.
    if problem and len(found.get(delimiter, [])) < 2:
        raise SourceError(
            f"{path} has a header that cannot be read ({problem}): {first_line.strip()[:100]!r}.",
            hint='Put quotes around whole names, and double those inside: "the ""best"" text".',
        )
    return found[delimiter], delimiter


def _text(file: IO[bytes]) -> Iterator[str]:
    """The lines of an opened CSV file; bytes that are not UTF-8 come as `_NOT_UTF8`."""
    if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
        file.seek(0)
    return (line.decode("utf-8", errors="surrogateescape") for line in _lines(file))


def _csv(
    path: Path, columns: Columns, header: list[str], delimiter: str
) -> Iterator[SourceDocument | Failure]:
    if not header:
        yield Failure(path.name, "it is empty")
        return
    with _open(path) as file:
        rows = csv.reader(_text(file), delimiter=delimiter, strict=True)
        next(rows)
        while True:
            name = f"{path.name}:{rows.line_num + 1}"
            try:
                if row := next(rows):
                    yield _document(_row(row, header), columns)
            except StopIteration:
                return
            except (UnreadableError, csv.Error) as error:
                yield Failure(name, str(error))
            except _BROKEN_GZIP as error:
                yield Failure(name, f"the file's compressed data breaks off here ({error})")
                return


def _row(row: list[str], header: list[str]) -> dict[str, Any]:
    if len(row) != len(header):
        raise UnreadableError(f"it has {len(row)} fields, the header {len(header)}")
    if bad := _NOT_UTF8.search("".join(row)):
        raise UnreadableError(f"it is not UTF-8: byte 0x{ord(bad[0]) - 0xDC00:02x}")
    return {name: value for name, value in zip(header, row, strict=True) if value}


def _document(record: dict[str, Any], columns: Columns) -> SourceDocument:
    """A record as a document. Without an id of its own it gets one from its content, so that it keeps that
    id wherever in the file it stands when it is indexed again."""
    roles = _roles(columns, tuple(record))
    text = record.get(roles["text"] or "")
    if not isinstance(text, str):
        wanted = columns.text or " or ".join(GUESSES["text"])
        raise UnreadableError(f"it has no text: no field {wanted} among {', '.join(record) or 'none'}")
    title = _scalar(record, roles["title"]) or ""
    return SourceDocument(
        id=_scalar(record, roles["id"])
        or hashlib.sha256(f"{title}\n{text}".encode("utf-8", "replace")).hexdigest()[:16],
        title=title,
        text=text,
        url=_scalar(record, roles["url"]),
        meta=_rest(record, roles),
    )


def _scalar(record: dict[str, Any], name: str | None) -> str | None:
    value = record.get(name) if name is not None else None
    if value is None:
        return None
    if isinstance(value, bool | list | dict):
        raise UnreadableError(f"its {name} is a {type(value).__name__}, not text")
    return str(value)


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


@lru_cache(maxsize=256)
def _roles(columns: Columns, names: tuple[str, ...]) -> dict[str, str | None]:
    """Which field plays which part."""
    by_lower = {name.strip().lower(): name for name in reversed(names)}
    return {
        role: getattr(columns, role) or next((by_lower[g] for g in guesses if g in by_lower), None)
        for role, guesses in GUESSES.items()
    }


def _refuse_missing(path: Path, header: list[str], columns: Columns) -> None:
    for role, name in _roles(columns, tuple(header)).items():
        if (name is None and role == "text") or (name is not None and name not in header):
            wanted = f"column {name!r}" if name else f"column for the {role}"
            raise SourceError(
                f"{path} has no {wanted}; it has {', '.join(header)}.",
                hint=f"Name the column that holds the {role}.",
            )


def _first_line(path: Path) -> str:
    try:
        with _open(path) as file:
            line = file.readline(MAX_BYTES)
    except _BROKEN_GZIP as error:
        raise SourceError(
            f"{path} is not gzip: {error}.", hint="Give the file again, or without .gz."
        ) from None
    if line.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError(f"{path} is UTF-16.", hint="Save it as UTF-8.")
    return line.decode("utf-8-sig", errors="replace")


def _open(path: Path) -> IO[bytes]:
    compressed = path.name.lower().endswith(".gz")
    return cast(IO[bytes], gzip.open(path)) if compressed else path.open("rb")
