"""Finds the documents that a question or a phrase names: those of the generation's file of names, and those
that came since.

Shape suffixes: R documents.
"""

import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from search.catalog.document_cache import is_of_the_past
from search.db.connection import among
from search.db.models import DocumentRow
from search.index.document_names import PARTED, Names, fold_name
from search.index.snapshot import Snapshot

MOST_NAMED = 10
"""What more documents than these are called is a kind of document."""

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LaterNames:
    """Holds the names of documents that came after a generation was built, and the row ids of those that were
    read, ascending."""

    names: Names = field(default_factory=Names)
    known_R: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))


def read_later_names(session: Session, snapshot: Snapshot, before: LaterNames | None) -> LaterNames:
    """Reads the names of a snapshot's later documents; those read `before` are not read again, and are kept
    unless most of them are there no more."""
    wanted = np.unique(snapshot.rows.added_features.document_N)
    if before is None or is_of_the_past(before.known_R, wanted):
        before = LaterNames()
    missing = np.setdiff1d(wanted, before.known_R)
    if not len(missing):
        return before
    columns = DocumentRow.id, DocumentRow.external_id, DocumentRow.title
    rows = session.execute(select(*columns).where(among(DocumentRow.id, missing.tolist())))
    found = Names.of((row.id, row.external_id, row.title) for row in rows)
    return LaterNames(before.names.followed_by(found), np.union1d(before.known_R, missing))


def named(snapshot: Snapshot, later: LaterNames, question: str) -> IntArray:
    """Finds the documents (row ids, ascending) that a question asks for by name."""
    names = (snapshot.rows.names, later.names)
    found = snapshot.among_documents(np.concatenate([each.documents(question) for each in names]))
    return found if len(found) <= MOST_NAMED else found[:0]


def named_after(session: Session, snapshot: Snapshot, phrase: str) -> IntArray:
    """The documents (row ids, ascending) whose id has a phrase for one of its parts, or for several on end:
    what is below or called `linalg`, of numpy.linalg.inv."""
    folded = fold_name(phrase)
    if not folded:
        return np.zeros(0, np.int64)
    called = re.compile(rf"(?:^|{PARTED.pattern}){re.escape(folded)}(?:{PARTED.pattern}|$)")
    rows = session.execute(
        select(DocumentRow.id, DocumentRow.external_id).where(
            DocumentRow.collection_id == snapshot.collection_id,
            DocumentRow.external_id.icontains(folded, autoescape=True),
        )
    )
    found = [number for number, given in rows if called.search(fold_name(given))]
    return snapshot.among_documents(np.array(found, np.int64))
