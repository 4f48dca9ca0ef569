"""What people type into a search: words and sentences, "phrases", -exclusions, title:word, field:value.

    "black hole"        documents with this phrase        -fusion  -"neutron star"    without
    title:sun           with this word in the title       -title:moon                 without
    year:1990..2000     a field of the metadata in a range, open at either end: 1990..
    lang:en,de          a field that is one of these      -lang:fr                    that is not

What looks like a field and is none of the collection's is text, so is a quote that nobody closed.
"""

import csv
import re
from collections.abc import Collection
from dataclasses import dataclass

from search.errors import InvalidQuery

TITLE = "title"
MAX_RESTRICTIONS = 50
MAX_VALUES = 100

_PIECE = re.compile(
    r"""(?<!\S)(?P<minus>-?)(?:(?P<field>[^\W\d][\w.-]*):)?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]\S*))(?!\S)"""
)
_NUMBER = re.compile(r"[\d.,]+")


@dataclass(frozen=True)
class Condition:
    """What a field has to be, or must not be: one of some values, or between two ends, where "" is open.

    Or, without a field, what a passage has to be about, or must not be: the feature of that number.
    """

    field: str
    values: tuple[str, ...] = ()
    least: str = ""
    most: str = ""
    negated: bool = False
    feature: int | None = None


@dataclass(frozen=True)
class ParsedQuery:
    """A query taken apart: the text to be embedded and whose words count, and what restricts the results."""

    text: str
    phrases: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()

    @property
    def restricts(self) -> bool:
        return bool(self.phrases or self.without or self.conditions)

    def one_by_one(self) -> "list[ParsedQuery]":
        """Each restriction on its own."""
        return [
            *(ParsedQuery("", phrases=(phrase,)) for phrase in self.phrases),
            *(ParsedQuery("", without=(phrase,)) for phrase in self.without),
            *(ParsedQuery("", conditions=(condition,)) for condition in self.conditions),
        ]


def may_restrict(query: str) -> bool:
    """Whether a query may be more than text; if not, it need not be taken apart."""
    return any(mark in query for mark in '":-')


def parse_query(query: str, fields: Collection[str]) -> ParsedQuery:
    """Takes a query apart; `fields` are those of the collection's metadata.

    Raises:
        InvalidQuery: it only says what to leave out.
    """
    phrases, without, conditions = list[str](), list[str](), list[Condition]()
    kept, end = [], 0
    for piece in _PIECE.finditer(query):
        minus, field, word, phrase = piece["minus"], piece["field"], piece["word"], piece["phrase"]
        value = (word if phrase is None else phrase).strip()
        known = field is not None and (field == TITLE or field in fields)
        shown: str | None = None  # what stays of it in the text
        if known and value and any(map(str.isalnum, value)):
            given = value if phrase is None else f'"{phrase}"'
            conditions.append(condition(field, given, negated=bool(minus)))
            shown = value if field == TITLE and not minus else ""
        elif field is None and phrase is not None and any(map(str.isalnum, phrase)):
            (without if minus else phrases).append(value)
            shown = "" if minus else value
        elif field is None and minus and word and word[0].isalnum() and not _NUMBER.fullmatch(word):
            without.append(value)
            shown = ""
        if shown is not None:
            kept += [query[end : piece.start()], shown]
            end = piece.end()
    text = "".join([*kept, query[end:]]) if kept else query
    typed = ParsedQuery(
        " ".join(text.split()) if kept else query,
        tuple(dict.fromkeys(phrases)),
        tuple(dict.fromkeys(without)),
        tuple(dict.fromkeys(conditions)),
    )
    _check_size(typed)
    if kept and not any(map(str.isalnum, typed.text)):
        raise InvalidQuery(
            f"{query[:80]!r} says what the results must be like, and nothing to look for.",
            hint="Add a word or a sentence.",
        )
    return typed


def _check_size(typed: ParsedQuery) -> None:
    """Refuses more restrictions than anyone types."""
    many = len(typed.phrases) + len(typed.without) + len(typed.conditions)
    values = max((len(each.values) for each in typed.conditions), default=0)
    if many > MAX_RESTRICTIONS or values > MAX_VALUES:
        raise InvalidQuery(
            f"The query holds {many} restrictions, of up to {values} values.",
            hint=f"Use at most {MAX_RESTRICTIONS}, of {MAX_VALUES} values each.",
        )


def condition(field: str, value: str, *, negated: bool = False) -> Condition:
    """What a field has to be, from the text after its colon."""
    if field == TITLE:
        return Condition(field, (value.strip('"').strip(),), negated=negated)
    least, dots, most = value.partition("..")
    if dots and not value.startswith('"'):
        return Condition(field, least=least.strip(), most=most.strip(), negated=negated)
    return Condition(field, _listed(value), negated=negated)


def _listed(value: str) -> tuple[str, ...]:
    """The values between commas; what holds a comma is quoted."""
    (parts,) = csv.reader([" ".join(value.splitlines())], skipinitialspace=True)
    return tuple(part.strip() for part in parts if part.strip())
