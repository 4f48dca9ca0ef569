"""What people type into a search: words and sentences, "phrases", -exclusions, title:word, field:value.

    "black hole"        documents with this phrase        -fusion  -"neutron star"    without
    title:sun           with this word in the title       -title:moon                 without
    year:1990..2000     a field of the metadata in a range, open at either end: 1990..
    lang:en,de          a field that is one of these      -lang:fr                    that is not

Quotes, colons and the minus are those of any keyboard, dashes are none. What looks like a field and is none
of the collection's is text; so is a quote that nobody closed, an option of a command (see `options`), and an
exclusion of what the rest asks for.
"""

import csv
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Literal

from search.embedding.words import DENSE, LOOSE, stems
from search.errors import InvalidQuery
from search.query.options import IsWord, is_option
from search.responses.search import Reading

TITLE = "title"
MAX_RESTRICTIONS = 50
MAX_VALUES = 100

COLONS = ":："
MINUSES = "-－"
DASHES = "–—−‐‑"
"""What phones and word processors make of a minus."""

_QUOTES = ['""', '"”', "＂＂", "“”", "““", '“"', "””", "„“", "„”", '„"', "‟”", "«»", "»«", "»»", "‹›", "›‹"]
_QUOTES += ["「」", "『』", "〝〞", "〝〟"]
OPENING = "".join(dict.fromkeys(pair[0] for pair in _QUOTES))
"""What opens a phrase."""

_QUOTED = "|".join(f"{pair[0]}[^{pair[1]}]*{pair[1]}" for pair in _QUOTES)
_UNBROKEN = rf"（、。，！？：；{DENSE}{LOOSE}"  # a phrase stands among them without blanks
_PIECE = re.compile(
    rf"""(?: (?<![^\s{_UNBROKEN}]) | (?<=\s[(\[]) | (?<=\A[(\[]) )
    (?:(?<!\S)(?P<minus>[{MINUSES}{DASHES}]))?
    (?:(?<![^{MINUSES}{DASHES}\s])(?P<field>[^\W\d][\w.-]*)[{COLONS}])?
    (?: (?P<quoted>{_QUOTED}) (?=[\s.,;:!?)\]）{_UNBROKEN}]|\Z)
      | (?<=[{MINUSES}{DASHES}{COLONS}]) (?P<word>[^\s{OPENING}]\S*) )""",
    re.VERBOSE,
)
_AFTER_WORDS = ".,;:!?"
_OPENS_QUOTED = re.compile(r'(?:^|,)\s*"')  # the dots after it are part of a value
_OPERATORS = frozenset(OPENING + COLONS + MINUSES + DASHES)


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
class Undone:
    """The question without one of the phrases, exclusions (`without`) or conditions that it holds."""

    restriction: str | Condition
    without: bool
    query: str


@dataclass(frozen=True)
class ParsedQuery:
    """A query taken apart: the text to be embedded and whose words count, and what restricts the results.

    `readings` are what could be meant in another way, `undone` is the question without each restriction, and
    `no_fields` are the names before a colon that look like a field's and are none's.
    """

    text: str
    phrases: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    readings: tuple[Reading, ...] = ()
    undone: tuple[Undone, ...] = ()
    no_fields: tuple[str, ...] = ()

    @property
    def restricts(self) -> bool:
        return bool(self.phrases or self.without or self.conditions)

    @property
    def restrictions(self) -> "ParsedQuery":
        """What restricts alone: the same for all queries that restrict alike."""
        return ParsedQuery("", self.phrases, self.without, self.conditions)

    def one_by_one(self) -> "list[ParsedQuery]":
        """Each restriction on its own."""
        return [
            *(ParsedQuery("", phrases=(phrase,)) for phrase in self.phrases),
            *(ParsedQuery("", without=(phrase,)) for phrase in self.without),
            *(ParsedQuery("", conditions=(condition,)) for condition in self.conditions),
        ]


@dataclass(frozen=True)
class _Piece:
    """A stretch of a query that restricts, or (`option`) could. `shown` is what stays of it in the text;
    `quoted` is surely meant."""

    start: int
    end: int
    kind: Literal["phrase", "without", "condition", "option"]
    value: str
    shown: str = ""
    quoted: bool = False
    condition: Condition | None = None

    def instead(self, query: str, text: str) -> str:
        """The query with something else in its place."""
        return " ".join(f"{query[: self.start]}{text}{query[self.end :]}".split())


@dataclass(frozen=True)
class _Fields:
    """What a name before a colon may mean."""

    names: Collection[str]

    def named(self, name: str) -> str | None:
        """The field that a name means: capitals do not matter where only one is like it. None: there is
        none."""
        if name == TITLE or name in self.names:
            return name
        alike = self._folded.get(name.casefold(), [])
        return alike[0] if len(alike) == 1 else None

    @cached_property
    def _folded(self) -> dict[str, list[str]]:
        folded: dict[str, list[str]] = {}
        for field in (TITLE, *self.names):
            folded.setdefault(field.casefold(), []).append(field)
        return folded


def may_restrict(query: str) -> bool:
    """Whether a query may be more than text; if not, it need not be taken apart."""
    return not _OPERATORS.isdisjoint(query)


def may_name_field(query: str) -> bool:
    """Whether a query may name a field of the metadata."""
    return any(colon in query for colon in COLONS)


