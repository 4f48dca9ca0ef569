"""What the store holds of collections and generations: their rows, their arrays, their derived files.

Shape suffixes: N passages, D embedding width, F features.
"""

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from search.db.models import Collection, DictionaryRow, Document, Generation, Passage
from search.dictionary.autoencoder import Activations, Dictionary
from search.errors import CollectionNotFound, IndexDamaged, NotIndexed
from search.index.bm25 import Counts
from search.index.faiss_index import FaissIndex

INDEX_FILE = "vectors.faiss"
WORDS_FILE = "words.npz"
READ_ROWS = 10_000
COLLECTION_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")

logger = logging.getLogger(__name__)


def generation_folder(data: Path, generation: int) -> Path:
    """Where the derived files of a generation are."""
    return data / "generations" / str(generation)


def find_collection(session: Session, name: str) -> Collection:
    """The collection of that name.

    Raises:
        CollectionNotFound: naming those that exist.
    """
    usable = COLLECTION_NAME.fullmatch(name) is not None
    found = session.scalar(select(Collection).where(Collection.name == name)) if usable else None
    if found is None:
        known = ", ".join(session.scalars(select(Collection.name).order_by(Collection.name)))
        raise CollectionNotFound(
            f"There is no collection {name[:100]!r}.",
            hint=f"Known collections: {known}." if known else "Run refract index PATH to make one.",
        )
    return found


def live_generation(session: Session, name: str) -> Generation:
    """The live generation of a collection.

    Raises:
        CollectionNotFound, NotIndexed: there is none yet.
    """
    live = live_of(session, find_collection(session, name).id)
    if live is None:
        raise NotIndexed(
            f"The collection {name!r} has no finished index yet.",
            hint="Wait for the build to end, or run refract index PATH.",
        )
    return live


def live_of(session: Session, collection: int) -> Generation | None:
    """The live generation of a collection (its row id), if it has one."""
    return session.scalar(
        select(Generation).where(Generation.collection_id == collection, Generation.state == "live")
    )


def count_passages(session: Session, generation: int) -> int:
    """How many passages a generation was built with and got since, hidden ones too (their numbers count
    from 0)."""
    last = session.scalar(select(func.max(Passage.id)).where(Passage.generation_id == generation))
    return 0 if last is None else last + 1


def read_dictionary(session: Session, number: int | None) -> Dictionary:
    """A dictionary of the store by its number.

    Raises:
        DictionaryError: it is not what was stored.
    """
    row = session.get_one(DictionaryRow, number)
    return Dictionary.from_bytes(row.weights, row.card)


class _Derived(Protocol):
    """Something that is kept in a file and can be made again from Postgres."""

    def save(self, path: Path) -> str: ...


_D = TypeVar("_D", bound=_Derived)


def open_index(session: Session, data: Path, generation: Generation) -> FaissIndex:
    """The generation's FAISS index, rebuilt from Postgres where the file cannot be trusted."""
    return _open(session, data, generation, INDEX_FILE, FaissIndex.load, _build_index)


def open_words(session: Session, data: Path, generation: Generation) -> Counts:
    """The counted words of the passages a generation was built with, counted again from Postgres where the
    file cannot be trusted."""
    return _open(session, data, generation, WORDS_FILE, Counts.load, _count_words)


def write_files(session: Session, data: Path, generation: Generation) -> None:
    """Makes all files of a generation from what is in Postgres and records their hashes (not committed)."""
    generation.files = {}
    _write(session, data, generation, INDEX_FILE, _build_index)
    _write(session, data, generation, WORDS_FILE, _count_words)


def _open(
    session: Session,
    data: Path,
    generation: Generation,
    name: str,
    load: Callable[[Path, str], _D],
    make: Callable[[Session, Generation], _D],
) -> _D:
    try:
        return load(generation_folder(data, generation.id) / name, generation.files.get(name, ""))
    except IndexDamaged as damage:
        logger.warning("%s Rebuilding it from the database.", damage)
        return _write(session, data, generation, name, make)


def _write(
    session: Session,
    data: Path,
    generation: Generation,
    name: str,
    make: Callable[[Session, Generation], _D],
) -> _D:
    made = make(session, generation)
    sha256 = made.save(generation_folder(data, generation.id) / name)
    generation.files = {**generation.files, name: sha256}
    return made


def _build_index(session: Session, generation: Generation) -> FaissIndex:
    x_ND = read_embeddings(session, generation.id, stop=generation.passages)
    return FaissIndex.build(x_ND, generation.recipe.get("index", "flat"))


def _count_words(session: Session, generation: Generation) -> Counts:
    return Counts.of(read_texts(session, generation.id, stop=generation.passages))


def read_texts(
    session: Session, generation: int, *, start: int = 0, stop: int | None = None
) -> Iterator[str]:
    """Title and text of a generation's passages from `start` to before `stop`, by number."""
    text = func.substr(Document.text, Passage.start + 1, Passage.end - Passage.start)
    of_document = select(Document.title + "\n" + text).where(Document.id == Passage.document_id)
    for row in _stream(session, generation, start, stop, of_document.correlate(Passage).scalar_subquery()):
        yield row[0]


def read_embeddings(
    session: Session, generation: int, *, start: int = 0, stop: int | None = None
) -> NDArray[np.float16]:
    """The embeddings (N, D) of a generation's passages from `start` to before `stop`, by number."""
    content, rows = bytearray(), 0  # grows in place: no second copy while it is read
    for row in _stream(session, generation, start, stop, Passage.embedding):
        content += row[0]
        rows += 1
    return np.frombuffer(content, dtype=np.float16).reshape(rows, -1 if rows else 0)


def read_activations(
    session: Session, generation: int, dictionary: Dictionary, *, start: int = 0
) -> tuple[NDArray[np.int64], csr_matrix]:
    """The document (N,) and the activations (N, F) of a generation's passages from `start` on, by number."""
    columns = (Passage.document_id, Passage.feature_ids, Passage.activations)
    documents, ids, values = [], [], []
    for document, row_ids, row_values in _stream(session, generation, start, None, *columns):
        documents.append(document)
        ids.append(row_ids)
        values.append(row_values)
    acts = Activations.from_bytes(ids, values, dictionary.card.active)
    return np.array(documents, dtype=np.int64), acts.matrix(dictionary.features)


def _stream(session: Session, generation: int, start: int, stop: int | None, *columns: Any) -> Iterator[Any]:
    statement = select(*columns).where(Passage.generation_id == generation).order_by(Passage.id)
    if start:
        statement = statement.where(Passage.id >= start)
    if stop is not None:
        statement = statement.where(Passage.id < stop)
    return iter(session.execute(statement, execution_options={"yield_per": READ_ROWS}))
