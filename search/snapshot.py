"""The live generation of a collection, held in memory and never changed: searches read one snapshot from
start to end, and a new generation is a new snapshot.

Shape suffixes: N passages, F features, K active features a passage.
"""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix
from sqlalchemy import select
from sqlalchemy.orm import Session

from search.concepts import Concept
from search.dictionary import Activations, Dictionary
from search.embedder import VectorSpace
from search.errors import CollectionNotFound, IndexDamaged, NotIndexed
from search.families import Family, Reach, read_families
from search.labels import Label, read_labels
from search.models import Collection, DictionaryRow, FeatureStats, Generation, Passage
from search.vectors import FlatIndex

INDEX_FILE = "vectors.faiss"
READ_ROWS = 10_000
MEMBERSHIP_BYTES = 64 << 20
COLLECTION_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Everything a search needs but the texts.

    `acts_NF` by passage and `acts_by_feature` (the same matrix by column); `document_N` the row id of each
    passage's document; `scale_F` the 90th percentile activation; `passages_F` how many passages fire;
    `families` by number; `concepts` remembers those fitted on this generation; `labels_version` is that of
    the dictionary's labels, `dictionary_id` its number in the store (0: it is in none).
    """

    collection_id: int
    collection: str
    generation: int
    seq: int
    space: VectorSpace
    dictionary: Dictionary
    labels: list[Label]
    index: FlatIndex
    document_N: NDArray[np.int64]
    acts_NF: csr_matrix
    acts_by_feature: csc_matrix
    scale_F: NDArray[np.float32]
    passages_F: NDArray[np.int64]
    families: dict[int, Family] = field(default_factory=dict)
    concepts: dict[str, Concept] = field(default_factory=dict)
    labels_version: int = 0
    dictionary_id: int = 0

    @property
    def passages(self) -> int:
        return len(self.document_N)

    @cached_property
    def documents(self) -> int:
        return len(np.unique(self.document_N))

    @cached_property
    def membership(self) -> Callable[[Concept], NDArray[np.float32]]:
        """How much each passage belongs to a concept (N,); what was asked last is remembered."""
        acts_NF = self.acts_NF
        kept = MEMBERSHIP_BYTES // (4 * max(self.passages, 1))

        @lru_cache(max(kept, 1))
        def of(concept: Concept) -> NDArray[np.float32]:
            return concept.membership(acts_NF).astype(np.float32)

        return of

    @cached_property
    def reach(self) -> dict[int, Reach]:
        """How far each family reaches here, by its number."""
        return {number: family.reach(self.acts_by_feature) for number, family in self.families.items()}

    def density(self, feature: int) -> float:
        """Share of the collection's passages that the feature fires on."""
        return float(self.passages_F[feature]) / max(self.passages, 1)


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
    collection = find_collection(session, name)
    live = session.scalar(
        select(Generation).where(Generation.collection_id == collection.id, Generation.state == "live")
    )
    if live is None:
        raise NotIndexed(
            f"The collection {name!r} has no finished index yet.",
            hint="Wait for the build to end, or run refract index PATH.",
        )
    return live


def load_snapshot(session: Session, data: Path, generation: Generation) -> Snapshot:
    """Reads a generation from Postgres and its index file. A file that is missing or fails its hash is made
    again from Postgres (and recorded)."""
    collection = session.get_one(Collection, generation.collection_id)
    dictionary_row = session.get_one(DictionaryRow, generation.dictionary_id)
    dictionary = Dictionary.from_bytes(dictionary_row.weights, dictionary_row.card)
    document_N, acts_NF = read_activations(session, generation.id, dictionary)
    scale_F, passages_F = _read_stats(session, generation.id, dictionary.features)
    return Snapshot(
        collection.id,
        collection.name,
        generation.id,
        generation.seq,
        VectorSpace(generation.recipe["model"], generation.recipe["precision"]),
        dictionary,
        read_labels(session, dictionary_row.id, dictionary.features),
        open_index(session, data, generation),
        document_N,
        acts_NF,
        acts_NF.tocsc(),
        scale_F,
        passages_F,
        families=read_families(session, dictionary_row.id),
        labels_version=dictionary_row.labels_version,
        dictionary_id=dictionary_row.id,
    )


def labels_version(session: Session, generation: Generation) -> int:
    """The number that grows with every change of the labels that a generation shows."""
    wanted = select(DictionaryRow.labels_version).where(DictionaryRow.id == generation.dictionary_id)
    return session.scalars(wanted).one()


def read_labels_again(session: Session, snapshot: Snapshot, generation: Generation) -> Snapshot:
    """The snapshot of the same generation with the labels as they are now."""
    version = labels_version(session, generation)  # before the labels: they may be newer, never older
    labels = read_labels(session, generation.dictionary_id, snapshot.dictionary.features)
    return replace(snapshot, labels=labels, labels_version=version)


def open_index(session: Session, data: Path, generation: Generation) -> FlatIndex:
    """The generation's FAISS index, rebuilt from Postgres where the file cannot be trusted."""
    path = generation_folder(data, generation.id) / INDEX_FILE
    try:
        return FlatIndex.load(path, generation.files.get(INDEX_FILE, ""))
    except IndexDamaged as damage:
        logger.warning("%s Rebuilding it from the database.", damage)
        return write_index(session, data, generation)


def write_index(session: Session, data: Path, generation: Generation) -> FlatIndex:
    """Builds the index from the embeddings in Postgres, saves it and records its hash (not committed)."""
    index = FlatIndex.build(read_embeddings(session, generation.id))
    sha256 = index.save(generation_folder(data, generation.id) / INDEX_FILE)
    generation.files = {**generation.files, INDEX_FILE: sha256}
    return index


def read_embeddings(session: Session, generation: int) -> NDArray[np.float16]:
    """The embeddings (N, D) of a generation, in passage order."""
    rows = [row[0] for row in _stream(session, generation, Passage.embedding)]
    return np.frombuffer(b"".join(rows), dtype=np.float16).reshape(len(rows), -1)


def _stream(session: Session, generation: int, *columns: Any) -> Iterator[Any]:
    statement = select(*columns).where(Passage.generation_id == generation).order_by(Passage.id)
    return iter(session.execute(statement, execution_options={"yield_per": READ_ROWS}))


def read_activations(
    session: Session, generation: int, dictionary: Dictionary
) -> tuple[NDArray[np.int64], csr_matrix]:
    """The document (N,) and the activations (N, F) of each passage of a generation, in passage order."""
    columns = (Passage.document_id, Passage.feature_ids, Passage.activations)
    documents, ids, values = [], [], []
    for document, row_ids, row_values in _stream(session, generation, *columns):
        documents.append(document)
        ids.append(row_ids)
        values.append(row_values)
    shape = (len(documents), dictionary.card.active)
    acts = Activations(
        np.frombuffer(b"".join(ids), dtype=np.int32).reshape(shape),
        np.frombuffer(b"".join(values), dtype=np.float32).reshape(shape),
    )
    return np.array(documents, dtype=np.int64), acts.matrix(dictionary.features)


def _read_stats(
    session: Session, generation: int, features: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    scale_F, passages_F = np.zeros(features, np.float32), np.zeros(features, np.int64)
    for row in session.scalars(select(FeatureStats).where(FeatureStats.generation_id == generation)):
        scale_F[row.feature] = row.quantiles[9]
        passages_F[row.feature] = row.passages
    return scale_F, passages_F
