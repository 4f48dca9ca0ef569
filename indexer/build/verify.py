"""Verifying compares Postgres with the files that were made from it, and makes the files again.

Postgres is the truth: an index file that does not match is written anew (`repair`). What is wrong in Postgres
itself a reindex puts right, as long as the documents are there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, and_, case, func, or_, select
from sqlalchemy.orm import Session

from indexer.build.passage_rows import READ_DOCUMENTS, passage_embeddings, read_passages
from indexer.documents import fingerprint
from indexer.sources import SourceDocument
from search.db.lookup import count_passages
from search.db.models import CollectionRow, DictionaryRow, DocumentRow, GenerationRow, PassageRow
from search.db.recipe import Checks
from search.dictionary.autoencoder import Activations, Dictionary
from search.errors import DictionaryError, IndexDamaged
from search.index.bm25 import Counts
from search.index.document_names import Names
from search.index.faiss_index import VectorIndex
from search.index.generation_files import (
    FEATURES_FILE,
    MAP_FILE,
    NAMES_FILE,
    WORDS_FILE,
    generation_folder,
    load_index,
    waits_for_its_first_search,
    write_files,
)
from search.index.passage_features import PassageFeatures
from search.index.passage_store import READ_ROWS, read_embeddings
from search.index.places import Places

SAMPLED = 1000  # vectors of each index that are compared with those in Postgres
QUESTIONS, NEAREST = 100, 10  # how recall is measured
TIED = 1e-5  # what is as near as the last of them is as good
LEAST_RECALL = 0.9
LEAST_ALIKE = 0.9
FLOAT16, ID, ACTIVATION = 2, 4, 4  # bytes
REINDEX = "Run refract reindex, and do not roll back to this one."
REPAIR = "Run refract verify --repair."


@dataclass(frozen=True)
class Problem:
    """Says what is wrong with a generation, and what helps. `repaired`: it is not wrong any more."""

    collection: str
    generation: int
    what: str
    remedy: str
    repaired: bool = False


@dataclass(frozen=True)
class Verified:
    """Says how much was looked at, and what was found."""

    generations: int
    passages: int
    problems: list[Problem]

    @property
    def sound(self) -> bool:
        return all(problem.repaired for problem in self.problems)


def verify(database: Engine, data: Path, *, collection: int | None = None, repair: bool = False) -> Verified:
    """Verifies every finished generation of all collections, or of one (by its row id).

    Raises:
        VectorsUnavailable: one is in Milvus, which does not answer.
    """
    problems: list[Problem] = []
    passages = 0
    with Session(database) as session:
        finished = GenerationRow.state.in_(("live", "retired"))
        wanted = [finished] if collection is None else [finished, GenerationRow.collection_id == collection]
        names = {row.id: row.name for row in session.scalars(select(CollectionRow))}
        generations = session.scalars(select(GenerationRow).where(*wanted).order_by(GenerationRow.id)).all()
        for generation in generations:
            passages += generation.passages or 0
            name = names[generation.collection_id]
            wrong = [Problem(name, generation.id, what, REINDEX) for what in _rows(session, generation)]
            # An index file can only be as good as what it is made from.
            if not wrong and not waits_for_its_first_search(generation):
                try:
                    _checked_index(session, data, generation)
                except IndexDamaged as damage:
                    wrong = [Problem(name, generation.id, str(damage), REPAIR, repaired=repair)]
                    if repair:
                        write_files(session, data, generation)
            problems += wrong
            session.commit()
    return Verified(len(generations), passages, problems)


def check(session: Session, data: Path, generation: GenerationRow) -> Checks:
    """Checks a generation before it goes live: its rows, its file, and how many of the nearest passages its
    index finds (`recall`, against a scan of all).

    Raises:
        IndexDamaged: something is wrong.
    """
    try:
        if wrong := [*_rows(session, generation)]:
            raise IndexDamaged(" ".join(wrong))
        index = _checked_index(session, data, generation)
    except IndexDamaged as damage:
        raise IndexDamaged(
            f"Generation {generation.id} did not pass its checks and is not live: {damage}",
            hint="Reindex again; what is live stays.",
        ) from None
    recall = measure_recall(session, generation, index)
    if recall < LEAST_RECALL:
        raise IndexDamaged(
            f"Generation {generation.id} finds {recall:.0%} of the nearest passages and is not live.",
            hint="Reindex with --index flat.",
        )
    return Checks(passages=len(index), vectors=min(SAMPLED, len(index)), recall=recall)


def measure_recall(
    session: Session, generation: GenerationRow, index: VectorIndex, *, block: int = READ_ROWS
) -> float:
    """Measures the share of the passages nearest to some of them that the index finds, against a scan of all,
    of which a block is in memory at a time."""
    passages = len(index)
    drawn = np.sort(np.random.default_rng(0).permutation(passages)[:QUESTIONS])
    q_QD = passage_embeddings(session, generation.id, drawn.tolist()).astype(np.float32)
    nearest = min(NEAREST, passages)
    _, found_QK = index.search(q_QD, nearest)
    scores_QK = np.empty(found_QK.shape, np.float32)
    best_QK = np.full(found_QK.shape, -np.inf, np.float32)
    for start in range(0, passages, block):
        stop = min(start + block, passages)
        exact_QN = q_QD @ read_embeddings(session, generation.id, start=start, stop=stop).astype(np.float32).T
        questions, places = np.nonzero((found_QK >= start) & (found_QK < stop))
        scores_QK[questions, places] = exact_QN[questions, found_QK[questions, places] - start]
        either = np.concatenate([best_QK, exact_QN], axis=1)
        best_QK = np.partition(either, -nearest, axis=1)[:, -nearest:]
    return float((scores_QK >= best_QK.min(axis=1, keepdims=True) - TIED).mean())


def _rows(session: Session, generation: GenerationRow) -> Iterator[str]:
    """Lists what is wrong with a generation in Postgres."""
    row = session.get(DictionaryRow, generation.dictionary_id)
    if row is None:
        yield "It has no dictionary."
        return
    try:
        dictionary = Dictionary.from_bytes(row.weights, row.card)
    except DictionaryError as error:
        yield str(error)
        return
    active = dictionary.card.active
    whole = and_(
        func.octet_length(PassageRow.embedding) == FLOAT16 * dictionary.width,
        func.octet_length(PassageRow.feature_ids) == ID * active,
        func.octet_length(PassageRow.activations) == ACTIVATION * active,
    )
    inside = and_(PassageRow.start >= 0, PassageRow.end <= func.char_length(DocumentRow.text))
    count, highest, broken, outside = session.execute(
        select(
            func.count(),
            func.coalesce(func.max(PassageRow.id), -1),
            func.count(case((or_(whole.is_(None), ~whole), 1))),
            func.count(case((or_(inside.is_(None), ~inside), 1))),
        )
        .select_from(PassageRow)
        .outerjoin(DocumentRow, DocumentRow.id == PassageRow.document_id)
        .where(PassageRow.generation_id == generation.id)
    ).one()
    if count < (generation.passages or 0) or highest != count - 1:
        yield f"{count:,} passages are there, up to {highest:,}; it was built with {generation.passages:,}."
    if broken:
        yield f"{broken:,} passages have no embedding or no features of the right size."
    if outside:
        yield f"{outside:,} passages lie outside the text of their documents."
    if not broken and (wrong := _wrong_features(session, generation, dictionary)):
        yield wrong
    if changed := sum(1 for document in _documents(session, generation) if not _is_whole(document)):
        yield f"{changed:,} documents are not what was written: their hash is another."


def _wrong_features(session: Session, generation: GenerationRow, dictionary: Dictionary) -> str:
    """Compares the features of some passages drawn at random with those that the dictionary finds. (A few may
    differ on another machine, most may not.)"""
    drawn = _drawn(count_passages(session, generation.id))
    columns = (PassageRow.embedding, PassageRow.feature_ids, PassageRow.activations)
    rows = list(read_passages(session, generation.id, drawn.tolist(), *columns))
    if not rows:
        return ""
    embeddings, ids, values = zip(*rows, strict=True)
    x_ND = np.frombuffer(b"".join(embeddings), np.float16).reshape(len(rows), -1)
    stored = Activations.from_bytes(ids, values, dictionary.card.active)
    found = dictionary.encode(x_ND)
    wrong = sum(not _alike(stored.row(row), found.row(row)) for row in range(len(rows)))
    return f"{wrong:,} of {len(rows):,} passages drawn have features of something else." if wrong else ""


def _drawn(passages: int) -> NDArray[np.int64]:
    """Draws some passages by number, others each time."""
    return np.sort(np.random.default_rng().permutation(passages)[:SAMPLED])


def _alike(stored: dict[int, float], found: dict[int, float]) -> bool:
    """Tells whether two texts fire the same, by the cosine of their activations."""
    both = sum(value * found.get(feature, 0.0) for feature, value in stored.items())
    sizes = [sum(value * value for value in each.values()) ** 0.5 for each in (stored, found)]
    return stored == found or both > LEAST_ALIKE * sizes[0] * sizes[1]


def _documents(session: Session, generation: GenerationRow) -> Iterator[DocumentRow]:
    """Streams the documents that a generation holds passages of."""
    held = select(PassageRow.document_id).where(PassageRow.generation_id == generation.id)
    rows = select(DocumentRow).where(DocumentRow.id.in_(held)).execution_options(yield_per=READ_DOCUMENTS)
    for document in session.scalars(rows):
        yield document
        session.expunge(document)


def _is_whole(document: DocumentRow) -> bool:
    given = SourceDocument(
        id=document.external_id,
        title=document.title,
        text=document.text,
        url=document.url,
        meta=document.meta,
    )
    return fingerprint(given) == document.sha256


def _checked_index(session: Session, data: Path, generation: GenerationRow) -> VectorIndex:
    """Loads the files of a generation and checks their bytes, for how many passages they are, and some of the
    vectors, drawn at random.

    Raises:
        IndexDamaged: something is wrong.
    """
    folder, files = generation_folder(data, generation.id), generation.files
    index = load_index(data, generation)
    held = {"vectors": len(index)}
    # Those that there were none of when it was built it gets when it is searched.
    if WORDS_FILE in files:
        held["counted texts"] = len(Counts.load(folder / WORDS_FILE, files[WORDS_FILE]))
    if FEATURES_FILE in files:
        held["rows of features"] = len(PassageFeatures.load(folder / FEATURES_FILE, files[FEATURES_FILE]))
    if NAMES_FILE in files:
        Names.load(folder / NAMES_FILE, files[NAMES_FILE])
    if MAP_FILE in files:
        Places.load(folder / MAP_FILE, files[MAP_FILE])
    for what, there in held.items():
        if there != generation.passages:
            raise IndexDamaged(f"The index holds {there:,} {what} for {generation.passages:,} passages.")
    drawn = _drawn(len(index))
    stored_ND = passage_embeddings(session, generation.id, drawn.tolist())
    wrong = int((index.vectors(drawn) != stored_ND).any(axis=1).sum())
    if wrong:
        raise IndexDamaged(f"{wrong:,} of {len(drawn):,} vectors drawn are not those in Postgres.")
    return index
