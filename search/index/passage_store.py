"""Reads from Postgres what it holds of a generation's passages, as arrays: texts, embeddings, activations,
names.

Shape suffixes: N passages, D embedding width, F features.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from search.db.models import DictionaryRow, DocumentRow, PassageRow
from search.dictionary.autoencoder import Activations, Dictionary

READ_ROWS = 10_000


def read_dictionary(session: Session, number: int | None) -> Dictionary:
    """Reads a dictionary of the store by its number.

    Raises:
        DictionaryError: it is not what was stored.
    """
    row = session.get_one(DictionaryRow, number)
    return Dictionary.from_bytes(row.weights, row.card)


def read_texts(
    session: Session, generation: int, *, start: int = 0, stop: int | None = None
) -> Iterator[str]:
    """Reads title and text of a generation's passages from `start` to before `stop`, by number."""
    text = func.substr(DocumentRow.text, PassageRow.start + 1, PassageRow.end - PassageRow.start)
    of_document = select(DocumentRow.title + "\n" + text).where(DocumentRow.id == PassageRow.document_id)
    column = of_document.correlate(PassageRow).scalar_subquery()
    for row in _stream(session, generation, start, stop, column):
        yield row[0]


def read_embeddings(
    session: Session, generation: int, *, start: int = 0, stop: int | None = None
) -> NDArray[np.float16]:
    """Reads the embeddings (N, D) of a generation's passages from `start` to before `stop`, by number."""
    content, rows = bytearray(), 0  # grows in place: no second copy while it is read
    for row in _stream(session, generation, start, stop, PassageRow.embedding):
        content += row[0]
        rows += 1
    return np.frombuffer(content, dtype=np.float16).reshape(rows, -1 if rows else 0)


def read_activations(
    session: Session,
    generation: int,
    dictionary: Dictionary,
    *,
    start: int = 0,
    stop: int | None = None,
) -> tuple[NDArray[np.int64], csr_matrix]:
    """Reads the document (N,) and the activations (N, F) of a generation's passages from `start` to before
    `stop`, by number."""
    columns = (PassageRow.document_id, PassageRow.feature_ids, PassageRow.activations)
    documents, ids, values = [], [], []
    for document, row_ids, row_values in _stream(session, generation, start, stop, *columns):
        documents.append(document)
        ids.append(row_ids)
        values.append(row_values)
    acts = Activations.from_bytes(ids, values, dictionary.card.active)
    return np.array(documents, dtype=np.int64), acts.matrix(dictionary.features)


def read_names(
    session: Session, generation: int, *, stop: int | None = None
) -> Iterator[tuple[int, str, str]]:
    """Reads row id, the user's own id and title of the documents that a generation's passages before `stop`
    are of."""
    of_these = select(PassageRow.document_id).where(PassageRow.generation_id == generation)
    if stop is not None:
        of_these = of_these.where(PassageRow.id < stop)
    columns = (DocumentRow.id, DocumentRow.external_id, DocumentRow.title)
    statement = select(*columns).where(DocumentRow.id.in_(of_these)).order_by(DocumentRow.id)
    for row in session.execute(statement, execution_options={"yield_per": READ_ROWS}):
        yield row.id, row.external_id, row.title


def _stream(session: Session, generation: int, start: int, stop: int | None, *columns: Any) -> Iterator[Any]:
    statement = select(*columns).where(PassageRow.generation_id == generation).order_by(PassageRow.id)
    if start:
        statement = statement.where(PassageRow.id >= start)
    if stop is not None:
        statement = statement.where(PassageRow.id < stop)
    return iter(session.execute(statement, execution_options={"yield_per": READ_ROWS}))
