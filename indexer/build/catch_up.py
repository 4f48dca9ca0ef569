"""Catching up adds to a generation the passages of documents that were written since it was built.

They are added behind those it was built with, the newest documents first, so that who writes one sees it
soon, also while thousands wait.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from cachetools import LRUCache
from sqlalchemy import Engine, Select, exists, func, select, text
from sqlalchemy.orm import Session

from indexer.build.passage_rows import (
    SAME_SPACE,
    PassageValues,
    add_passages,
    passages_of,
    space_values,
    splitter_for,
)
from indexer.documents import touch
from indexer.progress import Reporter
from search.db.locks import take_turn
from search.db.lookup import count_passages
from search.db.models import DocumentRow, GenerationRow, PassageRow
from search.embedding.embedder import Embedder, embedder_of
from search.embedding.splitter import embedded_text
from search.index.passage_store import read_dictionary
from search.index.snapshot import space_of

DOCUMENTS = 64
REMEMBERED = 20_000
"""So many texts that were embedded are known in the next steps: what many documents say is embedded once."""

CHARACTERS = 60_000
"""A step takes documents until they have this many characters: well under a second of embedding on two
cores."""


@dataclass(frozen=True)
class Pending:
    """Holds a document that a generation lacks."""

    id: int
    title: str
    text: str


class CatchUp:
    """Adds to one generation what it lacks, at most so many documents at a time.

    Raises:
        ConfigurationError: its embedding model cannot be loaded.
    """

    def __init__(
        self,
        database: Engine,
        generation: int,
        embedder: Embedder | None = None,
        *,
        documents: int = DOCUMENTS,
    ) -> None:
        self.database = database
        self.generation = generation
        self._documents = documents
        with Session(database) as session:
            row = session.get_one(GenerationRow, generation)
            self._recipe = row.recipe
            self._dictionary = read_dictionary(session, row.dictionary_id)
        space = space_of(self._recipe)  # the prompts of a model's files may be others since
        self._embedder = embedder if embedder and embedder.space == space else embedder_of(space)
        self._splitter = splitter_for(self._embedder, self._recipe)
        self._embedded = LRUCache[bytes, bytes](REMEMBERED)

    def run(self, reporter: Reporter) -> int:
        """Adds all that is pending; gives the number of documents."""
        with Session(self.database) as session:
            waiting = count_pending(session, session.get_one(GenerationRow, self.generation))
        done = 0
        if waiting:
            with reporter.step("adding new documents", waiting):
                while added := self.step():
                    done += added
                    reporter.reach(done, max(done, waiting))
        return done

    def step(self) -> int:
        """Adds some documents, each whole; gives their number, 0 when nothing is pending or the generation is
        dropped. While texts are embedded no transaction is open."""
        with Session(self.database) as session:
            row = session.get(GenerationRow, self.generation)
            pending = read_pending(session, row, self._documents) if row else []
            known = self._known(session, row, pending) if row and pending else {}
        if not pending:
            return 0
        rows = self._rows(pending, known)
        with Session(self.database) as session:
            self._add(session, rows)
            session.commit()
        return len(pending)

    def finish(self, session: Session) -> None:
        """Adds all that is pending within a transaction that lets no document change."""
        row = session.get_one(GenerationRow, self.generation)
        while pending := read_pending(session, row, self._documents):
            self._add(session, self._rows(pending, self._known(session, row, pending)))

    def _known(self, session: Session, row: GenerationRow, pending: list[Pending]) -> dict[bytes, bytes]:
        """Reads known embeddings by the hash of their text: of other versions of these documents, of
        documents of the same text under another id, and of other generations."""
        statement = text(
            f"""
            SELECT p.sha256, p.embedding FROM passages AS p
            WHERE p.embedding IS NOT NULL
              AND p.generation_id IN (
                SELECT g.id FROM generations AS g
                WHERE g.collection_id = :collection AND {SAME_SPACE})
              AND p.document_id IN (
                SELECT other.id FROM documents AS d JOIN documents AS other
                ON other.collection_id = d.collection_id AND other.external_id = d.external_id
                WHERE d.id = ANY(:ids)
                UNION
                SELECT other.id FROM documents AS d JOIN documents AS other
                ON other.collection_id = d.collection_id AND other.sha256 = d.sha256
                WHERE d.id = ANY(:ids))
            """
        )
        found = session.execute(
            statement,
            {
                "collection": row.collection_id,
                "ids": [document.id for document in pending],
                **space_values(self._recipe),
            },
        )
        return {row[0]: row[1] for row in found}

    def _rows(self, pending: list[Pending], known: dict[bytes, bytes]) -> list[PassageValues]:
        """Splits documents into passages and encodes them with the model and the dictionary."""
        places, texts = [], dict[bytes, str]()
        for document in pending:
            title = self._splitter.clip_title(document.title)
            found = [*passages_of(document.title, document.text, self._splitter)]
            for start, end, sha256 in found or [(0, 0, hashlib.sha256(title.encode()).digest())]:
                places.append((document.id, start, end, sha256))
                if sha256 not in known and sha256 not in self._embedded:
                    texts[sha256] = embedded_text(title, document.text[start:end])
        embedded = self._embedder.encode(list(texts.values()))
        fresh = {sha256: x_D.tobytes() for sha256, x_D in zip(texts, embedded, strict=True)}
        vectors = {**self._embedded, **known, **fresh}
        self._embedded.update(fresh)
        x_ND = np.frombuffer(b"".join(vectors[place[3]] for place in places), np.float16)
        acts = self._dictionary.encode(x_ND.reshape(len(places), -1), device=self._embedder.device)
        return [
            (*place, vectors[place[3]], ids.tobytes(), values.tobytes())
            for place, ids, values in zip(places, acts.ids_NK, acts.values_NK, strict=True)
        ]

    def _add(self, session: Session, rows: list[PassageValues]) -> None:
        """Adds passages, but for those of documents that another process added meanwhile, or of a generation
        that was dropped (not committed)."""
        generation = session.get(
            GenerationRow, self.generation, with_for_update={"key_share": True, "read": True}
        )
        if generation is None:
            return
        take_turn(session, f"refract add {generation.id}")
        of_generation = PassageRow.generation_id == generation.id
        documents = {row[0] for row in rows}
        kept = select(DocumentRow.id).where(DocumentRow.id.in_(documents))
        wanted = set(session.scalars(kept.with_for_update(key_share=True, read=True)))
        there = select(PassageRow.document_id).where(of_generation, PassageRow.document_id.in_(documents))
        wanted -= set(session.scalars(there))
        first = count_passages(session, generation.id)
        add_passages(session, generation.id, first, [row for row in rows if row[0] in wanted])
        touch(session, generation.collection_id)


def count_pending(session: Session, generation: GenerationRow) -> int:
    """Counts the documents that a generation lacks."""
    return session.scalar(select(func.count()).select_from(_lacking(generation).subquery())) or 0


def read_pending(session: Session, generation: GenerationRow, most: int) -> list[Pending]:
    """Reads some of the documents that a generation lacks, the newest first."""
    sizes = session.execute(_lacking(generation).order_by(DocumentRow.seq.desc()).limit(most)).all()
    before = np.cumsum([0, *(size for _, size in sizes)])
    wanted = [
        number for (number, _), characters in zip(sizes, before, strict=False) if characters < CHARACTERS
    ]
    columns = (DocumentRow.id, DocumentRow.title, DocumentRow.text)
    return [Pending(*row) for row in session.execute(select(*columns).where(DocumentRow.id.in_(wanted)))]


def _lacking(generation: GenerationRow) -> Select[int, int]:
    has_passages = exists().where(
        PassageRow.generation_id == generation.id, PassageRow.document_id == DocumentRow.id
    )
    return select(DocumentRow.id, func.char_length(DocumentRow.text)).where(
        DocumentRow.collection_id == generation.collection_id,
        DocumentRow.seq > generation.seq,
        DocumentRow.superseded.is_(None),
        ~has_passages,
    )
