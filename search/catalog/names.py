"""The names of documents in memory: which documents a question asks for by title, id, path or identifier.

A question is a name where it is all of a title or an id, or the last parts of an identifier or a path, two at
least: `list.append` and `json.dumps()`, `guide/intro.md`, but not `append`. What many documents are called
names none of them.

Shape suffixes: K names, N passages.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from search.db.connection import among
from search.db.models import DocumentRow
from search.embedding.folding import fold
from search.index.snapshot import Snapshot

LONGEST = 200
"""A longer text is nobody's name."""

MOST_NAMED = 10
"""What more documents than these are called is a kind of document."""

_CALLED = re.compile(r"^([\w.:/#-]+)\([^()]*\)$")
_PARTED = re.compile(r"[./:#\\]+")

IntArray = NDArray[np.int64]


def fold_name(name: str) -> str:
    """A name as names are compared: without case, accents, forms of letters, or anything around it. The
    brackets of a call, and what is between them, are not part of an identifier."""
    return _CALLED.sub(r"\1", " ".join(fold(name).split()).strip(" \"'`?!"))


def names_of(given: str) -> Iterator[str]:
    """What a document with this title or id may be called, folded: all of it, and its last parts."""
    folded = fold_name(given)
    if folded and len(folded) <= LONGEST:
        yield folded
        if " " not in folded:
            cuts = [found.end() for found in _PARTED.finditer(folded) if found.start()]
            yield from (folded[cut:] for cut in cuts[:-1])


def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


@dataclass(frozen=True, eq=False)
class Names:
    """The names of documents: a hash of each, ascending (K,), with the row id of its document (K,), and the
    documents known (all that were read, ascending)."""

    hashes_K: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    documents_K: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    known: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))

    def documents(self, question: str, held: IntArray) -> IntArray:
        """Those of some documents (row ids) that a question asks for by name."""
        folded = fold_name(question)
        if not folded or len(folded) > LONGEST:
            return np.zeros(0, np.int64)
        wanted = np.uint64(_number(folded))
        start, end = (int(np.searchsorted(self.hashes_K, wanted, side)) for side in ("left", "right"))
        found = np.intersect1d(self.documents_K[start:end], held)
        return found if len(found) <= MOST_NAMED else found[:0]


def read_names(session: Session, snapshot: Snapshot, before: Names | None) -> Names:
    """The names of all documents of a snapshot; those read `before` are not read again."""
    wanted = snapshot.documents_sorted
    if before is None or len(before.known) > 2 * len(wanted) + 1000:  # most of it is of the past
        before = Names()
    missing = np.setdiff1d(wanted, before.known)
    if not len(missing):
        return before
    columns = DocumentRow.id, DocumentRow.external_id, DocumentRow.title
    rows = session.execute(select(*columns).where(among(DocumentRow.id, missing.tolist())))
    pairs = {
        (_number(name), document)
        for document, *given in rows
        for each in given
        for name in names_of(each or "")
    }
    hashes = np.array([name for name, _ in pairs], np.uint64)
    documents = np.array([document for _, document in pairs], np.int64)
    hashes_K = np.concatenate([before.hashes_K, hashes])
    documents_K = np.concatenate([before.documents_K, documents])
    order = np.argsort(hashes_K, kind="stable")
    known = np.union1d(before.known, missing)
    return Names(hashes_K[order], documents_K[order], known)


def named_after(session: Session, snapshot: Snapshot, phrase: str) -> IntArray:
    """The documents (row ids, ascending) whose id has a phrase for one of its parts, or for several on end:
    what is below or called `linalg`, of numpy.linalg.inv."""
    folded = fold_name(phrase)
    if not folded:
        return np.zeros(0, np.int64)
    called = re.compile(rf"(?:^|{_PARTED.pattern}){re.escape(folded)}(?:{_PARTED.pattern}|$)")
    rows = session.execute(
        select(DocumentRow.id, DocumentRow.external_id).where(
            DocumentRow.collection_id == snapshot.collection_id,
            DocumentRow.external_id.icontains(folded, autoescape=True),
        )
    )
    found = [number for number, given in rows if called.search(fold_name(given))]
    return np.intersect1d(np.array(found, np.int64), snapshot.documents_sorted)
