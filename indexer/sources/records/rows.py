"""The rows of a CSV file, each for itself: what one row has wrong costs no other.

A quote that is never closed would take all rows after it for one field. So a field of several lines is
believed where its quote is closed properly and the lines that it swallows are not rows themselves; else the
first line is read without its quotes.
"""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from indexer.sources.document import MAX_BYTES, MAX_TEXT

MOST_LINES = 10_000
"""No field has more lines."""

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_NUMBER = re.compile(r"\s*\d+\s*")

csv.field_size_limit(MAX_BYTES)


@dataclass(frozen=True)
class Row:
    """The fields of a row that begins at a line, or why there are none; `literal` where its quotes were taken
    for letters."""

    line: int
    fields: list[str]
    reason: str = ""
    literal: bool = False


def rows_of(lines: Iterable[str | None], delimiter: str, width: int | None) -> Iterator[Row]:
    """The rows but for empty ones. `width` is how many fields rows are to have; None: not known."""
    numbered = enumerate(lines, start=1)
    waiting = deque[tuple[int, str | None]]()
    while True:
        number, line = waiting.popleft() if waiting else next(numbered, (0, ""))
        if not number:
            return
        if line is None:
            yield Row(number, [], f"it is longer than {MAX_BYTES >> 20} MiB")
            continue
        fields, problem = _parsed(line, delimiter)
        if fields is None and (found := _one_by_one(line, delimiter, width)):
            fields = found
        if fields is None and not problem:
            span, fields = _span((number, line), waiting, numbered, delimiter)
            if fields is None or _are_rows(span, delimiter, width):
                waiting.extendleft(reversed(span[1:]))
                fields, problem = None, "a quote in it is never closed"
        if fields is None:
            yield _literal(number, line, delimiter, width, problem)
        elif any(fields):
            yield Row(number, fields)


def _parsed(text: str, delimiter: str, **options: Any) -> tuple[list[str] | None, str]:
    """The fields of a row, or what is wrong with it: nothing where a field goes on in the next line."""
    if '"' not in text and "\r" not in text.rstrip(
        "\r\n"
    ):  # most rows: there is nothing to read but the delimiters
        return [_tidy(field) for field in text.split(delimiter)], ""
    try:
        parts = _LINE.findall(text)  # as a file gives them: the reader takes line breaks from there alone
        found = list(csv.reader(parts, delimiter=delimiter, strict=True, skipinitialspace=True, **options))
    except csv.Error as error:
        return None, "" if "unexpected end of data" in str(error) else str(error)
    return [_tidy(field) for field in found[0]] if found else [], ""


def _tidy(field: str) -> str:
    return (field.replace("\r\n", "\n").replace("\r", "\n") if "\r" in field else field).strip()


def _one_by_one(line: str, delimiter: str, width: int | None) -> list[str] | None:
    """The fields of a line whose quotes other programs wrote: with blanks after them, or escaped by \\\\."""
    trimmed = re.sub(rf'"[ \\t]+(?=$|{re.escape(delimiter)})', '"', line.rstrip("\r\n"))
    attempts: list[tuple[str, dict[str, Any]]] = [(trimmed, {})] if trimmed != line.rstrip("\r\n") else []
    if '\\"' in line:
        attempts.append((line, {"escapechar": "\\", "doublequote": False}))
    for text, options in attempts:
        fields, _ = _parsed(text, delimiter, **options)
        if fields is not None and width in (None, len(fields)):
            return fields
    return None


def _span(
    first: tuple[int, str],
    waiting: deque[tuple[int, str | None]],
    numbered: Iterator[tuple[int, str | None]],
    delimiter: str,
) -> tuple[list[tuple[int, str | None]], list[str] | None]:
    """The lines from one that opens a quote to the one that closes it, and the fields of that row; None where
    none closes it."""
    span: list[tuple[int, str | None]] = [first]
    parts, size = [first[1]], len(first[1])
    while len(span) < MOST_LINES and size < MAX_TEXT:
        following = waiting.popleft() if waiting else next(numbered, None)
        if following is None:
            return span, None
        span.append(following)
        if following[1] is None:
            return span, None
        parts.append(following[1])
        size += len(following[1])
        if '"' in following[1]:
            fields, problem = _parsed("".join(parts), delimiter)
            if fields is not None or problem:
                return span, fields
    return span, None


def _are_rows(span: list[tuple[int, str | None]], delimiter: str, width: int | None) -> bool:
    """Whether each line that a quoted field spans would be a row by itself. Prose has commas too, but no
    tabs, and does not begin each line with a number as the first one begins."""
    if width is None or width < 2:
        return False
    split = [line.rstrip("\r\n").split(delimiter) if line else [] for _, line in span]
    if any(len(fields) != width for fields in split):
        return False
    return delimiter == "\t" or all(_NUMBER.fullmatch(fields[0]) for fields in split)


def _literal(number: int, line: str, delimiter: str, width: int | None, problem: str) -> Row:
    """A row whose quotes are letters, if that gives it the fields it is to have."""
    text = line.rstrip("\r\n").replace("\r", " ")
    fields = next(csv.reader([text], delimiter=delimiter, quoting=csv.QUOTE_NONE, skipinitialspace=True), [])
    if len(fields) == width:
        return Row(number, [field.strip() for field in fields], literal=True)
    return Row(number, [], problem)
