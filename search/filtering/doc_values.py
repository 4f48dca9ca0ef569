"""Holds the metadata of a collection's documents in memory: what fields there are, of what kind, and which
values each document has, so that they can be counted for any set of documents.

Shape suffixes: R documents known, V values known.
"""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, vstack
from sqlalchemy import select
from sqlalchemy.orm import Session

from search.db.connection import among
from search.db.models import DocumentRow
from search.filtering.field_values import MOST, OBJECT, FieldValues, IntArray, kind_of, same, written
from search.index.snapshot import Snapshot

MOST_FIELDS = 2_000
"""Fields of one document that can be filtered by; none that is written now has more."""

MOST_KNOWN = 20_000
"""Fields of one collection that can be filtered by."""

Kinds = Mapping[str, frozenset[str]]
"""Maps the fields of a collection's metadata, by their paths such as author.name, to the kinds of their
values; a list has those of its elements."""

READ_DOCUMENTS = 50_000
"""So many documents' metadata are in memory at once."""


@dataclass(frozen=True, eq=False)
class DocValues:
    """Says which values each document has: row ids of documents, ascending (R,), the number of each of
    `values` (field and form), how each was first written, its kind and whether it came as a text, a matrix of
    ones (R, V), kinds of fields, and the fields of which a document has `several` values."""

    documents_R: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    values: dict[tuple[str, str], int] = field(default_factory=dict)
    written: list[tuple[str, str, bool]] = field(default_factory=list)
    has_RV: csr_matrix = field(default_factory=lambda: csr_matrix((0, 0), dtype=np.int32))
    kinds: Kinds = field(default_factory=dict)
    several: frozenset[str] = frozenset()

    @cached_property
    def fields(self) -> dict[str, FieldValues]:
        """Holds the values of each field, by its name."""
        found: dict[str, list[tuple[str, int]]] = {}
        for (name, form), number in self.values.items():
            found.setdefault(name, []).append((form, number))
        return {name: self._field(name, *zip(*pairs, strict=True)) for name, pairs in sorted(found.items())}

    def _field(self, name: str, forms: tuple[str, ...], numbers: tuple[int, ...]) -> FieldValues:
        texts, kinds, typed = zip(*(self.written[number] for number in numbers), strict=True)
        number_A = np.array(numbers, dtype=np.int64)
        several = name in self.several
        return FieldValues(list(texts), list(forms), list(kinds), list(typed), number_A, several)

    def documents_with(self, values: IntArray) -> IntArray:
        """Gives the row ids of the documents that have any of some values."""
        wanted_V = np.zeros(len(self.written), np.int32)
        wanted_V[values] = 1
        return self.documents_R[np.flatnonzero(self.has_RV @ wanted_V)]

    def numbers_of(self, document: int) -> IntArray:
        """Gives the numbers of the values of a document (a row id)."""
        row = int(np.searchsorted(self.documents_R, document))
        return np.asarray(self.has_RV[row].indices, dtype=np.int64)

    def counts(self, documents: IntArray) -> IntArray:
        """Counts how many of some documents (row ids) have each value (V,)."""
        rows = np.searchsorted(self.documents_R, documents)
        return np.asarray(self.has_RV[rows].sum(axis=0), dtype=np.int64).ravel()


def read_doc_values(session: Session, snapshot: Snapshot, before: DocValues | None) -> DocValues:
    """Reads the metadata of all documents of a snapshot; what was read `before` is not read again. A
    document's row never changes: a new version is a new row."""
    wanted = snapshot.documents_sorted
    before = _without_the_past(before or DocValues(), wanted)
    missing = np.setdiff1d(wanted, before.documents_R)
    if not len(missing):
        return before
    wanted_rows = select(DocumentRow.id, DocumentRow.meta).where(among(DocumentRow.id, missing.tolist()))
    rows = session.execute(wanted_rows, execution_options={"yield_per": READ_DOCUMENTS})
    for block in rows.partitions():
        before = _with(before, {row.id: row.meta or {} for row in block})
    return before


