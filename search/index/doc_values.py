"""Holds the metadata of a collection's documents in memory: what fields there are, of what kind, and which
values each document has, so that they can be counted for any set of documents.

Shape suffixes: R documents known, V values known, A values of one field.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sqlalchemy import select
from sqlalchemy.orm import Session

from search.db.connection import among
from search.db.models import DocumentRow
from search.index.snapshot import Snapshot, View

LONGEST = 100
"""A text that is longer is no value that anyone would choose from a list."""

DATE = re.compile(r"\d{4}-\d\d(-\d\d([T ].*)?)?")

Kinds = Mapping[str, frozenset[str]]
"""Maps the fields of a collection's metadata to the kinds of their values: text, number, date (a text that is
one), boolean, list, object."""

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Values:
    """Holds the values of one field: each as it was first written, and its number among all values (A,)."""

    texts: list[str]
    number_A: IntArray

    @cached_property
    def by_worth(self) -> IntArray:
        """Gives the order (A,) of values that are all numbers."""
        return np.argsort(np.array([float(text) for text in self.texts]), kind="stable")

    @cached_property
    def years(self) -> tuple[list[str], IntArray]:
        """Gives the years of values that are all dates, and which of them each value is of (A,)."""
        found, year_A = np.unique([text[:4] for text in self.texts], return_inverse=True)
        return found.tolist(), year_A


@dataclass(frozen=True, eq=False)
class DocValues:
    """Says which values each document has: row ids of documents, ascending (R,), the number of each of
    `values` (field and text in lower case), how each was first written, a matrix of ones (R, V), kinds of
    fields."""

    documents_R: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    values: dict[tuple[str, str], int] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    has_RV: csr_matrix = field(default_factory=lambda: csr_matrix((0, 0), dtype=np.int32))
    kinds: Kinds = field(default_factory=dict)

    @cached_property
    def fields(self) -> dict[str, Values]:
        """Holds the values of each field, by its name."""
        numbers: dict[str, list[int]] = {}
        for (name, _), number in self.values.items():
            numbers.setdefault(name, []).append(number)
        return {
            name: Values([self.written[number] for number in found], np.array(found, dtype=np.int64))
            for name, found in sorted(numbers.items())
        }

    def counts(self, documents: IntArray) -> IntArray:
        """Counts how many of some documents (row ids) have each value (V,)."""
        rows = np.searchsorted(self.documents_R, documents)
        return np.asarray(self.has_RV[rows].sum(axis=0), dtype=np.int64).ravel()


class DocValuesCache:
    """Keeps the doc values of each collection up to date from one snapshot to the next. Reading those of one
    collection holds up no other."""

    def __init__(self) -> None:
        self._held: dict[int, tuple[View, DocValues]] = {}
        self._reading: dict[int, Lock] = {}

    def of(self, session: Session, snapshot: Snapshot) -> DocValues:
        """Gives the doc values of a snapshot's documents."""
        collection = snapshot.collection_id
        with self._reading.setdefault(collection, Lock()):
            view, before = self._held.get(collection, (None, None))
            if before is not None and view is snapshot.view:
                return before
            found = read_doc_values(session, snapshot, before)
            self._held[collection] = snapshot.view, found
        return found


def read_doc_values(session: Session, snapshot: Snapshot, before: DocValues | None) -> DocValues:
    """Reads the metadata of all documents of a snapshot; what was read `before` is not read again. A
    document's row never changes: a new version is a new row."""
    wanted = snapshot.documents_sorted
    if before is None or len(before.documents_R) > 2 * len(wanted) + 1000:  # most of it is of the past
        before = DocValues()
    missing = np.setdiff1d(wanted, before.documents_R)
    if not len(missing):
        return before
    rows = session.execute(
        select(DocumentRow.id, DocumentRow.meta).where(among(DocumentRow.id, missing.tolist()))
    ).all()
    return _with(before, {row[0]: row[1] or {} for row in rows})


def _with(before: DocValues, meta: dict[int, dict[str, Any]]) -> DocValues:
    values, written = dict(before.values), list(before.written)
    kinds: dict[str, set[str]] = {name: set(found) for name, found in before.kinds.items()}
    rows = []
    for each in meta.values():
        row = set()
        for name, text in _pairs(each):
            number = values.setdefault((name, text.lower()), len(written))
            if number == len(written):
                written.append(text)
            row.add(number)
        rows.append(np.array(sorted(row), dtype=np.int64))
        for name, given in each.items():
            kinds.setdefault(name, set()).update(_kind(given))
    columns = np.concatenate(rows)
    ends = np.cumsum([0, *map(len, rows)])
    below = csr_matrix((np.ones(len(columns), np.int32), columns, ends), shape=(len(meta), len(written)))
    above = before.has_RV.copy()
    above.resize(above.shape[0], len(written))
    documents = np.concatenate([before.documents_R, np.fromiter(meta, np.int64, len(meta))])
    order = np.argsort(documents)
    return DocValues(
        documents_R=documents[order],
        values=values,
        written=written,
        has_RV=vstack([above, below], format="csr")[order],
        kinds={name: frozenset(found) for name, found in kinds.items()},
    )


def _pairs(meta: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Gives each field with each of its values, as filters write them."""
    for name, given in meta.items():
        for value in given if isinstance(given, list) else [given]:
            text = value if isinstance(value, str) else json.dumps(value)
            if value is not None and not isinstance(value, (dict, list)) and 0 < len(text) <= LONGEST:
                yield name, text


def _kind(value: Any) -> set[str]:
    """Names the kind of a value; none of one that is missing."""
    if value is None:
        return set()
    if isinstance(value, bool):
        return {"boolean"}
    if isinstance(value, (int, float)):
        return {"number"}
    if isinstance(value, str):
        return {"date" if DATE.fullmatch(value) else "text"}
    return {"list" if isinstance(value, list) else "object"}
