"""Catching up adds to a generation the passages of documents that were written since it was built.

They are added behind those it was built with, the newest documents first, so that who writes one sees it
soon, also while thousands wait.
"""

import hashlib
import time
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
)
from indexer.documents import touch
from indexer.progress import Reporter
from search.db.locks import take_turn
from search.db.lookup import count_passages
from search.db.models import DocumentRow, GenerationRow, PassageRow
from search.embedding.embedder import Embedder, embedder_of, splitter_of
from search.embedding.splitter import embedded_text
from search.index.passage_store import read_dictionary
from search.index.snapshot import space_of

DOCUMENTS = 64
REMEMBERED_BYTES = 16 << 20
"""So much of what was embedded is known in the next steps: what many documents say is embedded once."""

STEP_SECONDS = 1.0
FIRST_CHARACTERS = 24_000
MOST_CHARACTERS = 1_000_000
"""A step embeds what takes about a second: at first so many characters, then as this machine turns out to be.
So one large document holds up no other, of its own collection or of another one, for longer than that."""


@dataclass(frozen=True)
class Pending:
    """Holds a document that a generation lacks."""

    id: int
    title: str
    text: str


@dataclass(frozen=True)
class _Planned:
    """Holds a passage to be: its document, its place there, the hash of what is embedded, and that itself."""

    document: int
    start: int
    end: int
    sha256: bytes
    text: str


@dataclass
class _Begun:
    """Holds a document too large for one step: what is left to embed of it, and the rows that are made."""

    document: int
    left: list[_Planned]
    known: dict[bytes, bytes]
    rows: list[PassageValues]


