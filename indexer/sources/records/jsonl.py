"""One document per line of JSON; or one JSON text that holds many objects, however it is laid out."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from indexer.sources.document import MAX_BYTES, Failure, Item, Note, SourceDocument, UnreadableError
from indexer.sources.records.lines import BROKEN_GZIP, TextLines
from indexer.sources.records.roles import GUESSES, Columns, document_of, listed_text

JSONL_SUFFIXES = (".jsonl", ".ndjson", ".json")
TRIED = 20

_ARRAY = re.compile(r"\s*\[\s*(\{|$)")
_BETWEEN = re.compile(r"[\s,\[\]]*")
_OBJECT = re.compile(r"^[ \t]*\{", re.MULTILINE)


def read_jsonl(path: Path, columns: Columns, encoding: str | None = None) -> Iterator[Item]:
    """Documents of a JSON file; a line or an object that cannot be read is a failure of its own.

    Raises:
        SourceError: the file is not what its name says.
    """
    return _items(TextLines(path, encoding), columns)


def holds_records(path: Path, columns: Columns) -> bool:
    """Tells whether a document can be made of any of the first objects in a JSON file."""
    return any(isinstance(item, SourceDocument) for item in islice(read_jsonl(path, columns), TRIED))


def _items(lines: TextLines, columns: Columns) -> Iterator[Item]:
    name, number = lines.path.name, 0
    listed = Counter[str]()
    try:
        for number, found in _as_whole(lines) if _is_whole(lines) else _by_line(lines):
            try:
                if isinstance(found, UnreadableError):
                    raise found
                yield document_of(found, columns)
                listed.update(filter(None, [listed_text(found, columns)]))
            except UnreadableError as error:
                yield Failure(f"{name}:{number}", str(error))
    except BROKEN_GZIP as error:
        yield Failure(name, f"its compressed data breaks off after line {number} ({error})")
        number = number or 1
    if not number:
        yield Failure(name, "it holds no object" if next(iter(lines), None) else "it is empty")
    joined = (f"{field} is a list in {count:,}, read as paragraphs" for field, count in listed.items())
    yield from (Note(name, note) for note in (*lines.notes, *joined))


def _is_whole(lines: TextLines) -> bool:
    """Whether a file is one JSON text: an array, or an object that its first line only begins."""
    first = second = ""
    try:
        for line in lines:
            if line and line.strip():
                if first:
                    second = line
                    break
                first = line
    except BROKEN_GZIP:
        return False
    if _ARRAY.match(first):
        return True
    goes_on = second.lstrip().startswith(('"', "}"))
    return first.lstrip().startswith("{") and goes_on and not _ends(first)


def _ends(line: str) -> bool:
    """Whether a line holds a whole object."""
    try:
        _DECODER.raw_decode(line.strip())
    except (ValueError, RecursionError):
        return False
    return True


def _by_line(lines: TextLines) -> Iterator[tuple[int, dict[str, Any] | UnreadableError]]:
    for number, line in enumerate(lines, start=1):
        if line is None:
            yield number, UnreadableError(f"it is longer than {MAX_BYTES >> 20} MiB")
        elif line.strip():
            held = [found for _, found in _objects(line)]
            yield from ((number, found) for found in held or [UnreadableError("it holds no object")])


def _as_whole(lines: TextLines) -> Iterator[tuple[int, dict[str, Any] | UnreadableError]]:
    parts, size = list[str](), 0
    for line in lines:
        size += len(line) if line is not None else MAX_BYTES + 1
        if line is None or size > MAX_BYTES:
            reason = f"it is one JSON text of more than {MAX_BYTES >> 20} MiB; write one object per line"
            yield 1, UnreadableError(reason)
            return
        parts.append(line)
    for number, found in _objects("".join(parts)):
        inner = _wrapped(found)
        yield from ((number, each) for each in inner) if inner else [(number, found)]


def _wrapped(found: dict[str, Any] | UnreadableError) -> list[dict[str, Any]]:
    """The objects of a list that an object without a text of its own is only there to hold."""
    if isinstance(found, UnreadableError) or any(name in found for name in GUESSES["text"]):
        return []
    lists = [value for value in found.values() if isinstance(value, list)]
    records = lists[0] if len(lists) == 1 else []
    return records if all(isinstance(each, dict) for each in records) else []


def _objects(text: str) -> Iterator[tuple[int, dict[str, Any] | UnreadableError]]:
    """The objects of a JSON text, in an array or behind each other, each with the number of its line. After
    one that is broken it goes on with the next line that begins an object as that one did."""
    number, counted, at = 1, 0, 0
    while True:
        between = _BETWEEN.match(text, at)
        begin = between.end() if between else at
        if begin >= len(text):
            return
        number, counted = number + text.count("\n", counted, begin), begin
        try:
            if text[begin] != "{":
                raise UnreadableError(f"it holds {text[begin : begin + 40].splitlines()[0]!r}, not an object")
            found, at = _DECODER.raw_decode(text, begin)
            yield number, found
        except (ValueError, RecursionError, UnreadableError) as error:
            told = (
                error if isinstance(error, UnreadableError) else UnreadableError(f"it is not JSON: {error}")
            )
            yield number, told
            following = _resumed(text, begin)
            if following is None:
                return
            at = following


def _resumed(text: str, begin: int) -> int | None:
    """Where the next object begins, on a line of its own that is indented like the one at `begin`."""
    indent = len(text[text.rfind("\n", 0, begin) + 1 : begin])
    for line in _OBJECT.finditer(text, begin + 1):
        if len(line[0]) - 1 <= indent:
            return line.end() - 1
    return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose fields are there once each; the same again is no matter."""
    found = dict(pairs)
    if len(found) < len(pairs):
        for name, value in pairs:
            if found[name] != value:
                raise UnreadableError(f"its field {name!r} is there twice, with different values")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_once)
