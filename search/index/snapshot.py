"""Holds the live generation of a collection in memory, never changed: searches read one snapshot from start
to end, and a new generation is a new snapshot.

Shape suffixes: N passages, F features, K active features a passage.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sqlalchemy import select
from sqlalchemy.orm import Session

from search.db.models import CollectionRow, DictionaryRow, GenerationRow
from search.db.recipe import Recipe
from search.dictionary.autoencoder import Dictionary
from search.dictionary.concepts import Concept
from search.dictionary.families import Family, Reach, read_families
from search.dictionary.labels import Label, read_labels
from search.embedding.embedder import VectorSpace
from search.index.agreement import about
from search.index.bm25 import Counts, Lexicon
from search.index.distinctive import telling
from search.index.document_names import Names
from search.index.faiss_index import FaissIndex, VectorIndex
from search.index.generation_files import open_features, open_index, open_map, open_names, open_words
from search.index.live_docs import visible_numbers
from search.index.passage_features import PassageFeatures
from search.index.passage_store import read_activations, read_dictionary, read_embeddings, read_texts
from search.index.places import Places
from search.index.segments import SegmentedIndex
from search.query.parser import Condition
from search.query.presets import Preset, read_presets
from search.query.repairs import Repairs, read_repairs, rows_of

MEMBERSHIP_BYTES = 64 << 20


@dataclass(frozen=True, eq=False)
class Rows:
    """Holds all passages (M) of a generation, hidden ones too: the index, the words and the features of those
    it was built with, and the names of their documents, which are mapped files; the embeddings, the words and
    the features of those added since."""

    base: VectorIndex
    words: Counts
    features: PassageFeatures
    names: Names
    added_AD: NDArray[np.float16]
    added_words: Counts
    added_features: PassageFeatures

    @property
    def document_M(self) -> NDArray[np.int64]:  # noqa: N802
        """Gives the row id of each passage's document."""
        base_N, added_N = self.features.document_N, self.added_features.document_N
        return np.concatenate([base_N, added_N]) if len(added_N) else base_N


@dataclass(frozen=True, eq=False)
class Visible:
    """Holds the passages that a search sees, numbered 0 to N - 1; `number_N` are their numbers in the
    generation."""

    index: SegmentedIndex
    lexicon: Lexicon
    features: PassageFeatures
    number_N: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Rows, number_N: NDArray[np.int64]) -> "Visible":
        """Takes those of a generation's passages that have these numbers, ascending. Where that is all it was
        built with, nothing is copied."""
        features = rows.features.followed_by(rows.added_features)
        added = FaissIndex.build(rows.added_AD, on_gpu=False) if len(rows.added_AD) else None
        return cls(
            index=SegmentedIndex(rows.base, added, number_N),
            lexicon=Lexicon(rows.words, rows.added_words, number_N),
            features=features if len(number_N) == len(features) else features.only(number_N),
            number_N=number_N,
        )

    def only(self, seen_N: NDArray[np.bool_]) -> "Visible":
        """Takes some of these passages, and makes every number anew from them alone."""
        number_N = self.number_N[seen_N]
        return Visible(
            index=self.index.only(number_N),
            lexicon=self.lexicon.only(number_N),
            features=self.features.only(seen_N),
            number_N=number_N,
        )


@dataclass(frozen=True)
class Mark:
    """Tells whether a snapshot of a collection is up to date: its generation, and the versions of the
    collection, its dictionary's labels, its presets and its repairs, are compared with those stored."""

    generation: int
    version: int
    labels_version: int
    presets_version: int
    repairs_version: int


Part = tuple[int, tuple[Condition, ...]]
"""Names what is read together: a collection (its row id), or what of it some conditions leave."""

PARTS_HELD = 256