def _without_the_past(before: DocValues, wanted: IntArray) -> DocValues:
    """Forgets documents that are there no more, and the fields and values that only they had, once these are
    many."""
    held_R = np.isin(before.documents_R, wanted)
    sizes_R = np.diff(before.has_RV.indptr)
    rows, ones = int((~held_R).sum()), int(sizes_R[~held_R].sum())
    if rows <= len(wanted) + 1000 and ones <= before.has_RV.nnz // 10 + 1000:
        return before
    has_RV = before.has_RV[held_R]
    used_V = np.bincount(has_RV.indices, minlength=has_RV.shape[1]) > 0
    number_V = np.cumsum(used_V) - 1
    values = {key: int(number_V[number]) for key, number in before.values.items() if used_V[number]}
    fields = {name for name, _ in values}
    gone = {name for name, _ in before.values} - fields
    around = {name[:end] for name in fields for end, sign in enumerate(name) if sign == "."}
    return DocValues(
        documents_R=before.documents_R[held_R],
        values=values,
        written=[each for each, used in zip(before.written, used_V, strict=True) if used],
        has_RV=csr_matrix(has_RV[:, used_V]),
        kinds={
            name: found
            for name, found in before.kinds.items()
            if name in fields | around or (name not in gone and OBJECT not in found)
        },
        several=before.several & fields,
    )


def _with(before: DocValues, meta: dict[int, dict[str, Any]]) -> DocValues:
    values, texts, several = dict(before.values), list(before.written), set(before.several)
    kinds: dict[str, set[str]] = {name: set(found) for name, found in before.kinds.items()}
    rows = []
    for each in meta.values():
        row: dict[int, str] = {}
        named = set[str]()
        for name, value in _leaves(each):
            named.add(name)
            if len(named) > MOST_FIELDS or (name not in kinds and len(kinds) >= MOST_KNOWN):
                continue
            found = kinds.setdefault(name, set())
            if value is not None:
                found.add(OBJECT if isinstance(value, dict) else kind_of(value))
            if (pair := _value(value)) is not None:
                number = values.setdefault((name, pair[0]), len(texts))
                if number == len(texts):
                    texts.append(pair[1:])
                row[number] = name
        rows.append(np.array(sorted(row), dtype=np.int64))
        several.update(name for name, count in Counter(row.values()).items() if count > 1)
    columns = np.concatenate(rows)
    ends = np.cumsum([0, *map(len, rows)])
    below = csr_matrix((np.ones(len(columns), np.int32), columns, ends), shape=(len(meta), len(texts)))
    above = before.has_RV.copy()
    above.resize(above.shape[0], len(texts))
    documents = np.concatenate([before.documents_R, np.fromiter(meta, np.int64, len(meta))])
    order = np.argsort(documents)
    return DocValues(
        documents_R=documents[order],
        values=values,
        written=texts,
        has_RV=vstack([above, below], format="csr")[order],
        kinds={name: frozenset(found) for name, found in kinds.items()},
        several=frozenset(several),
    )


def _leaves(meta: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Gives each value that is no list, with its path through objects and lists; an object before its
    fields."""
    waiting = deque(meta.items())
    while waiting:
        path, value = waiting.popleft()
        if isinstance(value, list):
            waiting.extendleft((path, inner) for inner in reversed(value))
        elif len(path) <= MOST:  # no filter names a longer one
            yield path, value
            if isinstance(value, dict):
                waiting.extend((f"{path}.{name}", inner) for name, inner in value.items())


def _value(value: Any) -> tuple[str, str, str, bool] | None:
    """Gives form, text and kind of a value that a filter can name, and whether it came as a text."""
    if value is None or isinstance(value, dict):
        return None
    text = written(value).strip()
    typed = isinstance(value, str)
    return (same(text), text, kind_of(value), typed) if 0 < len(text) <= MOST else None
