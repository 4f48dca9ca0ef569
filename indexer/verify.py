"""Whether Postgres and the files that were made from it still agree, and making the files again.

Postgres is the truth: an index file that does not match is written anew (`repair`). What is wrong in Postgres
itself a reindex puts right, as long as the documents are there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine, and_, case, func, or_, select
from sqlalchemy.orm import Session

from search.dictionary import Dictionary
from search.errors import DictionaryError, IndexDamaged
from search.models import Collection, DictionaryRow, Document, Generation, Passage
from search.snapshot import INDEX_FILE, generation_folder, read_embeddings, write_index
from search.vectors import FaissIndex

SAMPLED = 1000  # vectors of each index that are compared with those in Postgres
QUESTIONS, NEAREST = 100, 10  # how recall is measured
TIED = 1e-5  # what is as near as the last of them is as good
LEAST_RECALL = 0.9
FLOAT16, ID, ACTIVATION = 2, 4, 4  # bytes
REINDEX = "Run refract reindex, and do not roll back to this one."
REPAIR = "Run refract verify --repair."


@dataclass(frozen=True)
class Problem:
    """What is wrong with a generation, and what helps. `repaired`: it is not wrong any more."""

    collection: str
    generation: int
    what: str
    remedy: str
    repaired: bool = False


@dataclass(frozen=True)
class Verified:
    """What was looked at, and what was found."""

    generations: int
    passages: int
    problems: list[Problem]

    @property
    def sound(self) -> bool:
        return all(problem.repaired for problem in self.problems)


def verify(database: Engine, data: Path, *, collection: int | None = None, repair: bool = False) -> Verified:
    """Looks at every finished generation of all collections, or of one (by its row id)."""
    problems: list[Problem] = []
    passages = 0
    with Session(database) as session:
        finished = Generation.state.in_(("live", "retired"))
        wanted = [finished] if collection is None else [finished, Generation.collection_id == collection]
        names = {row.id: row.name for row in session.scalars(select(Collection))}
        generations = session.scalars(select(Generation).where(*wanted).order_by(Generation.id)).all()
        for generation in generations:
            passages += generation.passages or 0
            name = names[generation.collection_id]
            wrong = [Problem(name, generation.id, what, REINDEX) for what in _rows(session, generation)]
            # An index file can only be as good as what it is made from.
            if not wrong and (what := _file(session, data, generation)):
                wrong = [Problem(name, generation.id, what, REPAIR, repaired=repair)]
                if repair:
                    write_index(session, data, generation)
            problems += wrong
            session.commit()
    return Verified(len(generations), passages, problems)


def check(session: Session, data: Path, generation: Generation) -> dict[str, Any]:
    """What a build looks at before it goes live: its rows, its file, and how many of the nearest passages
    its index finds (`recall`, against a scan of all).

    Raises:
        IndexDamaged: something is wrong.
    """
    wrong = [*_rows(session, generation)] or [what for what in [_file(session, data, generation)] if what]
    if wrong:
        raise IndexDamaged(
            f"Generation {generation.id} did not pass its checks and is not live: {' '.join(wrong)}",
            hint="Reindex again; what is live stays.",
        )
    index = FaissIndex.load(generation_folder(data, generation.id) / INDEX_FILE, generation.files[INDEX_FILE])
    x_ND = read_embeddings(session, generation.id, stop=generation.passages).astype(np.float32)
    drawn = np.random.default_rng(0).permutation(len(x_ND))[:QUESTIONS]
    nearest = min(NEAREST, len(x_ND))
    _, found_QK = index.search(x_ND[drawn], nearest)
    exact_QN = x_ND[drawn] @ x_ND.T
    least_Q = np.partition(exact_QN, -nearest, axis=1)[:, -nearest]
    scores_QK = np.take_along_axis(exact_QN, found_QK, axis=1)
    recall = float((scores_QK >= least_Q[:, None] - TIED).mean())
    if recall < LEAST_RECALL:
        raise IndexDamaged(
            f"Generation {generation.id} finds {recall:.0%} of the nearest passages and is not live.",
            hint="Reindex with --index flat.",
        )
    return {"passages": len(x_ND), "vectors": min(SAMPLED, len(x_ND)), "recall": recall}


def _rows(session: Session, generation: Generation) -> Iterator[str]:
    """What is wrong with a generation in Postgres."""
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
        func.octet_length(Passage.embedding) == FLOAT16 * dictionary.width,
        func.octet_length(Passage.feature_ids) == ID * active,
        func.octet_length(Passage.activations) == ACTIVATION * active,
    )
    inside = and_(Passage.start >= 0, Passage.end <= func.char_length(Document.text))
    count, highest, broken, outside = session.execute(
        select(
            func.count(),
            func.coalesce(func.max(Passage.id), -1),
            func.count(case((or_(whole.is_(None), ~whole), 1))),
            func.count(case((or_(inside.is_(None), ~inside), 1))),
        )
        .select_from(Passage)
        .outerjoin(Document, Document.id == Passage.document_id)
        .where(Passage.generation_id == generation.id)
    ).one()
    if count < (generation.passages or 0) or highest != count - 1:
        yield f"{count:,} passages are there, up to {highest:,}; it was built with {generation.passages:,}."
    if broken:
        yield f"{broken:,} passages have no embedding or no features of the right size."
    if outside:
        yield f"{outside:,} passages lie outside the text of their documents."


def _file(session: Session, data: Path, generation: Generation) -> str:
    """What is wrong with a generation's index file: its bytes, the number of its vectors, some of them drawn
    at random; "" if nothing."""
    path = generation_folder(data, generation.id) / INDEX_FILE
    try:
        index = FaissIndex.load(path, generation.files.get(INDEX_FILE, ""))
    except IndexDamaged as damage:
        return str(damage)
    if len(index) != generation.passages:
        return f"The index holds {len(index):,} vectors for {generation.passages:,} passages."
    drawn = np.sort(np.random.default_rng().permutation(len(index))[:SAMPLED])
    rows = session.execute(
        select(Passage.id, Passage.embedding).where(
            Passage.generation_id == generation.id, Passage.id.in_(drawn.tolist())
        )
    ).all()
    numbers = np.array([row[0] for row in rows], dtype=np.int64)
    stored = np.frombuffer(b"".join(row[1] or b"" for row in rows), dtype=np.float16)
    wrong = int((index.vectors(numbers) != stored.reshape(len(rows), -1)).any(axis=1).sum())
    return f"{wrong:,} of {len(numbers):,} vectors drawn are not those in Postgres." if wrong else ""
