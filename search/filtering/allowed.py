"""Which passages the restrictions of a query leave: phrases, exclusions, conditions on metadata, features.

Words are looked up by their stems in the counts, values of the metadata in memory, phrases in the texts (see
`phrases`). A document is left or not as a whole, whichever of its passages have what was asked for; only
features are asked of each passage.

Shape suffixes: N passages.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from search.errors import InvalidFilter
from search.filtering.doc_values import DocValues, Kinds
from search.filtering.field_values import (
    BOOLEAN,
    DATE,
    NUMBER,
    OBJECT,
    TEXT,
    FieldValues,
    IntArray,
    fits,
    same,
)
from search.filtering.phrases import Phrase, saying, with_word
from search.index.snapshot import Snapshot
from search.query.parser import TITLE, Condition, ParsedQuery


def allowed_passages(
    session: Session, snapshot: Snapshot, typed: ParsedQuery, doc_values: DocValues
) -> NDArray[np.bool_]:
    """Which passages of a snapshot (N,) are of documents that a query allows.

    Raises:
        InvalidFilter: a condition does not fit the values of its field, or names one that there is not.
    """
    allowed_N = np.ones(snapshot.passages, np.bool_)
    for condition in typed.conditions:
        if condition.feature is not None:
            allowed_N &= _fired(snapshot, condition.feature) ^ condition.negated
        elif condition.field != TITLE:
            allowed_N &= _meets(snapshot, condition, doc_values) ^ condition.negated
    for value in typed.without:
        word = Phrase(value).word
        said_N = with_word(snapshot, word) if word else saying(session, snapshot, value, allowed_N)
        allowed_N &= ~said_N
    for value in typed.phrases:
        allowed_N = saying(session, snapshot, value, allowed_N)
    for title in (each for each in typed.conditions if each.field == TITLE):
        titled_N = saying(session, snapshot, title.values[0], allowed_N, title=True)
        allowed_N &= titled_N ^ title.negated
    return allowed_N


def meeting(doc_values: DocValues, conditions: Iterable[Condition]) -> IntArray:
    """The documents (row ids) that meet all of some conditions on fields of the metadata. A field that nobody
    has is no error here: no document has any value of it."""
    found = doc_values.documents_R
    for condition in conditions:
        values = doc_values.fields.get(condition.field)
        numbers = np.zeros(0, np.int64) if values is None else values.number_A[matching(values, condition)]
        found = found[np.isin(found, doc_values.documents_with(numbers)) ^ condition.negated]
    return found


def called(doc_values: DocValues, held: IntArray, phrase: str) -> dict[Condition, IntArray]:
    """The fields that have a value of just that name, or a folder's, as conditions, and which of some
    documents (row ids) have it."""
    found = {}
    for name, values in doc_values.fields.items():
        places = [values.places.get(form) for form in (same(phrase), same(f"{phrase}/"))]
        for place in (each for each in places if each is not None):
            documents = np.intersect1d(doc_values.documents_with(values.number_A[[place]]), held)
            if len(documents):
                found[Condition(name, (values.texts[place],))] = documents
    return found


def _fired(snapshot: Snapshot, feature: int) -> NDArray[np.bool_]:
    """The passages (N,) that a feature fires on."""
    if feature >= snapshot.dictionary.features:
        raise InvalidFilter(
            f"There is no feature {feature}.",
            hint=f"Features are numbered 0 to {snapshot.dictionary.features - 1}.",
        )
    fired_N = np.zeros(snapshot.passages, np.bool_)
    fired_N[snapshot.firing(feature)[0]] = True
    return fired_N


def _meets(snapshot: Snapshot, condition: Condition, doc_values: DocValues) -> NDArray[np.bool_]:
    """The passages (N,) of documents whose field has a value that a condition names."""
    _check(condition, doc_values.kinds)
    values = doc_values.fields.get(condition.field)
    if values is None:
        return np.zeros(snapshot.passages, np.bool_)
    documents = doc_values.documents_with(values.number_A[matching(values, condition)])
    return np.isin(snapshot.document_N, documents)


def matching(values: FieldValues, condition: Condition) -> NDArray[np.bool_]:
    """Tells which values of a field (A,) a condition names."""
    if not condition.values:
        return values.between(condition.least, condition.most)
    return np.asarray(np.logical_or.reduce([values.like(value) for value in condition.values]))


def _check(condition: Condition, fields: Kinds) -> None:
    """Refuses what no value of the field could ever meet."""
    field, known = condition.field[:80], sorted(name for name, kinds in fields.items() if kinds != {OBJECT})
    if condition.field not in fields:
        raise InvalidFilter(
            f"There is no field {field!r}.",
            hint=f"Known fields: title, {_some(known)}."
            if known
            else "These documents have no metadata, only title.",
        )
    kinds = fields[condition.field] - {OBJECT}
    if not kinds and OBJECT in fields[condition.field]:
        inner = [name for name in known if name.startswith(f"{condition.field}.")]
        hint = f"Name one of them: {_some(inner)}." if inner else "They are all empty."
        raise InvalidFilter(f"{field} holds fields of its own.", hint=hint)
    if condition.values and TEXT not in kinds:
        for value in condition.values:
            _fitting(field, kinds, (value,))
    elif not condition.values and kinds:
        ranged = kinds & {NUMBER, DATE}
        if not ranged:
            raise InvalidFilter(
                f"{field} is a {_names(kinds)}; ranges are of numbers and dates.",
                hint=f"Name values instead: {field}:VALUE or {field}:VALUE,VALUE.",
            )
        _fitting(field, ranged, tuple(filter(None, (condition.least, condition.most))))


def _fitting(field: str, kinds: frozenset[str], values: tuple[str, ...]) -> None:
    """Refuses values that are not all of one of these kinds."""
    for kind in kinds:
        if all(fits(kind, value) for value in values):
            return
    odd = next((value for value in values if not any(fits(kind, value) for kind in kinds)), values[-1])
    raise InvalidFilter(
        f"{field} is a {_names(kinds)}, and {odd[:40]!r} is none.",
        hint=f"Write it like {', or '.join(_KINDS[kind].like for kind in sorted(kinds))}.",
    )


def _some(names: list[str]) -> str:
    return ", ".join(names[:20]) + (", …" if len(names) > 20 else "")


def _names(kinds: frozenset[str]) -> str:
    return " or ".join(_KINDS[kind].name for kind in sorted(kinds))


@dataclass(frozen=True)
class _Kind:
    """What a kind of value is called, and what one looks like in a filter."""

    name: str
    like: str


_KINDS = {
    NUMBER: _Kind("number", "1990 or 1990..2000"),
    DATE: _Kind("date", "2020-05-31, or 2020-05 for all of that May"),
    BOOLEAN: _Kind("yes-or-no field", "true or false"),
    TEXT: _Kind("text", "it is written"),
}
