"""The metadata of a collection's documents in memory, so that values can be counted for any set of them.

Shape suffixes: R documents known, V values known.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sqlalchemy import select
from sqlalchemy.orm import Session

from search.db import among
from search.models import Document
from search.snapshot import Snapshot

LONGEST = 100
"""A longer text is no value that anyone would choose from a list."""

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Metadata:
    """Which values each document has: row ids of documents, ascending (R,), the number of each of `values`
    (field and text), and a matrix of ones (R, V)."""

    documents_R: IntArray
    values: dict[tuple[str, str], int]
    has_RV: csr_matrix

    @cached_property
    def fields(self) -> dict[str, list[tuple[str, int]]]:
        """The values of each field, by name, with their numbers."""
        found: dict[str, list[tuple[str, int]]] = {}
        for (field, text), number in self.values.items():
            found.setdefault(field, []).append((text, number))
        return dict(sorted(found.items()))

    def counts(self, documents: IntArray) -> IntArray:
        """How many of some documents (row ids) have each value (V,)."""
        rows = np.searchsorted(self.documents_R, documents)
        return np.asarray(self.has_RV[rows].sum(axis=0), dtype=np.int64).ravel()


def read_metadata(session: Session, snapshot: Snapshot, before: Metadata | None) -> Metadata:
    """The metadata of all documents of a snapshot; what was read `before` is not read again. A document's row
    never changes: a new version is a new row."""
    wanted = np.unique(snapshot.document_N)
    if before is None or len(before.documents_R) > 2 * len(wanted) + 1000:  # most of it is of the past
        before = Metadata(np.zeros(0, np.int64), {}, csr_matrix((0, 0), dtype=np.int32))
    missing = np.setdiff1d(wanted, before.documents_R)
    if not len(missing):
        return before
    rows = session.execute(
        select(Document.id, Document.meta).where(among(Document.id, missing.tolist()))
    ).all()
    return _with(before, {row[0]: row[1] or {} for row in rows})


def _with(before: Metadata, meta: dict[int, dict[str, Any]]) -> Metadata:
    values = dict(before.values)
    numbers = [
        sorted({values.setdefault(pair, len(values)) for pair in _pairs(each)}) for each in meta.values()
    ]
    ends = np.cumsum([0, *map(len, numbers)])
    columns = (
        np.concatenate([np.array(row, np.int64) for row in numbers]) if numbers else np.zeros(0, np.int64)
    )
    ones = np.ones(len(columns), np.int32)
    below = csr_matrix((ones, columns, ends), shape=(len(meta), len(values)))
    above = before.has_RV.copy()
    above.resize(above.shape[0], len(values))
    documents = np.concatenate([before.documents_R, np.fromiter(meta, np.int64, len(meta))])
    order = np.argsort(documents)
    return Metadata(documents[order], values, vstack([above, below], format="csr")[order])


def _pairs(meta: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each field with each of its values, as filters write them."""
    for field, given in meta.items():
        for value in given if isinstance(given, list) else [given]:
            text = value if isinstance(value, str) else json.dumps(value)
            if value is not None and not isinstance(value, (dict, list)) and 0 < len(text) <= LONGEST:
                yield field, text
