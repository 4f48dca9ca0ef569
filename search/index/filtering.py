"""Which passages the restrictions of a query leave: phrases, exclusions, conditions on metadata, features.

Words are looked up by their stems in the counts, phrases in the texts (see `phrases`), conditions on metadata
in PostgreSQL. A document is left or not as a whole, whichever of its passages have what was asked for; only
features are asked of each passage.

Shape suffixes: N passages.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Numeric, and_, case, cast, func, literal, not_, or_, select
from sqlalchemy.orm import Session

from search.db.connection import among
from search.db.models import DocumentRow
from search.errors import InvalidFilter
from search.index.doc_values import Kinds
from search.index.phrases import Phrase, saying, with_word
from search.index.snapshot import Snapshot
from search.query.parser import TITLE, Condition, ParsedQuery

_NUMBER = re.compile(r"[+-]?\d{1,300}(\.\d{1,300})?([eE][+-]?\d{1,3})?")
_PART_OF_DATE = re.compile(r"\d{4}(-\d\d(-\d\d([T ].*)?)?)?")


def allowed_passages(
    session: Session, snapshot: Snapshot, typed: ParsedQuery, fields: Kinds
) -> NDArray[np.bool_]:
    """Which passages of a snapshot (N,) are of documents that a query allows.

    Raises:
        InvalidFilter: a condition does not fit the values of its field, or names one that there is not.
    """
    allowed_N = np.ones(snapshot.passages, np.bool_)
    clauses = list[ColumnElement[bool]]()
    for condition in typed.conditions:
        if condition.feature is not None:
            allowed_N &= _fired(snapshot, condition.feature) ^ condition.negated
        elif condition.field != TITLE:
            _check(condition, fields)
            clauses.append(_meets(condition, fields))
    if clauses:
        allowed_N = _left(session, snapshot, allowed_N, clauses)
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


def _left(
    session: Session, snapshot: Snapshot, mask_N: NDArray[np.bool_], clauses: list[ColumnElement[bool]]
) -> NDArray[np.bool_]:
    """The passages (N,) of a mask whose documents meet all clauses."""
    if not mask_N.any():
        return mask_N
    documents = snapshot.documents_of(mask_N).tolist()
    found = session.scalars(select(DocumentRow.id).where(among(DocumentRow.id, documents), *clauses)).all()
    return mask_N & np.isin(snapshot.document_N, np.array(found, dtype=np.int64))


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


def _check(condition: Condition, fields: Kinds) -> None:
    """Refuses what no value of the field could ever meet."""
    field, known = condition.field, sorted(fields)
    if field not in fields:
        shown = ", ".join(known[:20]) + (", …" if len(known) > 20 else "")
        raise InvalidFilter(
            f"There is no field {field[:80]!r}.",
            hint=f"Known fields: title, {shown}."
            if known
            else "These documents have no metadata, only title.",
        )
    kind = _KINDS.get(next(iter(fields[field]))) if len(fields[field]) == 1 else None
    for value in filter(None, (*condition.values, condition.least, condition.most)):
        if kind and not kind.form.fullmatch(value):
            raise InvalidFilter(
                f"{field[:80]} is a {kind.name}, and {value[:40]!r} is none.",
                hint=f"Write it like {kind.like}.",
            )


@dataclass(frozen=True)
class _Kind:
    """How the values of a field are written that all have one type."""

    name: str
    form: re.Pattern[str]
    like: str


_KINDS = {
    "number": _Kind("number", _NUMBER, "1990 or 1990..2000"),
    "date": _Kind("date", _PART_OF_DATE, "2020-05-31, or 2020-05 for all of that May"),
    "boolean": _Kind("yes-or-no field", re.compile("true|false", re.IGNORECASE), "true or false"),
}


def _meets(condition: Condition, fields: Kinds) -> ColumnElement[bool]:
    field, values = condition.field, condition.values
    met = _is_one_of(field, values, fields) if values else _between(condition)
    return not_(func.coalesce(met, literal(value=False))) if condition.negated else met


def _is_one_of(field: str, values: tuple[str, ...], fields: Kinds) -> ColumnElement[bool]:
    """One of some values in any case, or a list that holds one; numbers by what they are worth, 2020-05 for
    any day of that May."""
    stored = DocumentRow.meta[field]
    if fields.get(field, frozenset()) == {"date"}:
        return or_(*(func.left(stored.astext, len(value)) == value for value in values))
    lower = [value.lower() for value in values]
    same = func.lower(stored.astext).in_(lower)
    elements = func.jsonb_array_elements_text(
        case((func.jsonb_typeof(stored) == "array", stored), else_=func.jsonb_build_array())
    ).table_valued("value")
    listed = select(elements.c.value).where(func.lower(elements.c.value).in_(lower)).exists()
    numbers = [Decimal(value) for value in values if _NUMBER.fullmatch(value)]
    return or_(same, listed, _number(field).in_(numbers)) if numbers else or_(same, listed)


def _number(field: str) -> ColumnElement[Decimal]:
    stored = DocumentRow.meta[field]
    return case((func.jsonb_typeof(stored) == "number", cast(stored.astext, Numeric)), else_=None)


def _between(condition: Condition) -> ColumnElement[bool]:
    """Numbers by what they are worth, all else by its letters, as dates are written: 2020-05 as the end is
    all of that May."""
    ends = [end for end in (condition.least, condition.most) if end]
    numeric = all(_NUMBER.fullmatch(end) for end in ends)
    stored = DocumentRow.meta[condition.field]
    written = case((func.jsonb_typeof(stored) == "string", stored.astext))
    by_letters, by_worth = list[ColumnElement[bool]](), list[ColumnElement[bool]]()
    if condition.least:
        by_letters.append(written >= condition.least)
    if condition.most:
        by_letters.append(func.left(written, len(condition.most)) <= condition.most)
    if numeric and condition.least:
        by_worth.append(_number(condition.field) >= Decimal(condition.least))
    if numeric and condition.most:
        by_worth.append(_number(condition.field) <= Decimal(condition.most))
    return or_(and_(*by_letters), and_(*by_worth)) if by_worth else and_(*by_letters)
