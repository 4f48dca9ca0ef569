"""Keeps the derived files of a generation: its index, its counted words, its map of features.

Shape suffixes: N passages, D embedding width, F features.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy.orm import Session

from search.db.connection import is_read_only
from search.db.models import GenerationRow
from search.dictionary.labels import read_labels
from search.errors import IndexDamaged
from search.index.agreement import about
from search.index.bm25 import Counts
from search.index.faiss_index import FaissIndex
from search.index.passage_store import read_activations, read_dictionary, read_embeddings, read_texts
from search.index.places import Places

INDEX_FILE = "vectors.faiss"
WORDS_FILE = "words.npz"
MAP_FILE = "map.npz"

MAP_PASSAGES = 20_000
"""The map is drawn by about so many passages, evenly spread over all: more of them tell the same."""

logger = logging.getLogger(__name__)


def generation_folder(data: Path, generation: int) -> Path:
    """Names the folder of a generation's derived files."""
    return data / "generations" / str(generation)


class _Derived(Protocol):
    """Stands for something that is kept in a file and can be made again from Postgres."""

    def save(self, path: Path) -> str: ...


_D = TypeVar("_D", bound=_Derived)


def open_index(session: Session, data: Path, generation: GenerationRow) -> FaissIndex:
    """Opens the generation's FAISS index, rebuilt from Postgres where the file cannot be trusted."""
    return _open(session, data, generation, INDEX_FILE, FaissIndex.load, _build_index)


def open_words(session: Session, data: Path, generation: GenerationRow) -> Counts:
    """Opens the counted words of the passages a generation was built with, counted again from Postgres where
    the file cannot be trusted."""
    return _open(session, data, generation, WORDS_FILE, Counts.load, _count_words)


def open_map(session: Session, data: Path, generation: GenerationRow) -> Places:
    """Opens the map of the generation's features, drawn now where the file cannot be trusted, or where the
    generation was built before there were maps."""
    return _open(session, data, generation, MAP_FILE, Places.load, _draw_map)


def write_files(session: Session, data: Path, generation: GenerationRow) -> None:
    """Makes all files of a generation from what is in Postgres and records their hashes (not committed)."""
    generation.files = {}
    _write(session, data, generation, INDEX_FILE, _build_index)
    _write(session, data, generation, WORDS_FILE, _count_words)
    _write(session, data, generation, MAP_FILE, _draw_map)


def _open(
    session: Session,
    data: Path,
    generation: GenerationRow,
    name: str,
    load: Callable[[Path, str], _D],
    make: Callable[[Session, GenerationRow], _D],
) -> _D:
    try:
        return load(generation_folder(data, generation.id) / name, generation.files.get(name, ""))
    except IndexDamaged as damage:
        logger.warning("%s Rebuilding it from the database.", damage)
        return _write(session, data, generation, name, make)


def _write(
    session: Session,
    data: Path,
    generation: GenerationRow,
    name: str,
    make: Callable[[Session, GenerationRow], _D],
) -> _D:
    made = make(session, generation)
    sha256 = made.save(generation_folder(data, generation.id) / name)
    if not is_read_only(session.get_bind().engine):  # a copy of another makes it again at the next start
        generation.files = {**generation.files, name: sha256}
    return made


def _build_index(session: Session, generation: GenerationRow) -> FaissIndex:
    x_ND = read_embeddings(session, generation.id, stop=generation.passages)
    return FaissIndex.build(x_ND, generation.recipe.index)


def _count_words(session: Session, generation: GenerationRow) -> Counts:
    return Counts.of(read_texts(session, generation.id, stop=generation.passages))


def _draw_map(session: Session, generation: GenerationRow) -> Places:
    step = -(-(generation.passages or 0) // MAP_PASSAGES) or 1
    dictionary = read_dictionary(session, generation.dictionary_id)
    _, acts_NF = read_activations(session, generation.id, dictionary, stop=generation.passages, step=step)
    counts = Counts.of(read_texts(session, generation.id, stop=generation.passages, step=step))
    labels = read_labels(session, generation.dictionary_id, dictionary)
    return Places.of(about(acts_NF, counts, dictionary), dictionary, labels)
