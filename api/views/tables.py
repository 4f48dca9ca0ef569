"""Tables that people open in their own programs: CSV of which no cell is a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

MARK = "\ufeff"
"""By this spreadsheets know that a file is UTF-8."""

FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r")
"""What begins so (full-width, too) may be run as a formula by the program that opens the table."""


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Writes a table with its header."""
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(columns)
    writer.writerows(rows)
    return MARK + table.getvalue()


def as_text(value: str) -> str:
    """Gives a cell that no program takes for a formula."""
    return f"'{value}" if value.lstrip(" ").startswith(FORMULA) else value