def parse_query(query: str, fields: Collection[str], is_word: IsWord) -> ParsedQuery:
    """Takes a query apart; `fields` are those of the collection's metadata.

    Raises:
        InvalidQuery: it only says what to leave out.
    """
    matches, known = list(_PIECE.finditer(query)), _Fields(fields)
    pieces = [piece for found in matches if (piece := _piece(query, found, known, is_word))]
    pieces = [*_not_asked_for(query, pieces)]
    restricting = [piece for piece in pieces if piece.kind != "option"]
    text = _text(query, restricting) if restricting else query
    typed = ParsedQuery(
        text,
        tuple(dict.fromkeys(piece.value for piece in restricting if piece.kind == "phrase")),
        tuple(dict.fromkeys(piece.value for piece in restricting if piece.kind == "without")),
        tuple(dict.fromkeys(piece.condition for piece in restricting if piece.condition is not None)),
        tuple(islice(_readings(query, pieces), MAX_RESTRICTIONS)),
        tuple(_undone(query, restricting)),
        tuple(islice(dict.fromkeys(_no_fields(matches, known)), MAX_RESTRICTIONS)),
    )
    _check_size(typed)
    if restricting and not _says_something(text):
        raise InvalidQuery(
            f"{query[:80]!r} says what the results must be like, and nothing to look for.",
            hint="Add a word or a sentence.",
        )
    return typed


def _piece(query: str, found: re.Match[str], fields: _Fields, is_word: IsWord) -> _Piece | None:
    """What a piece of a query is, None where it can only be text."""
    minus, field, quoted = found["minus"] or "", found["field"], found["quoted"]
    value = (found["word"] if quoted is None else quoted[1:-1]).strip()
    if not _says_something(value):
        return None
    span, dashed = found.span(), bool(minus) and minus in DASHES
    if field is not None:
        field = fields.named(field)
        if dashed or field is None:
            return None
        given = condition(field, value, negated=bool(minus), quoted=quoted is not None)
        shown = value if field == TITLE and not minus else ""
        return _Piece(*span, "condition", value, shown, quoted=True, condition=given)
    if quoted is not None and not minus:
        return _Piece(*span, "phrase", value, value, quoted=True)
    if not minus or (quoted is None and not value[0].isalpha()):
        return None
    value = value if quoted else value.rstrip(_AFTER_WORDS)
    if dashed or (quoted is None and is_option(value, query[: found.start()].split(), is_word)):
        return _Piece(*span, "option", value)
    return _Piece(*span, "without", value, quoted=quoted is not None)


def _no_fields(matches: list[re.Match[str]], fields: _Fields) -> Iterator[str]:
    """Names that stand like a field's before a value, and are none's (of `std::sort`, `https://…` they are
    not)."""
    for found in matches:
        name, word = found["field"], found["word"]
        if name is not None and (word is None or word[0].isalnum()) and fields.named(name) is None:
            yield name


def _not_asked_for(query: str, pieces: list[_Piece]) -> Iterator[_Piece]:
    """The pieces, where no word is left out that the rest of the query asks for."""
    bare = [piece for piece in pieces if piece.kind == "without" and not piece.quoted]
    asked = set(stems(_text(query, [piece for piece in pieces if piece.kind != "option"]))) if bare else set()
    for piece in pieces:
        unwanted = set(stems(piece.value)) if piece in bare else set()
        yield replace(piece, kind="option") if unwanted and unwanted <= asked else piece


def _text(query: str, restricting: list[_Piece]) -> str:
    """A query without what restricts."""
    kept, end = [], 0
    for piece in restricting:
        kept += [query[end : piece.start], piece.shown]
        end = piece.end
    return " ".join("".join([*kept, query[end:]]).split())


def _readings(query: str, pieces: list[_Piece]) -> Iterator[Reading]:
    """What could be meant in another way: words that are left out, and words that could be."""
    restricting = [piece for piece in pieces if piece.kind != "option"]
    for piece in pieces:
        if piece.kind == "without" and not piece.quoted:
            yield Reading(piece.value, excluded=True, query=piece.instead(query, piece.value))
        elif piece.kind == "option" and piece.value.replace(" ", "").isalnum():
            left = sorted([*restricting, piece], key=lambda each: each.start)
            if _says_something(_text(query, left)):
                yield Reading(piece.value, excluded=False, query=piece.instead(query, f'-"{piece.value}"'))


def _undone(query: str, restricting: list[_Piece]) -> Iterator[Undone]:
    for piece in restricting:
        if not may_restrict(piece.shown):
            restriction = piece.value if piece.condition is None else piece.condition
            yield Undone(restriction, piece.kind == "without", piece.instead(query, piece.shown))


def _says_something(text: str) -> bool:
    return any(map(str.isalnum, text))


def _check_size(typed: ParsedQuery) -> None:
    """Refuses more restrictions than anyone types."""
    many = len(typed.phrases) + len(typed.without) + len(typed.conditions)
    values = max((len(each.values) for each in typed.conditions), default=0)
    if many > MAX_RESTRICTIONS or values > MAX_VALUES:
        raise InvalidQuery(
            f"The query holds {many} restrictions, of up to {values} values.",
            hint=f"Use at most {MAX_RESTRICTIONS}, of {MAX_VALUES} values each.",
        )


def condition(field: str, value: str, *, negated: bool = False, quoted: bool = False) -> Condition:
    """What a field has to be, from the text after its colon; what is `quoted` is one value."""
    if quoted:
        return Condition(field, (value,), negated=negated)
    if field == TITLE:
        return Condition(field, (value.strip('"').strip(),), negated=negated)
    least, dots, most = value.partition("..")
    if dots and not _OPENS_QUOTED.search(least):
        return Condition(field, least=least.strip(), most=most.strip(), negated=negated)
    return Condition(field, _listed(value), negated=negated)


def _listed(value: str) -> tuple[str, ...]:
    """The values between commas; what holds a comma is quoted."""
    (parts,) = csv.reader([" ".join(value.splitlines())], skipinitialspace=True)
    return tuple(part.strip() for part in parts if part.strip())
