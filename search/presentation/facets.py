"""Counts facets: what the answers to a search can be narrowed down to, with exact counts.

Every document answers a semantic search, near or far. So a value says two things: how many documents would be
left if it were chosen, and how many of the first answers have it.

Shape suffixes: N passages, V values.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from search.cache import of_short_texts
from search.errors import InvalidFilter
from search.filtering.allowed import matching
from search.filtering.doc_values import DocValues
from search.filtering.field_values import DATE, LONGEST, NUMBER, FieldValues, same
from search.index.snapshot import Snapshot
from search.presentation.provenance import familiarity
from search.query.filters import format_filter, parse_filter
from search.query.parser import TITLE, Condition, ParsedQuery
from search.responses.search import Facet, Facets, FacetValue, Topic
from search.scoring.ranking import Ranking

FIRST = 100
SHOWN_FIELDS = 12
SHOWN_VALUES = 10
MOST_LISTED = 500
"""Values of a field of which all are asked for."""

SHOWN_TOPICS = 8
MOST_VALUES = 2000
"""A field with more values is free text."""
RANGES = 5
SEVERAL = 12
"""More numbers or dates than these are shown in ranges."""

LEAST_TOP = 3

Mask = NDArray[np.bool_]
IntArray = NDArray[np.int64]
Left = Callable[[ParsedQuery], tuple[int, IntArray]]
"""Counts how many documents a query leaves, and how many of them have each value (V,)."""


def count_facets(
    snapshot: Snapshot,
    doc_values: DocValues,
    typed: ParsedQuery,
    ranking: Ranking,
    left: Left,
    allowed_N: Mask | None,
    *,
    whole: Collection[str] = (),
) -> Facets:
    """Counts the facets of a search that leaves these passages; `left` counts what another query would leave.

    The values of a field are counted as if nothing were asked of that field, so that another one can be
    chosen instead. Of the fields that are to be shown `whole` many are listed, of others a few.
    """
    top_V = doc_values.counts(ranking.documents[:FIRST])
    found: list[Facet] = []

    def place(pair: tuple[str, FieldValues]) -> tuple[bool, int]:
        return pair[0] not in whole, familiarity(pair[0])

    for field, values in sorted(doc_values.fields.items(), key=place):
        if len(found) == SHOWN_FIELDS:
            break
        others = tuple(each for each in typed.conditions if each.field != field)
        documents, left_V = left(replace(typed.restrictions, conditions=others))
        counted = _Counted(field, values, left_V[values.number_A], top_V[values.number_A])
        choices = [each for each in counted.choices() if reads_back(format_filter(each.condition))]
        shown = _shown(choices, typed, MOST_LISTED if field in whole else SHOWN_VALUES)
        if any(value.chosen or value.documents < documents for value in shown):
            found.append(Facet(field, shown, values.kind, len(choices)))
    return Facets(found, _topics(snapshot, typed, ranking.passages[:FIRST], allowed_N))


@dataclass(frozen=True)
class _Choice:
    """Says what can be chosen, how many documents that leaves, and how many of the first answers have it."""

    condition: Condition
    text: str
    documents: int
    top: int


@dataclass(frozen=True, eq=False)
class _Counted:
    """Holds the values of a field, and how many documents and first answers have each of them (A,)."""

    field: str
    values: FieldValues
    left_A: IntArray
    top_A: IntArray

    def choices(self) -> list[_Choice]:
        """Lists what can be chosen: values; years or months of dates, and ranges of numbers, where most of
        many values are these. Nothing of a field that tells every document from all others."""
        there = np.flatnonzero(self.left_A)
        if self.field == TITLE or not len(there):
            return []
        grouped, rest = self._groups(there)
        if not rest or len(rest) > (SEVERAL if self.left_A[rest].max() == 1 else MOST_VALUES):
            return grouped
        texts = self.values.texts
        single = [
            self._choice(Condition(self.field, (texts[at],))) for at in rest if len(texts[at]) <= LONGEST
        ]
        return grouped + [choice for choice in single if choice is not None]

    def _groups(self, there: IntArray) -> tuple[list[_Choice], list[int]]:
        """Years, months or ranges, and the values that are in none. A document with several values could be
        in several groups, so that they would not add up."""
        of_kind = np.array([self.values.kinds_A[at] for at in there])
        for kind, group in ((DATE, self._by_time), (NUMBER, self._in_ranges)):
            chosen = there[of_kind == kind]
            if len(chosen) > SEVERAL and kind == self.values.kind and not self.values.several:
                return group(chosen), there[of_kind != kind].tolist()
        return [], there.tolist()

    def _choice(self, condition: Condition) -> _Choice | None:
        """A condition with what it leaves; None where documents would be counted twice."""
        places = np.flatnonzero(matching(self.values, condition))
        if self.values.several and len(places) > 1:
            return None
        ends = f"{condition.least}..{condition.most}"
        text = condition.values[0] if condition.values else ends
        return _Choice(condition, text, int(self.left_A[places].sum()), int(self.top_A[places].sum()))

    def _by_time(self, there: IntArray) -> list[_Choice]:
        months = np.datetime_as_string(self.values.periods[there, 0].astype("datetime64[us]"), unit="M")
        years = sorted({str(month)[:4] for month in months})
        names = years if len(years) > 1 else sorted(set(map(str, months)))
        found = [self._choice(Condition(self.field, (name,))) for name in names]
        return [choice for choice in found if choice is not None]

    def _in_ranges(self, there: IntArray) -> list[_Choice]:
        """Makes ranges of about as many documents each."""
        order = there[np.argsort(self.values.worths[there], kind="stable")]
        upto = np.cumsum(self.left_A[order])
        cuts = np.searchsorted(upto, upto[-1] * np.arange(1, RANGES) / RANGES, side="left") + 1
        parts = [part for part in np.split(order, np.unique(cuts)) if len(part)]
        texts = self.values.texts
        ends = [Condition(self.field, least=texts[part[0]], most=texts[part[-1]]) for part in parts]
        return [choice for choice in map(self._choice, ends) if choice is not None]


def _shown(choices: list[_Choice], typed: ParsedQuery, most: int) -> list[FacetValue]:
    """Shows what the first answers have most, and what is chosen; ranges in their order."""
    return [
        FacetValue(
            value=each.text,
            filter=format_filter(each.condition),
            documents=each.documents,
            top=each.top,
            chosen=_chosen(each.condition, typed),
        )
        for each in _best(choices, typed, most)
    ]


def _best(choices: list[_Choice], typed: ParsedQuery, most: int) -> list[_Choice]:
    ranges = [each for each in choices if not each.condition.values]
    by_use = sorted(
        (each for each in choices if each.condition.values),
        key=lambda each: (not _chosen(each.condition, typed), -each.top, -each.documents, each.text),
    )
    return ranges + by_use[: most - len(ranges)]


@of_short_texts(1 << 14)  # each value of a field is asked about whenever its facet is counted
def reads_back(text: str) -> bool:
    """Whether a filter can be written at all: a value of blanks cannot, nor can a field without a name."""
    try:
        return format_filter(parse_filter(text)) == text
    except InvalidFilter:
        return False


def _chosen(condition: Condition, typed: ParsedQuery) -> bool:
    values = {same(value) for value in condition.values}
    return any(
        values <= {same(value) for value in each.values}
        and (each.field, each.least, each.most) == (condition.field, condition.least, condition.most)
        for each in typed.conditions
        if not each.negated
    )


def _topics(snapshot: Snapshot, typed: ParsedQuery, first: IntArray, allowed_N: Mask | None) -> list[Topic]:
    """Finds features that the first answers fire more often than passages do, by how much that says."""
    top_F = snapshot.counts_about(first)
    asked = {each.feature for each in typed.conditions if not each.negated}
    best = [f for f in snapshot.distinctive(first, LEAST_TOP) if f not in asked][:SHOWN_TOPICS]
    chosen = sorted(f for f in asked if f is not None and f < len(top_F))
    return [
        Topic(
            feature=feature,
            label=snapshot.labels[feature].shown,
            filter=format_filter(Condition("", feature=feature)),
            documents=_documents_about(snapshot, feature, allowed_N),
            top=int(top_F[feature]),
            chosen=feature in asked,
        )
        for feature in [*chosen, *best]
    ]


def _documents_about(snapshot: Snapshot, feature: int, allowed_N: Mask | None) -> int:
    passages, _ = snapshot.firing(feature)
    if allowed_N is not None:
        passages = passages[allowed_N[passages]]
    return len(np.unique(snapshot.document_N[passages]))
