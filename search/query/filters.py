"""Reads and writes filters: what the results of a search must be, or must not be, as text and as conditions.

    lang:en,de            a field of the metadata that is one of these        -lang:fr      that is not
    author:"Doe, Jane"    a value with commas or blanks in it
    year:1990..2000       a number or a date between two, open at either end: published:2020-05..
    title:sun             a word or a phrase in the title
    feature:123           passages that feature 123 fires on                  -feature:123  all others

A name that the collection's own metadata does not get through this form is quoted: "feature":x.
"""

import re
from collections.abc import Iterable

from search.errors import InvalidFilter
from search.query.limits import is_text
from search.query.parser import MAX_RESTRICTIONS, MAX_VALUES, TITLE, Condition, condition

MAX_VALUE = 500
MAX_TEXT = 10_000
FEATURE = "feature"
FORM = (
    "Write a filter as FIELD:VALUE, FIELD:VALUE,VALUE, FIELD:LEAST..MOST, title:WORDS or feature:NUMBER, "
    "with - before it for what to leave out."
)

_FILTER = re.compile(
    r'(?P<minus>-?)(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<name>(?!-)[^":]+)):(?P<value>.+)', re.DOTALL
)


def parse_filter(text: str) -> Condition:
    """Reads one filter.

    Raises:
        InvalidFilter: it is not of that form; the message quotes it.
    """
    piece = _FILTER.fullmatch(text.strip()) if len(text) <= MAX_TEXT and is_text(text) else None
    if piece is None or not piece["value"].strip():
        raise InvalidFilter(f"{text[:80]!r} is not a filter.", hint=FORM)
    negated, value = bool(piece["minus"]), piece["value"].strip()
    if piece["quoted"] is not None:
        return checked(condition(piece["quoted"].replace('""', '"'), value, negated=negated))
    name = piece["name"].strip()
    if name == FEATURE:
        if not (value.isascii() and value.isdigit() and len(value) <= 9):
            raise InvalidFilter(f"{value[:40]!r} is not a feature's number.", hint=FORM)
        return Condition("", negated=negated, feature=int(value))
    return checked(condition(name, value, negated=negated))


def parse_filters(texts: Iterable[str]) -> tuple[Condition, ...]:
    """Reads the filters of one search.

    Raises:
        InvalidFilter: one is not of that form, or there are too many.
    """
    return bounded(parse_filter(text) for text in texts if text.strip())


def bounded(given: Iterable[Condition]) -> tuple[Condition, ...]:
    """Gives filters, each once.

    Raises:
        InvalidFilter: there are too many.
    """
    filters = tuple(dict.fromkeys(given))
    if len(filters) > MAX_RESTRICTIONS:
        raise InvalidFilter(f"{len(filters)} filters are too many.", hint=f"Use at most {MAX_RESTRICTIONS}.")
    return filters


def format_filter(given: Condition) -> str:
    """Writes the text form: `parse_filter(format_filter(c)) == c`."""
    minus = "-" if given.negated else ""
    if given.feature is not None:
        return f"{minus}{FEATURE}:{given.feature}"
    plain = given.field not in (FEATURE, "") and not re.search(r'[":]|^\s|\s$|^-', given.field)
    name = given.field if plain else _quoted(given.field)
    if given.field == TITLE:
        return f"{minus}{name}:{given.values[0]}"
    if given.values:
        return f"{minus}{name}:{','.join(map(_value, given.values))}"
    return f"{minus}{name}:{given.least}..{given.most}"


def checked(given: Condition) -> Condition:
    """Gives the condition back, if it is one that can be asked.

    Raises:
        InvalidFilter: it names no value, too many, or one that is too long or not text.
    """
    values = [*given.values, given.least, given.most]
    if given.feature is None and not any(values):
        raise InvalidFilter(f"The filter on {given.field[:40]!r} names no value.", hint=FORM)
    if given.values and (given.least or given.most):
        raise InvalidFilter(f"{given.field[:40]!r} is to be one of some values or in a range.", hint=FORM)
    if given.field == TITLE and len(given.values) != 1:
        raise InvalidFilter("A title has the words of one value.", hint="Write title:WORDS.")
    if len(given.values) > MAX_VALUES:
        raise InvalidFilter(
            f"{len(given.values)} values of {given.field[:40]!r} are too many.",
            hint=f"Use at most {MAX_VALUES}.",
        )
    for value in (given.field, *values):
        if len(value) > MAX_VALUE or not is_text(value):
            raise InvalidFilter(
                f"{value[:40]!r} cannot be filtered by.",
                hint=f"Use at most {MAX_VALUE} characters of text, without NUL.",
            )
    return given


def _value(value: str) -> str:
    return _quoted(value) if re.search(r'[",]|\.\.|^\s|\s$', value) else value


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
