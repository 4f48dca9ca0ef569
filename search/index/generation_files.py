"""Keeps the derived files of a generation: its index, its counted words, the features of its passages, the
names of its documents, its map of features.

All are mapped where they are opened, so that processes beside each other share one copy in memory. What is
missing or damaged, or was not kept when the generation was built, is made again from Postgres. Vectors that
are in Milvus have a file too, which tells of their collection.

Shape suffixes: N passages, D embedding width, F features.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy.orm import Session

from search.db.connection import is_read_only, open_session
from search.db.locks import take_turn
from search.db.lookup import installation_of
from search.db.models import GenerationRow
from search.dictionary.labels import read_labels
from search.errors import IndexDamaged
from search.index.agreement import about
from search.index.bm25 import Counts
from search.index.document_names import Names
from search.index.faiss_index import FaissIndex, VectorIndex
from search.index.milvus_index import MilvusIndex
from search.index.milvus_server import milvus_address, milvus_server
from search.index.passage_features import PassageFeatures
from search.index.passage_store import (
    read_activations,
    read_dictionary,
    read_embeddings,
    read_names,
    read_texts,
)
from search.index.places import Places

INDEX_FILE = "vectors.faiss"
MILVUS_FILE = "vectors.milvus"
WORDS_FILE = "words.safetensors"
FEATURES_FILE = "features.safetensors"
NAMES_FILE = "names.safetensors"
MAP_FILE = "map.safetensors"

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


def is_in_milvus(generation: GenerationRow) -> bool:
    """Tells whether Milvus searches a generation: one that was built for it, as long as the setting names a
    server. Without one FAISS does, so that no site is down for a setting."""
    return generation.recipe.engine == "milvus" and milvus_address() is not None


def waits_for_its_first_search(generation: GenerationRow) -> bool:
    """Tells whether the index of a generation was never made in the engine that would search it now: it will
    be when it is searched."""
    engine_file = MILVUS_FILE if is_in_milvus(generation) else INDEX_FILE
    return generation.recipe.engine == "milvus" and engine_file not in generation.files


def open_index(session: Session, data: Path, generation: GenerationRow) -> VectorIndex:
    """Opens the index of the passages a generation was built with.

    Raises:
        VectorsUnavailable: it is in Milvus, which does not answer.
    """
    if is_in_milvus(generation):
        return _open(session, data, generation, MILVUS_FILE, MilvusIndex.load, _fill_collection)
    return _open(session, data, generation, INDEX_FILE, FaissIndex.load, _build_index)


def load_index(data: Path, generation: GenerationRow) -> VectorIndex:
    """Opens the same index as it is; nothing is made again.

    Raises:
        IndexDamaged: it is missing or is not what was written.
        VectorsUnavailable: it is in Milvus, which does not answer.
    """
    folder = generation_folder(data, generation.id)
    if is_in_milvus(generation):
        return MilvusIndex.load(folder / MILVUS_FILE, generation.files.get(MILVUS_FILE, ""))
    return FaissIndex.load(folder / INDEX_FILE, generation.files.get(INDEX_FILE, ""))


def open_words(session: Session, data: Path, generation: GenerationRow) -> Counts:
    """Opens the counted words of the passages a generation was built with."""
    return _open(session, data, generation, WORDS_FILE, Counts.load, _count_words)


def open_features(session: Session, data: Path, generation: GenerationRow, words: Counts) -> PassageFeatures:
    """Opens the features of the passages a generation was built with, which have these words."""
    make = partial(_find_features, words=words)
    return _open(session, data, generation, FEATURES_FILE, PassageFeatures.load, make)


def open_names(session: Session, data: Path, generation: GenerationRow) -> Names:
    """Opens the names of the documents a generation was built with."""
    return _open(session, data, generation, NAMES_FILE, Names.load, _name_documents)


def open_map(session: Session, data: Path, generation: GenerationRow, features: PassageFeatures) -> Places:
    """Opens the map of a generation's features, of which its passages have these."""
    return _open(session, data, generation, MAP_FILE, Places.load, partial(_draw_map, features=features))


def write_files(session: Session, data: Path, generation: GenerationRow) -> None:
    """Makes all files of a generation from what is in Postgres and records their hashes (not committed)."""
    generation.files = {}
    if is_in_milvus(generation):
        _write(session, data, generation, MILVUS_FILE, _fill_collection)
    else:
        _write(session, data, generation, INDEX_FILE, _build_index)
    words, _ = _write(session, data, generation, WORDS_FILE, _count_words)
    make = partial(_find_features, words=words)
    features, _ = _write(session, data, generation, FEATURES_FILE, make)
    _write(session, data, generation, NAMES_FILE, _name_documents)
    _write(session, data, generation, MAP_FILE, partial(_draw_map, features=features))


def _open(
    session: Session,
    data: Path,
    generation: GenerationRow,
    name: str,
    load: Callable[[Path, str], _D],
    make: Callable[[Session, GenerationRow], _D],
) -> _D:
    path = generation_folder(data, generation.id) / name
    with suppress(IndexDamaged):
        return load(path, generation.files.get(name, ""))
    # In a transaction of its own: others who open it just now wait, and find what this one recorded.
    with open_session(session.get_bind().engine) as alone:
        take_turn(alone, str(path.resolve()))
        row = alone.get_one(GenerationRow, generation.id)
        try:
            return load(path, row.files.get(name, ""))
        except IndexDamaged as damage:
            if name in row.files:
                logger.warning("%s Making it from the database.", damage)
        _, sha256 = _write(alone, data, row, name, make)
        alone.commit()
    return load(path, sha256)


def _write(
    session: Session,
    data: Path,
    generation: GenerationRow,
    name: str,
    make: Callable[[Session, GenerationRow], _D],
) -> tuple[_D, str]:
    made = make(session, generation)
    sha256 = made.save(generation_folder(data, generation.id) / name)
    if not is_read_only(session.get_bind().engine):  # a copy of another makes it again at the next start
        generation.files = {**generation.files, name: sha256}
    return made, sha256


def _build_index(session: Session, generation: GenerationRow) -> FaissIndex:
    x_ND = read_embeddings(session, generation.id, stop=generation.passages)
    return FaissIndex.build(x_ND, generation.recipe.index)


def _fill_collection(session: Session, generation: GenerationRow) -> MilvusIndex:
    x_ND = read_embeddings(session, generation.id, stop=generation.passages)
    return MilvusIndex.build(milvus_server(), installation_of(session), generation.id, x_ND)


def _count_words(session: Session, generation: GenerationRow) -> Counts:
    return Counts.of(read_texts(session, generation.id, stop=generation.passages))


def _find_features(session: Session, generation: GenerationRow, words: Counts) -> PassageFeatures:
    dictionary = read_dictionary(session, generation.dictionary_id)
    document_N, acts_NF = read_activations(session, generation.id, dictionary, stop=generation.passages)
    return PassageFeatures.of(document_N, acts_NF, about(acts_NF, words, dictionary))


def _name_documents(session: Session, generation: GenerationRow) -> Names:
    return Names.of(read_names(session, generation.id, stop=generation.passages))


def _draw_map(session: Session, generation: GenerationRow, features: PassageFeatures) -> Places:
    step = -(-len(features) // MAP_PASSAGES) or 1
    dictionary = read_dictionary(session, generation.dictionary_id)
    labels = read_labels(session, generation.dictionary_id, dictionary)
    return Places.of(features.about_NF[::step], dictionary, labels)
