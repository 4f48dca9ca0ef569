"""A build takes a collection from its documents to a live generation.

split -> embed -> dictionary -> activations -> families -> index -> replay -> check -> flip. Every step leaves
its result in Postgres before the next begins, embedding every batch, so a build that was killed goes on where
it was. Nothing of it can be seen by a search before the last transaction; documents that change meanwhile are
replayed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from indexer.audit import name_of, record
from indexer.build import stages
from indexer.build.carry_over import carry_late_edits, carry_over
from indexer.build.catch_up import CatchUp
from indexer.build.gate import Gate
from indexer.build.generations import make_live
from indexer.build.leading import Leader
from indexer.build.passage_rows import (
    create_partition,
    plan_passages,
    share_embeddings,
    take_over_embeddings,
)
from indexer.build.retention import (
    drop_dictionaries,
    drop_generation,
    drop_old_versions,
    drop_shards,
    drop_vectors,
)
from indexer.build.scorecard import measure
from indexer.build.shard_work import Embedding, FindingFeatures
from indexer.build.verify import check
from indexer.documents import lock_documents
from indexer.progress import Reporter
from search.db.card import LostLabel
from search.db.connection import direct
from search.db.listener import notify
from search.db.locks import build_lock, notice_its_end
from search.db.lookup import count_passages, live_of
from search.db.models import CollectionRow, DictionaryRow, DocumentRow, GenerationRow, PassageRow
from search.db.recipe import IndexKind, Recipe
from search.dictionary.autoencoder import Dictionary
from search.embedding.embedder import Embedder, splitter_of
from search.embedding.splitter import TARGET_TOKENS
from search.errors import Busy, SourceError
from search.index.generation_files import write_files
from search.index.milvus_server import milvus_address
from search.responses.collections import Scorecard
from search.responses.evaluation import EvaluationReport

KEPT = 2  # retired generations that one can go back to


@dataclass(frozen=True)
class BuildReport:
    """Says what a build made: seconds of each step, how many passages were embedded and not taken over,
    labels by hand that have no feature in its new dictionary, and what its `gate` saw, if it had one."""

    generation: int
    documents: int
    passages: int
    embedded: int
    seconds: dict[str, float]
    gate: EvaluationReport | None = None
    scorecard: Scorecard = field(default_factory=Scorecard)
    lost_labels: list[LostLabel] = field(default_factory=list)


class Build:
    """Builds the collections of one database."""

    def __init__(
        self,
        database: Engine,
        data: Path,
        embedder: Embedder,
        reporter: Reporter,
        *,
        naming: stages.Naming = stages.name_features,
    ) -> None:
        self.database = database
        self.data = data
        self.embedder = embedder
        self.reporter = reporter
        self.naming = naming

    def run(
        self,
        collection: int,
        *,
        passage_tokens: int | None = None,
        index: IndexKind | None = None,
        gate: float | None = None,
    ) -> BuildReport:
        """Takes a build of the collection from wherever it stands to live. Length of passages and kind of
        index are those of the live generation where they are not given. `gate`: how much worse than the live
        one it may be in mean nDCG@10, by what was judged.

        Raises:
            GateClosed: it is worse, and is ready but not live.
            InvalidRequest: the gate is out of range or could never be asked; nothing was built.
            Busy: another process is building this collection.
            SourceError: the collection has no text.
            DictionaryError: the model finds all names alike.
            IndexDamaged: it did not pass its own checks, and is not live.
        """
        asked = None if gate is None else Gate(gate)
        with self._alone(collection):
            if asked:
                asked.check_before(self.database, collection)
            generation = self._plan(collection, passage_tokens, index)
            self.reporter.generation = generation
            leader = Leader(self.database, collection, generation, self.reporter)
            embedded = self._embed(leader)
            with Session(self.database) as session:
                row = session.get_one(GenerationRow, generation)
                parts = (self.embedder, self.reporter)
                dictionary = stages.obtain_dictionary(session, row, *parts, self.data, naming=self.naming)
                self._find_features(leader, dictionary)
                lost = carry_over(session, row, dictionary, self.reporter)
                stages.store_families(session, row, dictionary, self.reporter)
                measure(session, row, dictionary, *parts)
            replay = self._make_ready(generation)
            seen = None
            if asked:
                seen = asked.check(self.database, self.data, collection, generation, self.reporter)
            lost += self._go_live(generation, replay)
            self._tidy(collection)
            return self._report(generation, embedded, lost, seen)

    @contextmanager
    def _alone(self, collection: int) -> Iterator[None]:
        with direct(self.database).connect() as connection:
            notice_its_end(connection)
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

    def _plan(self, collection: int, passage_tokens: int | None, index: IndexKind | None) -> int:
        """Gives the generation to build: the one left unfinished if it is of the same recipe, else a new
        one."""
        with Session(self.database) as session:
            seq = _last_change(session, collection)
            live = live_of(session, collection)
            asked = session.get_one(CollectionRow, collection).first_build if live is None else {}
            recipe = self._recipe(
                live, passage_tokens or asked.get("passage_tokens"), index or asked.get("index")
            )
            unfinished = session.scalars(
                select(GenerationRow)
                .where(
                    GenerationRow.collection_id == collection,
                    GenerationRow.state.in_(("building", "ready")),
                    GenerationRow.passages.is_not(None),
                )
                .order_by(GenerationRow.id.desc())
            ).all()
            for generation in unfinished:
                if generation.recipe.same(recipe):
                    return generation.id
            generation = GenerationRow(collection_id=collection, recipe=recipe, seq=seq)
            session.add(generation)
            session.flush()
            create_partition(session, generation.id)
            session.commit()
            self.reporter.generation = generation.id
            self._split(session, generation)
            return generation.id

    def _recipe(
        self, live: GenerationRow | None, passage_tokens: int | None, index: IndexKind | None
    ) -> Recipe:
        """Gives the recipe: length of passages and kind of index as asked, else as the live generation has
        them; the engine that is set now."""
        space = self.embedder.space
        return Recipe(
            model=space.model,
            precision=space.precision,
            max_tokens=self.embedder.max_tokens,
            passage_tokens=passage_tokens or (live.recipe.passage_tokens if live else TARGET_TOKENS),
            index=index or (live.recipe.index if live else "flat"),
            engine="milvus" if milvus_address() else "faiss",
            device=self.embedder.device,
            question_prompt=space.question_prompt,
            passage_prompt=space.passage_prompt,
            dimensions=space.dimensions,
            width=space.width,
        )

    def _split(self, session: Session, generation: GenerationRow) -> None:
        """Plans the passages of a new generation, and takes over the embeddings that others have."""
        current = (DocumentRow.collection_id == generation.collection_id, DocumentRow.superseded.is_(None))
        documents = session.scalar(select(func.count()).where(*current)) or 0
        with self.reporter.step("splitting into passages", documents):
            splitter = splitter_of(self.embedder, generation.recipe.passage_tokens)
            planned = plan_passages(session, generation, splitter, self.reporter.advance)
            if not planned:
                session.rollback()
                drop_generation(session, self.data, generation.id)
                raise SourceError("The collection's documents hold no text.", hint="Index others.")
            take_over_embeddings(session, generation)
            generation.passages = planned
            session.commit()

    def _embed(self, leader: Leader) -> int:
        """Fills in the embeddings that are missing, each different text once and the longest first; gives the
        number of texts."""
        generation = leader.generation
        with Session(self.database) as session:
            row = session.get_one(GenerationRow, generation)
            splitter = splitter_of(self.embedder, row.recipe.passage_tokens)
            lacking = (PassageRow.generation_id == generation, PassageRow.embedding.is_(None))
            first = func.min(PassageRow.id)
            missing = session.scalars(
                select(first)
                .where(*lacking)
                .group_by(PassageRow.sha256)
                .order_by(func.max(PassageRow.end - PassageRow.start).desc(), first)
            ).all()
            waiting = session.scalar(select(func.count()).where(*lacking)) or 0
            everything = (row.passages or 0) - waiting + len(missing)
        work = Embedding(self.database, generation, self.embedder, splitter, whole=False)
        embedded = leader.run(work, missing, everything)
        with Session(self.database) as session:
            share_embeddings(session, generation)
            session.commit()
        return embedded

    def _find_features(self, leader: Leader, dictionary: Dictionary) -> None:
        """Stores the active features of every passage."""
        with Session(self.database) as session:
            passages = count_passages(session, leader.generation)
        work = FindingFeatures(self.database, leader.generation, dictionary, self.embedder.device)
        leader.run(work, range(passages))

    def _make_ready(self, generation: int) -> CatchUp:
        """Writes the index file, replays what changed meanwhile and checks all of it. Gives what replays."""
        with Session(self.database) as session, self.reporter.step("writing the index"):
            row = session.get_one(GenerationRow, generation)
            write_files(session, self.data, row)
            row.state = "ready"
            notify(session)  # who searches may load it from now on, to have it when it goes live
            session.commit()
        replay = CatchUp(self.database, generation, self.embedder)
        replay.run(self.reporter)
        with Session(self.database) as session, self.reporter.step("checking the index"):
            row = session.get_one(GenerationRow, generation)
            row.checks = check(session, self.data, row)
            session.commit()
        return replay

    def _go_live(self, generation: int, replay: CatchUp) -> list[LostLabel]:
        """Replays what changed meanwhile, then makes the generation live in one transaction. Gives the labels
        written by hand meanwhile that have no feature in it."""
        replay.run(self.reporter)
        with Session(self.database) as session, self.reporter.step("going live"):
            row = session.get_one(GenerationRow, generation)
            lock_documents(session, row.collection_id)
            replay.finish(session)
            lost = carry_late_edits(session, row)
            make_live(session, row)
            record(session, "generation.live", name_of(session, row.collection_id), generation=generation)
            session.commit()
        return lost

    def _tidy(self, collection: int) -> None:
        """Drops what no rollback needs: unfinished builds, shards, all but the last retired generations, and
        versions of documents that none is made of."""
        with Session(self.database) as session:
            retired = session.scalars(
                select(GenerationRow.id)
                .where(GenerationRow.collection_id == collection, GenerationRow.state == "retired")
                .order_by(GenerationRow.live_seq.desc())
            ).all()
            unfinished = session.scalars(
                select(GenerationRow.id).where(
                    GenerationRow.collection_id == collection, GenerationRow.state.in_(("building", "ready"))
                )
            ).all()
            session.commit()
            for generation in [*retired[KEPT:], *unfinished]:
                drop_generation(session, self.data, generation)
            drop_vectors(session)
            drop_shards(session, collection)
            drop_dictionaries(session, collection)
            drop_old_versions(session, collection)

    def _report(
        self, generation: int, embedded: int, lost: list[LostLabel], gate: EvaluationReport | None
    ) -> BuildReport:
        with Session(self.database) as session:
            row = session.get_one(GenerationRow, generation)
            card = session.get_one(DictionaryRow, row.dictionary_id).card
            of_generation = PassageRow.generation_id == generation
            documents = session.scalar(
                select(func.count(PassageRow.document_id.distinct())).where(of_generation)
            )
            return BuildReport(
                generation=generation,
                documents=documents or 0,
                passages=row.passages or 0,
                embedded=embedded,
                seconds=dict(self.reporter.seconds),
                gate=gate,
                scorecard=card.scorecard,
                lost_labels=lost,
            )


def _last_change(session: Session, collection: int) -> int:
    changes = func.greatest(DocumentRow.seq, func.coalesce(DocumentRow.superseded, 0))
    seq = session.scalar(select(func.max(changes)).where(DocumentRow.collection_id == collection))
    if seq is None:
        raise SourceError("The collection has no documents.", hint="Index a folder or a file first.")
    return int(seq)