class CatchUp:
    """Adds to one generation what it lacks, in steps of so many documents and seconds at most.

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
        seconds: float = STEP_SECONDS,
    ) -> None:
        self.database = database
        self.generation = generation
        self._documents = documents
        self._seconds = seconds
        with Session(database) as session:
            row = session.get_one(GenerationRow, generation)
            self._recipe = row.recipe
            self._dictionary = read_dictionary(session, row.dictionary_id)
        space = space_of(self._recipe)  # the prompts of a model's files may be others since
        self._embedder = embedder if embedder and embedder.space == space else embedder_of(space)
        self._splitter = splitter_of(self._embedder, self._recipe.passage_tokens)
        self._embedded = LRUCache[bytes, bytes](REMEMBERED_BYTES, len)
        self._characters = FIRST_CHARACTERS
        self._begun: _Begun | None = None

    def run(self, reporter: Reporter) -> int:
        """Adds all that is pending; gives the number of documents."""
        with Session(self.database) as session:
            waiting = count_pending(session, session.get_one(GenerationRow, self.generation))
        done = 0
        if waiting:
            with reporter.step("adding new documents", waiting):
                while (added := self.step()) or self.is_amid:
                    done += added
                    reporter.reach(done, max(done, waiting))
        return done

    @property
    def is_amid(self) -> bool:
        """Whether a large document is begun: the next steps go on with it."""
        return self._begun is not None

    def step(self) -> int:
        """Embeds for about a second and adds documents, each whole; gives their number. It is 0 amid a large
        one, and when nothing is pending or the generation is dropped. While texts are embedded no transaction
        is open."""
        with Session(self.database) as session:
            row = session.get(GenerationRow, self.generation)
            pending = read_pending(session, row, self._documents, self._characters) if row else []
            is_large = bool(pending) and self._is_large(pending)
            if self._begun and (not pending or (is_large and not lacks(session, row, self._begun.document))):
                self._begun = None
            known = self._known(session, row, pending) if row and not (is_large and self._begun) else {}
        if not pending:
            return 0
        if not is_large:
            return self._store(len(pending), self._encoded(self._planned(pending), known))
        self._begun = self._begun or _Begun(pending[0].id, self._planned(pending), known, [])
        return self._go_on(self._begun)

    def _is_large(self, pending: list[Pending]) -> bool:
        """Whether what comes next is one document that takes many steps; one that is begun does."""
        is_begun = self._begun is not None and self._begun.document == pending[0].id
        return len(pending) == 1 and (is_begun or len(pending[0].text) > self._characters)

    def finish(self, session: Session) -> None:
        """Adds all that is pending within a transaction that lets no document change."""
        row = session.get_one(GenerationRow, self.generation)
        while pending := read_pending(session, row, self._documents, self._characters):
            known = self._known(session, row, pending)
            self._add(session, self._encoded(self._planned(pending), known))

    def _go_on(self, begun: _Begun) -> int:
        """Embeds the next passages of a large document; once there are no more it is added."""
        ends = np.cumsum([len(passage.text) for passage in begun.left])
        count = int(np.searchsorted(ends, self._characters)) + 1
        piece, begun.left = begun.left[:count], begun.left[count:]
        begun.rows += self._encoded(piece, begun.known)
        if begun.left:
            return 0
        self._begun = None
        return self._store(1, begun.rows)

    def _store(self, documents: int, rows: list[PassageValues]) -> int:
        with Session(self.database) as session:
            self._add(session, rows)
            session.commit()
        return documents

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

    def _planned(self, pending: list[Pending]) -> list[_Planned]:
        """Splits documents into passages."""
        planned = []
        for document in pending:
            title = self._splitter.clip_title(document.title)
            found = [*passages_of(document.title, document.text, self._splitter)]
            for start, end, sha256 in found or [(0, 0, hashlib.sha256(title.encode()).digest())]:
                text = embedded_text(title, document.text[start:end])
                planned.append(_Planned(document.id, start, end, sha256, text))
        return planned

    def _encoded(self, planned: list[_Planned], known: dict[bytes, bytes]) -> list[PassageValues]:
        """Encodes passages with the model and the dictionary, but for embeddings that are known."""
        texts = {
            passage.sha256: passage.text
            for passage in planned
            if passage.sha256 not in known and passage.sha256 not in self._embedded
        }
        fresh = dict(zip(texts, self._embed(list(texts.values())), strict=True))
        vectors = {**self._embedded, **known, **fresh}
        self._embedded.update(fresh)
        x_ND = np.frombuffer(b"".join(vectors[passage.sha256] for passage in planned), np.float16)
        acts = self._dictionary.encode(x_ND.reshape(len(planned), -1), device=self._embedder.device)
        ids, values = ([row.tobytes() for row in found] for found in (acts.ids_NK, acts.values_NK))
        return [
            (
                each.document,
                each.start,
                each.end,
                each.sha256,
                vectors[each.sha256],
                ids[place],
                values[place],
            )
            for place, each in enumerate(planned)
        ]

    def _embed(self, texts: list[str]) -> list[bytes]:
        """Embeds texts, and learns how many characters take a second."""
        begun = time.perf_counter()
        x_ND = self._embedder.encode(texts)
        if characters := sum(map(len, texts)):
            fitting = characters / max(time.perf_counter() - begun, 1e-3) * self._seconds
            self._characters = int(min(max(fitting, FIRST_CHARACTERS / 4), MOST_CHARACTERS))
        return [x_D.tobytes() for x_D in x_ND]

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


def lacks(session: Session, generation: GenerationRow | None, document: int) -> bool:
    """Whether a document is one of those that a generation lacks."""
    if generation is None:
        return False
    return session.execute(_lacking(generation).where(DocumentRow.id == document)).first() is not None


def read_pending(session: Session, generation: GenerationRow, most: int, characters: int) -> list[Pending]:
    """Reads some of the documents that a generation lacks, the newest first: as many as have so many
    characters, or one that has more."""
    sizes = session.execute(_lacking(generation).order_by(DocumentRow.seq.desc()).limit(most)).all()
    ends = np.cumsum([size for _, size in sizes])
    wanted = [row[0] for place, row in enumerate(sizes) if place == 0 or ends[place] <= characters]
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
