"""One document per row of a CSV file: by comma, semicolon, tab or bar, with a header."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from indexer.sources.document import Failure, Item, Note, UnreadableError
from indexer.sources.records.column_types import Style, column_types
from indexer.sources.records.lines import BROKEN_GZIP, TextLines
from indexer.sources.records.roles import Columns, candidates, document_of, refuse_missing
from indexer.sources.records.rows import Row, rows_of
from search.errors import SourceError

CSV_SUFFIXES = (".csv", ".tsv")

_DELIMITERS = ",;\t|"
_SAMPLE = 50
"""So many rows decide the delimiter."""

_TOLD = re.compile(r'"?sep=(.)"?\s*')
"""What spreadsheets write before the header."""


def read_csv(path: Path, columns: Columns, encoding: str | None = None) -> Iterator[Item]:
    """Documents of a CSV file with a header.

    Raises:
        SourceError: the file is not what its name says, the header cannot be read, or it lacks a named column
            or any for text.
    """
    table = _Table.opened(TextLines(path, encoding))
    if table.header:
        refuse_missing(str(path), table.header, columns)
    return _items(table, columns)


@dataclass(frozen=True)
class _Table:
    """A CSV file: its lines, its delimiter, and how many lines and rows come before the documents."""

    lines: TextLines
    delimiter: str
    above: int
    names: list[str]

    @classmethod
    def opened(cls, lines: TextLines) -> "_Table":
        first = next((line for line in _kept(lines) if line), "")
        told = _TOLD.fullmatch(first)
        above = 1 if told else 0
        tables = [cls(lines, each, above, []) for each in ([told[1]] if told else _DELIMITERS)]
        found = [(table, table.sample()) for table in tables]
        headed = [(table, rows[0].fields, rows[1:]) for table, rows in found if rows and not rows[0].reason]
        if not any(rows for _, rows in found):
            return tables[0]
        best = max(headed, key=lambda each: _fitness(*each), default=None)
        problem = next((rows[0].reason for _, rows in found if rows and rows[0].reason), "")
        # One that finds a single column where another fails over the quotes only has not looked into them.
        if best is None or (problem and len(best[1]) < 2):
            raise SourceError(
                f"{lines.path} has a header that cannot be read ({problem}): {first.strip()[:100]!r}.",
                hint='Put quotes around whole names, and double those inside: "the ""best"" text".',
            )
        return cls(lines, best[0].delimiter, above, best[1])

    @cached_property
    def header(self) -> list[str]:
        """The names of the columns, each of them once."""
        given: dict[str, None] = {}
        for number, name in enumerate(self.names, start=1):
            plain, times = name or f"column_{number}", 1
            unique = plain
            while unique in given:
                times += 1
                unique = f"{plain}_{times}"
            given[unique] = None
        return list(given)

    def sample(self) -> list[Row]:
        """The header, and some rows that it fits or not."""
        try:
            header = list(islice(self._rows(None), 1))
            width = len(header[0].fields) if header else 0
            return header + list(islice(self._rows(width), 1, _SAMPLE)) if width else header
        except BROKEN_GZIP:
            return []

    def rows(self) -> Iterator[Row]:
        """The rows below the header; those with too few or too many fields say so."""
        width = len(self.names)
        for row in islice(self._rows(width), 1, None):
            fields = row.fields[:width] if not any(row.fields[width:]) else row.fields
            if not row.reason and len(fields) != width:
                yield Row(row.line, [], f"it has {len(fields)} fields, the header {width}")
            else:
                yield Row(row.line, fields, row.reason, row.literal)

    def _rows(self, width: int | None) -> Iterator[Row]:
        skipped = islice(iter(self.lines), self.above, None)
        for row in rows_of(skipped, self.delimiter, width):
            yield Row(row.line + self.above, row.fields, row.reason, row.literal)


def _kept(lines: TextLines) -> Iterator[str | None]:
    try:
        yield from lines
    except BROKEN_GZIP:
        return


def _fitness(table: _Table, header: list[str], rows: list[Row]) -> tuple[bool, float, int]:
    """How much speaks for a delimiter: several columns, rows of as many fields, many columns."""
    fit = sum(len(row.fields) == len(header) for row in rows) / max(len(rows), 1)
    tabs = table.delimiter == "\t" and table.lines.path.name.lower().removesuffix(".gz").endswith(".tsv")
    return len(header) > 1, fit + tabs, len(header)


def _items(table: _Table, columns: Columns) -> Iterator[Item]:
    name = table.lines.path.name
    if not table.header:
        yield Failure(name, "it is empty")
        return
    types = _types(table, columns)
    literal, last = list[int](), 0
    try:
        for row in table.rows():
            last = row.line
            try:
                if row.reason:
                    raise UnreadableError(row.reason)
                yield document_of(_record(table.header, row.fields, types), columns)
                literal += [row.line] if row.literal else []
            except UnreadableError as error:
                yield Failure(f"{name}:{row.line}", str(error))
    except BROKEN_GZIP as error:
        yield Failure(f"{name}:{max(last, 1) + 1}", f"the file's compressed data breaks off here ({error})")
    if not last:
        yield Failure(name, "it has no rows, only a header")
    yield from (Note(name, text) for text in (*table.lines.notes, *_told(literal, types)))


def _types(table: _Table, columns: Columns) -> dict[str, Style]:
    roles = {name for names in candidates(tuple(table.header)).values() for name in names[:1]}
    roles |= {name for name in (columns.id, columns.title, columns.text, columns.url) if name}

    def fields() -> Iterator[list[str]]:
        try:
            yield from (row.fields for row in table.rows() if not row.reason)
        except BROKEN_GZIP:
            return

    return column_types(table.header, fields(), table.delimiter, {*roles, *columns.as_text})


def _record(header: list[str], fields: list[str], types: dict[str, Style]) -> dict[str, Any]:
    pairs = zip(header, fields, strict=True)
    return {name: types[name].read(text) if name in types else text for name, text in pairs if text}


def _told(literal: list[int], types: dict[str, Style]) -> Iterator[str]:
    """What people have to know of how a file was read."""
    if literal:
        more = f" and {len(literal) - 1:,} more" if len(literal) > 1 else ""
        yield f"line {literal[0]}{more}: quotes that are not closed are taken for letters of the text"
    kinds: dict[str, list[str]] = {}
    for name, style in types.items():
        kinds.setdefault(style.kind, []).append(name)
    if kinds:
        read = "; ".join(f"{', '.join(names)} read as {kind}" for kind, names in kinds.items())
        yield f"{read} (--as-text NAME keeps a column as it is written)"
