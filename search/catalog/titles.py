"""The titles of a collection's documents by their beginnings, for suggestions: read when the first is asked
for, and kept up to date from one snapshot to the next."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from search.catalog.beginnings import Beginnings, words_of
from search.catalog.document_cache import is_of_the_past
from search.db.connection import among
from search.db.models import DocumentRow
from search.index.snapshot import Snapshot


@dataclass(frozen=True, eq=False)
class Titles:
    """Holds the beginnings of titles by the row ids of their documents, and all that were read, ascending."""

    beginnings: Beginnings = field(default_factory=Beginnings)
    known: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


def read_titles(session: Session, snapshot: Snapshot, before: Titles | None) -> Titles:
    """The titles of a snapshot's documents, and perhaps of some that are there no more; those read `before`
    are not read again."""
    wanted = snapshot.documents_sorted
    if before is None or is_of_the_past(before.known, wanted):
        before = Titles()
    missing = np.setdiff1d(wanted, before.known)
    if not len(missing):
        return before
    rows = session.execute(
        select(DocumentRow.id, DocumentRow.title).where(among(DocumentRow.id, missing.tolist()))
    )
    beginnings = before.beginnings.and_of((number, words_of(title)) for number, title in rows)
    return Titles(beginnings, np.union1d(before.known, missing))
