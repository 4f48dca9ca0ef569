"""What a value of the metadata is: text, a number, a date or a yes-or-no, whichever way it was written.

A date is a period: 2020-05 is all of that May. One with a zone is the same instant everywhere, one without
is taken for UTC. Texts are the same in any case and in any form of their letters.

Shape suffixes: A values of one field.
"""

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.embedding.folding import fold

LONGEST = 100
"""A longer text is no value that anyone would choose from a list."""

MOST = 500
"""No filter is longer; what is cannot be asked for."""

TEXT, NUMBER, DATE, BOOLEAN, OBJECT = "text", "number", "date", "boolean", "object"
_TOLD_BY = (DATE, NUMBER, BOOLEAN)

_WRITTEN_NUMBER = re.compile(r"[+-]?\d{1,300}(\.\d{1,300})?([eE][+-]?\d{1,3})?", re.ASCII)
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?([eE][+-]?\d{1,2})?", re.ASCII)
"""A text that is a number: not the leading zeros of a post code, nor the many digits of an account."""

_WRITTEN_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?|\d{4}-\d\d-\d\d[T ].*", re.ASCII)
_BOOLEAN = re.compile("true|false", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_NEVER, _EVER = np.iinfo(np.int64).min, np.iinfo(np.int64).max

IntArray = NDArray[np.int64]
Mask = NDArray[np.bool_]


def same(text: str) -> str:
    """The form that texts share which are the same value: whether they are is asked nowhere else."""
    plain = fold(" ".join(text.split()))
    return plain if len(plain) <= LONGEST else "\0" + hashlib.sha256(plain.encode()).hexdigest()


def written(value: Any) -> str:
    """A value as filters write it."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value)


def kind_of(value: Any) -> str:
    """What a single value is."""
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, (int, float)) or _PLAIN_NUMBER.fullmatch(value):
        return NUMBER
    return DATE if len(value) > 4 and period(value) else TEXT


def number(text: str) -> Decimal | None:
    """The number that a text writes."""
    return Decimal(text) if _WRITTEN_NUMBER.fullmatch(text) else None


def period(text: str) -> tuple[int, int] | None:
    """The first microsecond of a date that may be given in parts, and the one after its last."""
    if not _WRITTEN_DATE.fullmatch(text):
        return None
    try:
        begin = datetime.fromisoformat(f"{text}-01-01"[:10] if len(text) < 10 else text)
        end = _end(begin, text)
        if begin.tzinfo:
            begin, end = (each.astimezone(UTC).replace(tzinfo=None) for each in (begin, end))
    except (ValueError, OverflowError):
        return None
    return (begin - _EPOCH) // _MICROSECOND, (end - _EPOCH) // _MICROSECOND


def _end(begin: datetime, text: str) -> datetime:
    """When a date is over: a year, month or day after it began, or as soon as its clock shows more."""
    if len(text) == 4:
        return begin.replace(year=begin.year + 1) if begin.year < 9999 else datetime.max
    if len(text) == 7:
        return (begin + timedelta(days=31)).replace(day=1) if text != "9999-12" else datetime.max
    if len(text) == 10:
        return begin + timedelta(days=1) if text != "9999-12-31" else datetime.max
    clock = re.split(r"[Z+-]", text[11:])[0].strip()
    if "." in clock or "," in clock:
        return begin + _MICROSECOND
    steps = {2: timedelta(hours=1), 4: timedelta(minutes=1), 5: timedelta(minutes=1)}
    return begin + steps.get(len(clock), timedelta(seconds=1))


@dataclass(frozen=True, eq=False)
class FieldValues:
    """The values of one field: each as it was first written, the form it shares with others, its kind,
    whether it came as a text, its number among all values (A,), and whether any document has several of
    them."""

    texts: list[str]
    forms: list[str]
    kinds_A: list[str]
    typed_A: list[bool]
    number_A: IntArray
    several: bool

    @cached_property
    def kinds(self) -> frozenset[str]:
        return frozenset(self.kinds_A)

    @cached_property
    def kind(self) -> str:
        """The kind of at least half of the values, wherever they stand; text where no kind has so many."""
        counts = Counter(self.kinds_A)
        return next((kind for kind in _TOLD_BY if 2 * counts[kind] >= len(self.kinds_A) > 0), TEXT)

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of each value by its form."""
        return {form: place for place, form in enumerate(self.forms)}

    @cached_property
    def worths(self) -> NDArray[np.float64]:
        """What numbers are worth (A,); NaN of what is none."""
        pairs = zip(self.texts, self.kinds_A, strict=True)
        return np.array([float(text) if kind == NUMBER else np.nan for text, kind in pairs], np.float64)

    @cached_property
    def periods(self) -> IntArray:
        """When dates begin and end (A, 2); years among them too."""
        pairs = zip(self.texts, self.kinds_A, strict=True)
        found = [period(text) if kind in (DATE, NUMBER) else None for text, kind in pairs]
        return np.array([each or (_NEVER, _NEVER) for each in found], np.int64).reshape(-1, 2)

    def like(self, text: str) -> Mask:
        """Which values (A,) a value names: the text itself, else the number that it writes; a folder without
        its slash, too; 2020-05 each date in that May."""
        met_A = np.zeros(len(self.texts), np.bool_)
        places = [self.places[form] for form in (same(text), same(f"{text}/")) if form in self.places]
        worth = number(text)
        if places:
            met_A[places] = True
        elif worth is not None:
            for place in np.flatnonzero(self._compared(worth) == 0).tolist():
                met_A[place] = not self.typed_A[place] or _digits(self.texts[place]) == _digits(text)
        if DATE in self.kinds and (asked := period(text)):
            met_A |= self._during(*asked)
        return met_A

    def between(self, least: str, most: str) -> Mask:
        """Which values (A,) lie between two ends, "" being open: numbers between numbers, dates between
        dates."""
        met_A = np.zeros(len(self.texts), np.bool_)
        ends = [end for end in (least, most) if end]
        if NUMBER in self.kinds and all(number(end) is not None for end in ends):
            met_A |= self._in_numbers(number(least), number(most))
        if DATE in self.kinds and all(period(end) for end in ends):
            first, last = period(least), period(most)
            met_A |= self._during(first[0] if first else _NEVER + 1, last[1] if last else _EVER)
        return met_A

    def _during(self, begin: int, end: int) -> Mask:
        begin_A, end_A = self.periods[:, 0], self.periods[:, 1]
        return np.asarray((begin_A >= begin) & (end_A <= end) & (begin_A != _NEVER))

    def _in_numbers(self, least: Decimal | None, most: Decimal | None) -> Mask:
        met_A = ~np.isnan(self.worths)
        if least is not None:
            met_A &= self._compared(least) >= 0
        if most is not None:
            met_A &= self._compared(most) <= 0
        return met_A

    def _compared(self, worth: Decimal) -> NDArray[np.float64]:
        """-1, 0 or 1 (A,) as values are less, as much or more; NaN of what is no number. Those that floats
        cannot tell apart are compared by all their digits."""
        with np.errstate(invalid="ignore"):  # two infinities
            sign_A = np.sign(self.worths - float(worth))
        alike_A = (sign_A == 0) | (np.isnan(sign_A) & ~np.isnan(self.worths))
        for place in np.flatnonzero(alike_A).tolist():
            exact = Decimal(self.texts[place])
            sign_A[place] = int(exact > worth) - int(exact < worth)
        return sign_A


def _digits(text: str) -> str:
    """A number as it was typed, but for a fraction of zeros: 5.00 is 5, 2.10 may be a version and not 2.1."""
    return re.sub(r"\.0+$", "", text)


def fits(kind: str, text: str) -> bool:
    """Whether a text could be a value of a kind, or a part of a date."""
    if kind == NUMBER:
        return number(text) is not None
    if kind == DATE:
        return period(text) is not None
    return kind != BOOLEAN or _BOOLEAN.fullmatch(text) is not None
