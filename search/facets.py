"""Facets: what the answers to a search can be narrowed down to, with exact counts.

Every document answers a semantic search, near or far. So a value says two things: how many documents would be
left if it were chosen, and how many of the first answers have it.

Shape suffixes: N passages, V values.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from search.filters import format_filter
from search.metadata import Metadata
from search.ranking import Ranking
from search.restrictions import Fields
from search.results import Facet, Facets, FacetValue, Topic
from search.snapshot import Snapshot
from search.syntax import Condition, Typed

FIRST = 100
SHOWN_FIELDS = 12
SHOWN_VALUES = 10
SHOWN_TOPICS = 8
MOST_VALUES = 2000
"""A field with more is free text."""
RANGES = 5
SEVERAL = 12
"""More numbers or dates than these are shown in ranges."""

LEAST_TOP = 3

Mask = NDArray[np.bool_]
IntArray = NDArray[np.int64]
Allowed = Callable[[Typed], Mask | None]


def count_facets(
    snapshot: Snapshot, metadata: Metadata, fields: Fields, typed: Typed, ranking: Ranking, allowed: Allowed
) -> Facets:
    """The facets of a search; `allowed` says which passages (N,) a query leaves.

    The values of a field are counted as if nothing were asked of that field, so that another one can be
    chosen instead.
    """
    top_V = metadata.counts(snapshot.document_N[ranking.passages[:FIRST]])
    found = []
    for field, texts in metadata.fields.items():
        others = tuple(each for each in typed.conditions if each.field != field)
        left, left_V = _counts(snapshot, metadata, replace(typed, text="", conditions=others), allowed)
        counted = [
            _Counted(text, int(left_V[number]), int(top_V[number]))
            for text, number in texts
            if left_V[number]
        ]
        values = _shown(_grouped(field, fields.get(field, frozenset()), counted), typed)
        if any(value.chosen or value.documents < left for value in values):
            found.append(Facet(field, values))
    return Facets(found[:SHOWN_FIELDS], _topics(snapshot, typed, ranking.passages[:FIRST], allowed(typed)))


def _counts(snapshot: Snapshot, metadata: Metadata, typed: Typed, allowed: Allowed) -> tuple[int, IntArray]:
    """How many documents a query leaves, and how many of them have each value (V,)."""

    def count() -> tuple[int, IntArray]:
        left = _documents(snapshot, allowed(typed))
        return len(left), metadata.counts(left)

    return snapshot.kept.counted.get(typed, count)


@dataclass(frozen=True)
class _Counted:
    """A value: how many documents have it, and how many of the first answers."""

    text: str
    documents: int
    top: int


Grouped = list[tuple[Condition, _Counted]]


def _grouped(field: str, kinds: frozenset[str], counted: list[_Counted]) -> Grouped:
    """What can be chosen of a field: its values; years or months of dates, and ranges of numbers, where there
    are many. Nothing of a field that tells every document from all others."""
    if len(counted) > SEVERAL and kinds == {"date"}:
        years = len({each.text[:4] for each in counted}) > 1
        return _joined(field, counted, lambda text: text[: 4 if years else 7])
    if len(counted) > SEVERAL and kinds == {"number"}:
        return _ranges(field, counted)
    unique = all(each.documents == 1 for each in counted)
    if len(counted) > (SEVERAL if unique else MOST_VALUES):
        return []
    return [(Condition(field, (each.text,)), each) for each in counted]


def _joined(field: str, counted: list[_Counted], name: Callable[[str], str]) -> Grouped:
    groups: dict[str, list[_Counted]] = {}
    for each in counted:
        groups.setdefault(name(each.text), []).append(each)
    return [(Condition(field, (text,)), _sum(text, group)) for text, group in groups.items()]


def _ranges(field: str, counted: list[_Counted]) -> Grouped:
    """Ranges of about as many documents each; a document with several numbers counts for each of them."""
    ordered = sorted(counted, key=lambda each: Decimal(each.text))
    upto = np.cumsum([each.documents for each in ordered])
    cuts = np.searchsorted(upto, upto[-1] * np.arange(1, RANGES) / RANGES, side="left") + 1
    found = []
    for part in np.split(np.arange(len(ordered)), np.unique(cuts)):
        group = [ordered[at] for at in part]
        if group:
            least, most = group[0].text, group[-1].text
            found.append((Condition(field, least=least, most=most), _sum(f"{least}..{most}", group)))
    return found


def _sum(text: str, group: list[_Counted]) -> _Counted:
    return _Counted(text, sum(each.documents for each in group), sum(each.top for each in group))


def _shown(values: Grouped, typed: Typed) -> list[FacetValue]:
    """The values that the first answers have most, and those that are chosen; ranges in their order."""
    shown = [
        FacetValue(each.text, format_filter(condition), each.documents, each.top, _chosen(condition, typed))
        for condition, each in values
    ]
    by_use = sorted(shown, key=lambda value: (not value.chosen, -value.top, -value.documents, value.value))
    ranged = any(condition.least or condition.most for condition, _ in values)
    return shown if ranged else by_use[:SHOWN_VALUES]


def _chosen(condition: Condition, typed: Typed) -> bool:
    values = {value.lower() for value in condition.values}
    return any(
        values <= {value.lower() for value in each.values}
        and (each.field, each.least, each.most) == (condition.field, condition.least, condition.most)
        for each in typed.conditions
        if not each.negated
    )


def _topics(snapshot: Snapshot, typed: Typed, first: IntArray, allowed_N: Mask | None) -> list[Topic]:
    """Features that the first answers fire more often than passages do, by how much that says."""
    top_F = np.diff(snapshot.acts_NF[first].tocsc().indptr)
    expected_F = snapshot.passages_F * (len(first) / max(snapshot.passages, 1))
    likely = np.flatnonzero(top_F >= LEAST_TOP)
    says = top_F[likely] * np.log(top_F[likely] / expected_F[likely])
    order = likely[np.argsort(-says, kind="stable")].tolist()
    asked = {each.feature for each in typed.conditions if not each.negated}
    best = [f for f in order if snapshot.labels[f].reliable and f not in asked][:SHOWN_TOPICS]
    chosen = [f for f in sorted(filter(None, asked)) if f < len(top_F)]
    return [
        Topic(
            feature,
            snapshot.labels[feature].shown,
            format_filter(Condition("", feature=feature)),
            _documents_about(snapshot, feature, allowed_N),
            int(top_F[feature]),
            feature in asked,
        )
        for feature in [*chosen, *best]
    ]


def _documents_about(snapshot: Snapshot, feature: int, allowed_N: Mask | None) -> int:
    passages, _ = snapshot.firing(feature)
    if allowed_N is not None:
        passages = passages[allowed_N[passages]]
    return len(np.unique(snapshot.document_N[passages]))


def _documents(snapshot: Snapshot, allowed_N: Mask | None) -> IntArray:
    return snapshot.documents_sorted if allowed_N is None else np.unique(snapshot.document_N[allowed_N])