class View:
    """Stands for the passages and labels of a snapshot: what is worked out on them is kept under it."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Holds everything a search needs but the texts.

    `rows` is what is stored of the generation, `visible` what a search sees of it; `families` are by number,
    `presets` by name, `places` the map of the features; `view` is another where passages, labels or repairs
    are; `dictionary_id` is the dictionary's number in the store (0: it is in none).
    `only`: nothing else is in it than what meets these conditions.
    """

    collection_id: int
    collection: str
    mark: Mark
    space: VectorSpace
    dictionary_id: int
    dictionary: Dictionary
    labels: list[Label]
    rows: Rows
    visible: Visible
    families: dict[int, Family] = field(default_factory=dict)
    presets: dict[str, Preset] = field(default_factory=dict)
    saved_repairs: Repairs = field(default_factory=Repairs)
    places: Places = field(default_factory=Places)
    view: View = field(default_factory=View)
    only: tuple[Condition, ...] = ()

    @cached_property
    def repairs(self) -> Repairs:
        """Gives the repairs that act here: those of documents that are not there do not."""
        saved = self.saved_repairs
        there = [name for name, rows in saved.rows.items() if len(self.among_documents(np.array(rows)))]
        return saved.only(there) if saved else saved

    @property
    def generation(self) -> int:
        return self.mark.generation

    @property
    def part(self) -> Part:
        return self.collection_id, self.only

    @property
    def index(self) -> VectorIndex:
        return self.visible.index

    @property
    def lexicon(self) -> Lexicon:
        return self.visible.lexicon

    @property
    def number_N(self) -> NDArray[np.int64]:  # noqa: N802
        return self.visible.number_N

    @property
    def document_N(self) -> NDArray[np.int64]:  # noqa: N802
        return self.visible.features.document_N

    @property
    def acts_NF(self) -> csr_matrix:  # noqa: N802
        return self.visible.features.acts_NF

    @property
    def about_NF(self) -> csr_matrix:  # noqa: N802
        return self.visible.features.about_NF

    @property
    def scale_F(self) -> NDArray[np.float32]:  # noqa: N802
        return self.visible.features.scale_F

    @property
    def passages_F(self) -> NDArray[np.integer]:  # noqa: N802
        return self.visible.features.passages_F

    @property
    def passages(self) -> int:
        return len(self.document_N)

    @cached_property
    def documents(self) -> int:
        return len(self.documents_sorted)

    @cached_property
    def documents_sorted(self) -> NDArray[np.int64]:
        """Gives the row ids of the documents, ascending."""
        return np.unique(self.document_N)

    @cached_property
    def membership(self) -> Callable[[Concept], NDArray[np.float32]]:
        """Computes how much each passage belongs to a concept (N,); what was asked last is remembered."""
        acts_NF = self.acts_NF
        kept = MEMBERSHIP_BYTES // (4 * max(self.passages, 1))

        @lru_cache(max(kept, 1))
        def of(concept: Concept) -> NDArray[np.float32]:
            return concept.membership(acts_NF).astype(np.float32)

        return of

    @cached_property
    def reach(self) -> dict[int, Reach]:
        """Says how far each family reaches here, by its number."""
        acts_by_feature = self.acts_NF.tocsc()
        return {number: family.reach(acts_by_feature) for number, family in self.families.items()}

    def among_documents(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Takes those of some row ids, each once and ascending, that are the collection's documents."""
        found = np.unique(rows)
        starts, ends = (np.searchsorted(self.documents_sorted, found, side) for side in ("left", "right"))
        return found[starts < ends]

    def documents_of(self, allowed_N: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        """Gives the row ids of the documents, ascending, that have one of some passages; None: of all."""
        if allowed_N is None:
            return self.documents_sorted
        of_passages = self.document_N[allowed_N]
        runs = of_passages[np.flatnonzero(np.diff(of_passages, prepend=-1))]
        in_order = bool((np.diff(runs) > 0).all())  # as a build writes them: then nothing has to be sorted
        return runs if in_order else np.unique(runs)

    def passages_of(self, document: int) -> NDArray[np.int64]:
        """Finds the passages of a document, by its row id."""
        return np.flatnonzero(self.document_N == document)

    def active(self, passage: int) -> dict[int, float]:
        """Gives the features that a passage is about, and how strongly."""
        start, end = self.about_NF.indptr[passage : passage + 2]
        found = (self.about_NF.indices[start:end].tolist(), self.about_NF.data[start:end].tolist())
        return dict(zip(*found, strict=True))

    def firing(self, feature: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Gives the passages that a feature fires on (P,), and how strongly (P,)."""
        about_by_feature = self.visible.features.about_by_feature
        start, end = about_by_feature.indptr[feature : feature + 2]
        return about_by_feature.indices[start:end], about_by_feature.data[start:end]

    def strongest_of(self, feature: int) -> int | None:
        """Finds the passage that is most about a feature, None where none is."""
        passages, acts = self.firing(feature)
        return int(passages[np.argmax(acts)]) if len(passages) else None

    @cached_property
    def telling(self) -> NDArray[np.bool_]:
        """Says which features tell something here."""
        return telling(self.labels, self.passages_F, self.passages)

    def counts_about(self, passages: NDArray[np.int64]) -> NDArray[np.int64]:
        """Counts how many of some passages are about each feature (F,)."""
        return np.bincount(self.about_NF[passages].indices, minlength=self.dictionary.features)

    def distinctive(self, passages: NDArray[np.int64], least: int = 1) -> list[int]:
        """Finds the telling features that some passages, at least so many, are about more often than others
        are, by how much that says."""
        there_F = self.counts_about(passages)
        expected_F = self.passages_F * (len(passages) / max(self.passages, 1))
        likely = np.flatnonzero((there_F >= least) & self.telling)
        says = there_F[likely] * np.log(there_F[likely] / expected_F[likely])
        return [int(likely[at]) for at in np.argsort(-says, kind="stable") if says[at] > 0]

    def density(self, feature: int) -> float:
        """Gives the share of the collection's passages that the feature fires on."""
        return float(self.passages_F[feature]) / max(self.passages, 1)


def space_of(recipe: Recipe) -> VectorSpace:
    """Gives the vector space of what is built by a recipe."""
    return VectorSpace(
        model=recipe.model,
        precision=recipe.precision,
        question_prompt=recipe.question_prompt,
        passage_prompt=recipe.passage_prompt,
        dimensions=recipe.dimensions,
        width=recipe.width,
    )


def load_snapshot(session: Session, data: Path, generation: GenerationRow) -> Snapshot:
    """Maps the files of a generation, and reads from Postgres what is in none of them. A file that is missing
    or fails its hash is made again from Postgres (and recorded)."""
    collection = session.get_one(CollectionRow, generation.collection_id)
    dictionary_row = session.get_one(DictionaryRow, generation.dictionary_id)
    dictionary = read_dictionary(session, dictionary_row.id)
    rows = _read_rows(session, data, generation, dictionary)
    return Snapshot(
        collection_id=collection.id,
        collection=collection.name,
        mark=Mark(
            generation=generation.id,
            version=collection.version,
            labels_version=dictionary_row.labels_version,
            presets_version=collection.presets_version,
            repairs_version=collection.repairs_version,
        ),
        space=space_of(generation.recipe),
        dictionary_id=dictionary_row.id,
        dictionary=dictionary,
        labels=read_labels(session, dictionary_row.id, dictionary),
        rows=rows,
        visible=_read_visible(session, generation, rows),
        families=read_families(session, dictionary_row.id),
        presets=read_presets(session, collection.id, dictionary_row.id),
        saved_repairs=read_repairs(session, collection.id),
        places=open_map(session, data, generation, rows.features),
    )


def read_changes_again(session: Session, snapshot: Snapshot, generation: GenerationRow) -> Snapshot:
    """Makes a snapshot of the same generation with the documents as they are now."""
    version = session.get_one(CollectionRow, generation.collection_id).version  # it may be older, never newer
    rows = _read_added(session, snapshot.rows, generation, snapshot.dictionary)
    return replace(
        snapshot,
        mark=replace(snapshot.mark, version=version),
        rows=rows,
        visible=_read_visible(session, generation, rows),
        saved_repairs=_of_documents_now(session, snapshot),
        view=View(),
    )


def _of_documents_now(session: Session, snapshot: Snapshot) -> Repairs:
    """Finds the documents anew that a snapshot's repairs name."""
    saved = snapshot.saved_repairs
    named = {each.document for each in saved.saved if each.document}
    return replace(saved, rows=rows_of(session, snapshot.collection_id, named))


def _read_rows(session: Session, data: Path, generation: GenerationRow, dictionary: Dictionary) -> Rows:
    words = open_words(session, data, generation)
    rows = Rows(
        base=open_index(session, data, generation),
        words=words,
        features=open_features(session, data, generation, words),
        names=open_names(session, data, generation),
        added_AD=np.zeros((0, dictionary.width), np.float16),
        added_words=Counts.of([]),
        added_features=PassageFeatures.none(dictionary.features),
    )
    return _read_added(session, rows, generation, dictionary)


def _read_added(session: Session, rows: Rows, generation: GenerationRow, dictionary: Dictionary) -> Rows:
    """Reads the rows that a generation got since, and puts them behind those read before."""
    there = len(rows.features) + len(rows.added_features)
    document_A, acts_AF = read_activations(session, generation.id, dictionary, start=there)
    if not len(document_A):
        return rows
    added_AD = read_embeddings(session, generation.id, start=there)
    added_words = Counts.of(read_texts(session, generation.id, start=there))
    added = PassageFeatures.of(document_A, acts_AF, about(acts_AF, added_words, dictionary))
    return replace(
        rows,
        added_AD=np.concatenate([rows.added_AD, added_AD]),
        added_words=rows.added_words.followed_by(added_words),
        added_features=rows.added_features.followed_by(added),
    )


def _read_visible(session: Session, generation: GenerationRow, rows: Rows) -> Visible:
    return Visible.of(rows, visible_numbers(session, generation, rows.document_M))


def read_marks(session: Session, collection: str | None = None) -> dict[str, Mark]:
    """Reads how every searchable collection stands now, by name; or one alone."""
    of_collection = CollectionRow.presets_version, CollectionRow.repairs_version
    versions = (CollectionRow.version, DictionaryRow.labels_version, *of_collection)
    columns = (CollectionRow.name, GenerationRow.id, *versions)
    statement = (
        select(*columns)
        .join(GenerationRow, GenerationRow.collection_id == CollectionRow.id)
        .join(DictionaryRow, DictionaryRow.id == GenerationRow.dictionary_id)
        .where(GenerationRow.state == "live")
    )
    if collection is not None:
        statement = statement.where(CollectionRow.name == collection)
    return {name: Mark(*rest) for name, *rest in session.execute(statement)}


def read_labels_again(session: Session, snapshot: Snapshot, generation: GenerationRow) -> Snapshot:
    """Makes a snapshot of the same generation with the labels as they are now."""
    wanted = select(DictionaryRow.labels_version).where(DictionaryRow.id == generation.dictionary_id)
    version = session.scalars(wanted).one()  # before the labels: they may be newer, never older
    labels = read_labels(session, generation.dictionary_id, snapshot.dictionary)
    # Another view: which labels hold decides what questions are explained by.
    return replace(snapshot, mark=replace(snapshot.mark, labels_version=version), labels=labels, view=View())


def read_presets_again(session: Session, snapshot: Snapshot) -> Snapshot:
    """Makes a snapshot of the same generation with the presets as they are now."""
    wanted = select(CollectionRow.presets_version).where(CollectionRow.id == snapshot.collection_id)
    version = session.scalars(wanted).one()  # before the presets: they may be newer, never older
    presets = read_presets(session, snapshot.collection_id, snapshot.dictionary_id)
    return replace(snapshot, mark=replace(snapshot.mark, presets_version=version), presets=presets)


def read_repairs_again(session: Session, snapshot: Snapshot) -> Snapshot:
    """Makes a snapshot of the same generation with the repairs as they are now."""
    wanted = select(CollectionRow.repairs_version).where(CollectionRow.id == snapshot.collection_id)
    version = session.scalars(wanted).one()  # before the repairs: they may be newer, never older
    repairs = read_repairs(session, snapshot.collection_id)
    mark = replace(snapshot.mark, repairs_version=version)
    return replace(snapshot, mark=mark, saved_repairs=repairs, view=View())
