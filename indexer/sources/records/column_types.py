"""What the columns of a table hold: numbers, dates or yes-or-no where all their values are, else text.

Text is the safe guess: post codes, telephones and versions are written in digits and are no numbers.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from search.filtering.field_values import period

Reading = Callable[[str], Any]
"""A value from how it is written."""

_PLAIN = re.compile(r"-?((0|[1-9]\d{0,14})(\.\d{1,15})?|\.\d{1,15})([eE][+-]?\d{1,2})?", re.ASCII)
_THOUSANDS = re.compile(r"-?([1-9]\d{0,2}(,\d{3}){1,4}|[1-9]\d{0,14}|0)(\.\d{1,15})?", re.ASCII)
_CONTINENTAL = re.compile(r"-?([1-9]\d{0,2}(\.\d{3}){1,4}|[1-9]\d{0,14}|0)(,\d{1,15})?", re.ASCII)
_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_DOTS = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_YEAR_FIRST = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})", re.ASCII)
_IDENTIFIERS = re.compile(
    r"(.*[\W_])?(id|key|code|zip|plz|postcode|postal|phone|telephone|tel|fax|mobile|isbn|issn|ean|upc|sku|version)",
    re.IGNORECASE,
)
"""Names of columns whose digits are a name, not a quantity."""


def _number(text: str) -> float | int:
    value = float(text)
    return int(text) if text.lstrip("+-").isdigit() else value


def _thousands(text: str) -> float | int:
    return _number(text.replace(",", ""))


def _continental(text: str) -> float | int:
    return _number(text.replace(".", "").replace(",", "."))


def _is_iso(text: str) -> bool:
    return len(text) > 4 and period(text) is not None


def _dated(form: re.Pattern[str], order: tuple[int, int, int]) -> Reading:
    def read(text: str) -> str | None:
        found = form.fullmatch(text)
        try:
            return date(*(int(found[each]) for each in order)).isoformat() if found else None
        except ValueError:
            return None

    return read


@dataclass(frozen=True)
class Style:
    """One way to write values of a kind, how such a value is read (None: it is none), and whether it is the
    `plain` one that wins over others."""

    kind: str
    read: Reading
    plain: bool = False


def _styles(delimiter: str) -> list[Style]:
    """The ways to write in a table with this delimiter: among semicolons, commas are decimal ones."""
    thousands = Style("numbers", _matching(_THOUSANDS, _thousands))
    continental = Style("numbers", _matching(_CONTINENTAL, _continental))
    return [
        Style("numbers", _matching(_PLAIN, _number), plain=True),
        *([thousands] if delimiter != ";" else []),
        *([continental] if delimiter in ";\t" else []),
        Style("dates", lambda text: text if _is_iso(text) else None),
        Style("dates", _dated(_YEAR_FIRST, (1, 2, 3))),
        Style("dates", _dated(_DOTS, (3, 2, 1))),
        Style("dates", _dated(_SLASHES, (3, 1, 2))),
        Style("dates", _dated(_SLASHES, (3, 2, 1))),
        Style("yes or no", lambda text: {"true": True, "false": False}.get(text.lower())),
    ]


def _matching(form: re.Pattern[str], read: Reading) -> Reading:
    return lambda text: read(text) if form.fullmatch(text) else None


@dataclass
class _Column:
    """What is known of a column so far: the styles that all its values fit, how many digits its values have
    behind a point, and whether any ends in a zero there."""

    styles: list[Style]
    decimals: set[int] = field(default_factory=set)
    ends_in_zero: bool = False

    def see(self, text: str) -> None:
        self.styles = [style for style in self.styles if style.read(text) is not None]
        _, point, behind = text.rpartition(".")
        if point and behind.isdigit():
            self.decimals.add(len(behind))
            self.ends_in_zero |= behind.endswith("0")

    def settled(self, delimiter: str) -> Style | None:
        """The style of all values, where there is but one reading: not of 03/04/2020, of 2.9 and 2.10 (which
        may be versions), nor of 1.234 among semicolons (which may be thousands)."""
        if not self.styles:
            return None
        first, *others = self.styles
        if first.plain:
            versions = self.ends_in_zero and len(self.decimals) > 1
            return None if versions or (delimiter == ";" and self.decimals == {3}) else first
        return None if others else first


def column_types(
    names: Sequence[str], rows: Iterable[Sequence[str]], delimiter: str, as_text: Iterable[str]
) -> dict[str, Style]:
    """How to read the columns that are not text, by name; `rows` are looked at one by one and not kept."""
    styles, kept = _styles(delimiter), set(as_text)
    columns = {
        at: _Column(list(styles))
        for at, name in enumerate(names)
        if name not in kept and not _IDENTIFIERS.fullmatch(name)
    }
    seen = set[int]()
    for row in rows:
        for at in [at for at in columns if row[at]]:
            seen.add(at)
            columns[at].see(row[at])
            if not columns[at].styles:
                del columns[at]
        if not columns:
            return {}
    settled = {names[at]: column.settled(delimiter) for at, column in columns.items() if at in seen}
    return {name: style for name, style in settled.items() if style is not None}
