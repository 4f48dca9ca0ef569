"""Says which passages of a generation a search sees, after documents changed.

A passage of a document that was deleted or replaced is hidden. A replaced document stays as it was until its
new version has its passages, so that it is always there exactly once.

Shape suffixes: M all passages of a generation, N those that are visible.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from search.db.models import DocumentRow, GenerationRow
from search.index.faiss_index import IntArray


@dataclass(frozen=True)
class Version:
    """Describes one row of a document that changed: its number, the change that made it, and the change that
    ended it: that of the next version, or one that no version has where the document was deleted."""

    document: int
    seq: int
    superseded: int | None


def hidden_documents(changed: Iterable[Version], indexed: set[int]) -> set[int]:
    """Finds those of the indexed documents that are not to be seen: the deleted ones, and those whose next
    version, or one after it, is indexed as well."""
    versions = list(changed)
    by_change = {version.seq: version for version in versions}

    def is_hidden(version: Version) -> bool:
        while version.superseded is not None:
            following = by_change.get(version.superseded)
            if following is None or following.document in indexed:
                return True
            version = following
        return False

    return {version.document for version in versions if version.document in indexed and is_hidden(version)}


def visible_numbers(session: Session, generation: GenerationRow, document_M: IntArray) -> IntArray:
    """Finds the numbers (N,), ascending, of the passages that a search sees now; `document_M` is the document
    of each passage of the generation."""
    changed = select(DocumentRow.id, DocumentRow.seq, DocumentRow.superseded).where(
        DocumentRow.collection_id == generation.collection_id,
        or_(DocumentRow.seq > generation.seq, DocumentRow.superseded > generation.seq),
    )
    versions = [Version(*row) for row in session.execute(changed)]
    of_versions = np.array([version.document for version in versions], np.int64)
    indexed = set(of_versions[np.isin(of_versions, document_M)].tolist())
    hidden = hidden_documents(versions, indexed)
    return np.flatnonzero(~np.isin(document_M, list(hidden))) if hidden else np.arange(len(document_M))
