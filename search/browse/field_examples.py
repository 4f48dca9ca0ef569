"""Finds conditions on the fields of a collection's metadata that show how one may be written."""

from dataclasses import dataclass

import numpy as np

from search.engine.reader import Reader
from search.filtering.field_values import DATE, LONGEST, NUMBER, TEXT, FieldValues, IntArray
from search.presentation.provenance import familiarity
from search.query.parser import Condition

SEVERAL = 2
"""So many values are a choice, and so many documents have one that says more than what each is called."""


@dataclass(frozen=True)
class FieldExamples:
    """Holds a condition on one value, one on several and one on a range of numbers or dates, each where a
    field of the collection can have it."""

    one: Condition | None = None
    several: Condition | None = None
    between: Condition | None = None


def field_examples(reader: Reader) -> FieldExamples:
    """Finds examples with the values that most documents have, of the field that people know first."""
    snapshot = reader.snapshot
    known = reader.shared.doc_values.of(reader.session, snapshot)
    count_V = known.counts(snapshot.documents_sorted)
    fields = sorted(known.fields.items(), key=lambda field: familiarity(field[0]))
    named = [(name, _commonest(field, count_V)) for name, field in fields if field.kind == TEXT]
    listed = [(name, values) for name, values in named if values]
    measured = [(name, _ends(field)) for name, field in fields if field.kind in (NUMBER, DATE)]
    ranges = [Condition(name, least=ends[0], most=ends[1]) for name, ends in measured if ends]
    several = [Condition(name, values) for name, values in listed if len(values) == SEVERAL]
    return FieldExamples(
        one=next((Condition(name, values[:1]) for name, values in listed), None),
        several=next(iter(several[1:] or several), None),
        between=next(iter(ranges), None),
    )


def _commonest(field: FieldValues, count_V: IntArray) -> tuple[str, ...]:
    """Gives the values that most documents have, short enough to be typed; none where each has its own."""
    count_A = count_V[field.number_A]
    order = np.argsort(-count_A, kind="stable").tolist()
    there = (field.texts[place] for place in order if count_A[place] >= SEVERAL)
    return tuple(text for text in there if 0 < len(text) <= LONGEST)[:SEVERAL]


def _ends(field: FieldValues) -> tuple[str, str] | None:
    """Gives a quarter and three quarters of the way through the values of a field in order."""
    worths = field.worths if field.kind == NUMBER else field.periods[:, 0].astype(np.float64)
    order = np.argsort(worths, kind="stable").tolist()
    there = [place for place in order if field.kinds_A[place] == field.kind]
    if len(there) < SEVERAL:
        return None
    first, last = there[len(there) // 4], there[-1 - len(there) // 4]
    return (field.texts[first], field.texts[last]) if worths[first] < worths[last] else None
