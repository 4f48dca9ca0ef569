"""Two scores beside each other: terms rounded so that they visibly sum, and in a sentence what decides.

Shown numbers are whole thousandths (`int`), so that sums of shown numbers are exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from api.views.numbers import round_to_sum
from search.responses.explanations import Comparison, Margin
from search.responses.search import DocumentRef, Result

SMALL = 0.02
"""A term has a row of its own from this share of all that parts two documents."""

LONGEST_NAME = 36
AROUND = (" — ", " – ", " | ")
"""What parts a title from what explains it."""

ADDED = ("word", "name", "repair")
"""Kinds of terms that speak by themselves, whatever the meaning is."""


@dataclass(frozen=True)
class ShownMargin:
    """Shows one term of a margin in thousandths: what it adds to the `first` score, to the `second`, and the
    difference of the two as shown; and its bar, in percentages from the left edge."""

    term: Margin
    first: int
    second: int
    x: float
    width: float

    @property
    def units(self) -> int:
        return self.first - self.second


@dataclass(frozen=True)
class Margins:
    """Holds the terms that part two documents, largest first, those that are `smaller` as one, and `units`,
    to which all sum."""

    terms: list[ShownMargin]
    smaller: list[ShownMargin]
    units: int

    @classmethod
    def of(cls, terms: Sequence[Margin]) -> "Margins":
        """Rounds terms so that each shown column sums to its shown total, and each difference is that of the
        two numbers beside it; bars to the right speak for the first document."""
        firsts, seconds = (
            round_to_sum(column, sum(column))
            for column in ([term.first for term in terms], [term.second for term in terms])
        )
        most = max((abs(one - other) for one, other in zip(firsts, seconds, strict=True)), default=0) or 1
        rows = zip(terms, firsts, seconds, strict=True)
        shown = [_shown(term, first, second, most) for term, first, second in rows]
        least = SMALL * sum(abs(each.units) for each in shown)
        small = [each for each in shown if abs(each.units) < least]
        if len(small) < 2:
            small = []
        return cls([each for each in shown if each not in small], small, sum(firsts) - sum(seconds))


@dataclass(frozen=True)
class Verdict:
    """Says in a word why the first of two documents is ahead, or the second: by the term that speaks most for
    it. `only`: without that, the other would be ahead. `meaning` names the one that is ahead by meaning where
    words decide otherwise."""

    ahead: str
    behind: str
    term: Margin | None
    only: bool
    meaning: str


def verdict(found: Comparison) -> Verdict:
    """Finds what decides between two documents. What a word, a name or a concept adds to a score can be taken
    away from it and leaves the rest as it is; a feature cannot."""
    first, second = short_names(found.first.document, found.second.document)
    sign = 1 if found.margin >= 0 else -1
    ahead, behind = (first, second) if sign > 0 else (second, first)
    speaking = max(found.terms, key=lambda term: sign * term.margin, default=None)
    if speaking is None or sign * speaking.margin <= 0:
        return Verdict(ahead, behind, None, False, "")
    only = _is_added(speaking) and sign * (found.margin - speaking.margin) < 0
    others = sign * sum(term.margin for term in found.terms if term.kind not in ADDED)
    words = speaking.kind in ADDED
    return Verdict(ahead, behind, speaking, only, behind if words and others < 0 else "")


def faint(result: Result) -> frozenset[int]:
    """Finds the features that readers would not see in a document: its own reasons do not name them."""
    return frozenset(
        term.feature
        for term in result.terms
        if term.kind == "feature" and term.feature is not None and not term.shared
    )


def short_names(first: DocumentRef, second: DocumentRef) -> tuple[str, str]:
    """Names two documents by the shortest of their titles that tells them apart."""
    names = short_name(first), short_name(second)
    return names if names[0] != names[1] else (first.title or first.id, second.title or second.id)


def short_name(document: DocumentRef) -> str:
    """Names a document by its title up to where that begins to explain."""
    title = " ".join((document.title or document.id).split())
    name = min((title.split(sign)[0] for sign in AROUND), key=len)
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME].rstrip()}…"


def _is_added(term: Margin) -> bool:
    return term.kind in ADDED or (term.kind == "steering" and term.feature is None)


def _shown(term: Margin, first: int, second: int, most: int) -> ShownMargin:
    units = first - second
    width = 50 * abs(units) / most
    return ShownMargin(term, first, second, 50.0 if units >= 0 else round(50 - width, 2), round(width, 2))
