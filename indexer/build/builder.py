"""A build: from a collection's documents to a live generation.

split -> embed -> dictionary -> activations -> families -> index -> replay -> check -> flip. Every step leaves
its result in Postgres before the next begins, embedding every batch, so a build that was killed goes on where
it was. Nothing of it can be seen by a search before the last transaction; documents that change meanwhile are
replayed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from indexer.build import stages
from indexer.build.carry_over import LostLabel, carry_late_edits, carry_over
from indexer.build.catch_up import Replay
from indexer.build.generations import make_live
from indexer.build.passage_rows import (
    create_partition,
    fill,
    passage_texts,
    plan_passages,
    splitter_for,
    take_over_embeddings,
)
from indexer.build.retention import drop_dictionaries, drop_generation, drop_old_versions
from indexer.build.scorecard import measure
from indexer.build.verify import check
from indexer.documents import lock_documents
from indexer.progress import Reporter
from search.db.connection import notify
from search.db.locks import build_lock
from search.db.models import DictionaryRow, Document, Generation, Passage
from search.embedding.embedder import Embedder
from search.embedding.splitter import TARGET_TOKENS, embedded_text
from search.errors import Busy, SourceError
from search.index.generation_files import live_of, write_files
from search.query.limits import IndexKind

EMBED_ROWS = 256
KEPT = 2  # retired generations that one can go back to


@dataclass(frozen=True)
class BuildReport:
    """What a build made: seconds of each step, how many passages were embedded and not taken over, and labels
    by hand that have no feature in its new dictionary."""

    generation: int
    documents: int
    passages: int
    embedded: int
    seconds: dict[str, float]
    scorecard: dict[str, Any] = field(default_factory=dict)
    lost_labels: list[LostLabel] = field(default_factory=list)


class Build:
    """Builds the collections of one database."""

    def __init__(self, database: Engine, data: Path, embedder: Embedder, reporter: Reporter) -> None:
        self.database = database
        self.data = data
        self.embedder = embedder
        self.reporter = reporter

    def run(
        self,
        collection: int,
        *,
        passage_tokens: int | None = None,
        index: IndexKind | None = None,
    ) -> BuildReport:
        """Takes a build of the collection from wherever it stands to live. Length of passages and kind of
        index are those of the live generation where they are not given.

        Raises:
            Busy: another process is building this collection.
            SourceError: the collection has no text.
            DictionaryError: the model finds all names alike.
            IndexDamaged: it did not pass its own checks, and is not live.
        """
        with self._alone(collection):
            generation = self._plan(collection, {"passage_tokens": passage_tokens, "index": index})
            self.reporter.generation = generation
            embedded = self._embed(generation)
            with Session(self.database) as session:
                row = session.get_one(Generation, generation)
                parts = (self.embedder, self.reporter)
                dictionary = stages.obtain_dictionary(session, row, *parts, self.data)
                stages.activate(session, row, dictionary, *parts)
                lost = carry_over(session, row, dictionary, self.reporter)
                stages.store_families(session, row, dictionary, self.reporter)
                measure(session, row, dictionary, *parts)
            lost += self._go_live(generation)
            self._tidy(collection)
            return self._report(generation, embedded, lost)

    @contextmanager
    def _alone(self, collection: int) -> Iterator[None]:
        with self.database.connect() as connection:
            key = {"key": build_lock(collection)}
            locked = connection.execute(text("SELECT pg_try_advisory_lock(hashtext(:key))"), key).scalar()
            if not locked:
                raise Busy("Another process is building this collection.", hint="Wait until it has finished.")
            connection.commit()  # the lock is the connection's; an open transaction would hold back vacuum
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(hashtext(:key))"), key)
                connection.commit()

    def _plan(self, collection: int, shape: dict[str, Any]) -> int:
        """The generation to build: the one left unfinished if it is of the same recipe, else a new one."""
        space = asdict(self.embedder.space)
        with Session(self.database) as session:
            seq = _last_change(session, collection)
            recipe = {
                **space,
                "max_tokens": self.embedder.max_tokens,
                **_shape(session, collection, shape),
            }
            unfinished = session.scalars(
                select(Generation)
                .where(
                    Generation.collection_id == collection,
                    Generation.state.in_(("building", "ready")),
                    Generation.passages.is_not(None),
                )
                .order_by(Generation.id.desc())
            ).all()
            for generation in unfinished:
                if _asks_for(generation) == recipe:
                    return generation.id
            device = {"device": self.embedder.device}
            generation = Generation(collection_id=collection, recipe={**recipe, **device}, seq=seq)
            session.add(generation)
            session.flush()
            create_partition(session, generation.id)
            session.commit()
            self.reporter.generation = generation.id
            self._split(session, generation, space)
            return generation.id

    def _split(self, session: Session, generation: Generation, space: dict[str, str]) -> None:
        """Plans the passages of a new generation, and takes over the embeddings that others have."""
        current = (Document.collection_id == generation.collection_id, Document.superseded.is_(None))
        documents = session.scalar(select(func.count()).where(*current)) or 0
        with self.reporter.step("splitting into passages", documents):
            splitter = splitter_for(self.embedder, generation.recipe)
            planned = plan_passages(session, generation, splitter, self.reporter.advance)
            if not planned:
                session.rollback()
                drop_generation(session, self.data, generation.id)
                raise SourceError("The collection's documents hold no text.", hint="Index others.")
            take_over_embeddings(session, generation, space)
            generation.passages = planned
            session.commit()

    def _embed(self, generation: int) -> int:
        """Fills in the embeddings that are missing, longest passages first; gives their number."""
        with Session(self.database) as session:
            row = session.get_one(Generation, generation)
            everything, splitter = row.passages or 0, splitter_for(self.embedder, row.recipe)
            missing = session.scalars(
                select(Passage.id)
                .where(Passage.generation_id == generation, Passage.embedding.is_(None))
                .order_by((Passage.end - Passage.start).desc())
            ).all()
            with self.reporter.step("embedding passages", everything, done=everything - len(missing)):
                for start in range(0, len(missing), EMBED_ROWS):
                    rows = passage_texts(session, generation, missing[start : start + EMBED_ROWS])
                    session.commit()  # while texts are embedded no transaction stays open
                    texts = [embedded_text(splitter.clip_title(title), body) for _, title, body in rows]
                    x_ND = self.embedder.encode(texts, on_batch=self.reporter.advance)
                    filled = [(row[0], x_D.tobytes()) for row, x_D in zip(rows, x_ND, strict=True)]
                    fill(session, generation, ("embedding",), filled)
                    session.commit()
        return len(missing)

    def _go_live(self, generation: int) -> list[LostLabel]:
        """Writes the index file, replays what changed meanwhile, checks all of it, then makes the generation
        live: one transaction, all or nothing. Gives the labels written by hand meanwhile that have no feature
        in it."""
        with Session(self.database) as session, self.reporter.step("writing the index"):
            row = session.get_one(Generation, generation)
            write_files(session, self.data, row)
            row.state = "ready"
            notify(session)  # who searches may load it from now on, to have it when it goes live
            session.commit()
        replay = Replay(self.database, generation, self.embedder)
        replay.run(self.reporter)
        with Session(self.database) as session, self.reporter.step("checking the index"):
            row = session.get_one(Generation, generation)
            row.checks = check(session, self.data, row)
            session.commit()
        replay.run(self.reporter)
        with Session(self.database) as session, self.reporter.step("going live"):
            row = session.get_one(Generation, generation)
            lock_documents(session, row.collection_id)
            replay.finish(session)
            lost = carry_late_edits(session, row)
            make_live(session, row)
            session.commit()
        return lost

    def _tidy(self, collection: int) -> None:
        """Drops what no rollback needs: unfinished builds, all but the last retired generations, and versions
        of documents that none is made of."""
        with Session(self.database) as session:
            retired = session.scalars(
                select(Generation.id)
                .where(Generation.collection_id == collection, Generation.state == "retired")
                .order_by(Generation.live_seq.desc())
            ).all()
            unfinished = session.scalars(
                select(Generation.id).where(
                    Generation.collection_id == collection, Generation.state.in_(("building", "ready"))
                )
            ).all()
            session.commit()
            for generation in [*retired[KEPT:], *unfinished]:
                drop_generation(session, self.data, generation)
            drop_dictionaries(session, collection)
            drop_old_versions(session, collection)

    def _report(self, generation: int, embedded: int, lost: list[LostLabel]) -> BuildReport:
        with Session(self.database) as session:
            row = session.get_one(Generation, generation)
            card = session.get_one(DictionaryRow, row.dictionary_id).card
            of_generation = Passage.generation_id == generation
            documents = session.scalar(
                select(func.count(Passage.document_id.distinct())).where(of_generation)
            )
            return BuildReport(
                generation,
                documents or 0,
                row.passages or 0,
                embedded,
                dict(self.reporter.seconds),
                card["scorecard"],
                lost,
            )


def _asks_for(generation: Generation) -> dict[str, Any]:
    """The recipe without the device: that is recorded, but a build may be taken up on another one."""
    return {name: value for name, value in generation.recipe.items() if name != "device"}


def _shape(session: Session, collection: int, given: dict[str, Any]) -> dict[str, Any]:
    """Length of passages and kind of index: as given, else as the live generation has them."""
    live = live_of(session, collection)
    recipe = live.recipe if live else {}
    usual = {"passage_tokens": TARGET_TOKENS, "index": "flat"}
    return {name: given[name] or recipe.get(name, default) for name, default in usual.items()}


def _last_change(session: Session, collection: int) -> int:
    changes = func.greatest(Document.seq, func.coalesce(Document.superseded, 0))
    seq = session.scalar(select(func.max(changes)).where(Document.collection_id == collection))
    if seq is None:
        raise SourceError("The collection has no documents.", hint="Index a folder or a file first.")
    return int(seq)
