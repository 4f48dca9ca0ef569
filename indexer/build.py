"""A build: from a collection's documents to a live generation.

plan -> embed -> train -> activate -> label -> write -> flip. Every step leaves its result in Postgres before
the next begins, embedding every batch, so a build that was killed goes on where it was. Nothing of it can be
seen by a search before the last transaction.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, func, insert, select, text, update
from sqlalchemy.orm import Session

from indexer.label import label_features
from indexer.maintenance import drop_generation
from indexer.plan import fill, plan_passages, take_over_embeddings
from indexer.progress import Reporter
from indexer.train import recipe_for, train
from search.dictionary import Activations, Dictionary
from search.embedder import Embedder
from search.errors import InvalidRequest, SourceError
from search.models import DictionaryRow, Document, Feature, FeatureStats, Generation, Passage
from search.snapshot import read_embeddings, write_index
from search.text import PassageSplitter, embedded_text

EMBED_ROWS = 256
HISTOGRAM_BINS = 30


@dataclass(frozen=True)
class BuildReport:
    """What a build made: seconds of each step, how many passages were embedded now and taken over."""

    generation: int
    documents: int
    passages: int
    embedded: int
    seconds: dict[str, float]
    scorecard: dict[str, Any] = field(default_factory=dict)
    reliable_labels: int = 0


class Build:
    """One build of one collection. `run` takes it from wherever it stands to live."""

    def __init__(self, database: Engine, data: Path, embedder: Embedder, reporter: Reporter) -> None:
        self.database = database
        self.data = data
        self.embedder = embedder
        self.reporter = reporter

    def run(
        self,
        collection: int,
        *,
        retrain: bool = False,
        relabel: bool = False,
        changes: dict[str, int] | None = None,
    ) -> BuildReport:
        """Builds and flips. A dictionary that the collection has is kept unless `retrain`, with its labels
        unless `relabel`; `changes` replace parts of the recipe that fits the collection's size.

        Raises:
            InvalidRequest: another process is building this collection.
            SourceError: the collection has no text.
            DictionaryError: too little text for a dictionary.
        """
        with self._alone(collection):
            generation = self._plan(collection)
            self.reporter.generation = generation
            embedded = self._embed(generation)
            dictionary = self._dictionary(generation, retrain, relabel, changes or {})
            self._activate(generation, dictionary)
            self._label(generation, dictionary)
            self._go_live(generation)
            self._tidy(collection)
            return self._report(generation, embedded)

    @contextmanager
    def _alone(self, collection: int) -> Iterator[None]:
        with self.database.connect() as connection:
            key = {"key": f"refract build {collection}"}
            locked = connection.execute(text("SELECT pg_try_advisory_lock(hashtext(:key))"), key).scalar()
            if not locked:
                raise InvalidRequest(
                    "Another process is building this collection.", hint="Wait until it has finished."
                )
            connection.commit()  # the lock is the connection's; an open transaction would hold back vacuum
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(hashtext(:key))"), key)
                connection.commit()

    def _plan(self, collection: int) -> int:
        """The generation to build: the one left unfinished if it still fits, else a new one."""
        space = asdict(self.embedder.space)
        with Session(self.database) as session, self.reporter.step("splitting into passages"):
            seq = session.scalar(
                select(func.max(func.greatest(Document.seq, func.coalesce(Document.superseded, 0)))).where(
                    Document.collection_id == collection
                )
            )
            if seq is None:
                raise SourceError("The collection has no documents.", hint="Index a folder or a file first.")
            unfinished = session.scalars(
                select(Generation).where(
                    Generation.collection_id == collection, Generation.state == "building"
                )
            ).all()
            recipe = {**space, "device": self.embedder.device, "max_tokens": self.embedder.max_tokens}
            for generation in unfinished:
                if generation.recipe == recipe and generation.seq == seq:
                    return generation.id
            generation = Generation(collection_id=collection, recipe=recipe, seq=seq)
            session.add(generation)
            session.flush()
            splitter = PassageSplitter(self.embedder.tokenizer_json, self.embedder.max_tokens)
            planned = plan_passages(session, generation, splitter)
            if not planned:
                raise SourceError("The collection's documents hold no text.", hint="Index others.")
            generation.passages = planned
            take_over_embeddings(session, generation, space)
            session.commit()
            return generation.id

    def _embed(self, generation: int) -> int:
        """Fills in the embeddings that are missing, longest passages first; gives their number."""
        with Session(self.database) as session:
            splitter = PassageSplitter(self.embedder.tokenizer_json, self.embedder.max_tokens)
            everything = session.get_one(Generation, generation).passages or 0
            missing = session.scalars(
                select(Passage.id)
                .where(Passage.generation_id == generation, Passage.embedding.is_(None))
                .order_by((Passage.end - Passage.start).desc())
            ).all()
            done = everything - len(missing)
            with self.reporter.step("embedding passages", everything, done=done):
                for start in range(0, len(missing), EMBED_ROWS):
                    ids = missing[start : start + EMBED_ROWS]
                    rows = _texts(session, generation, ids)
                    texts = [embedded_text(splitter.clip_title(title), body) for _, title, body in rows]
                    x_ND = self.embedder.encode(texts, on_batch=self.reporter.advance)
                    filled = [(row[0], x_D.tobytes()) for row, x_D in zip(rows, x_ND, strict=True)]
                    fill(session, generation, ("embedding",), filled)
                    session.commit()
        return len(missing)

    def _dictionary(
        self, generation: int, retrain: bool, relabel: bool, changes: dict[str, int]
    ) -> Dictionary:
        """The dictionary of the build: its own from before a kill, the collection's, or a new one."""
        with Session(self.database) as session:
            row = session.get_one(Generation, generation)
            if row.dictionary_id is not None:
                return _read_dictionary(session, row.dictionary_id)
            kept = None if retrain else _latest_dictionary(session, row)
            if kept is not None:
                dictionary = _read_dictionary(session, kept)
            else:
                dictionary = self._train(read_embeddings(session, generation), changes)
            if kept is None or relabel:
                kept = _store_dictionary(session, row.collection_id, dictionary)
            row.dictionary_id = kept
            session.commit()
            return dictionary

    def _train(self, x_ND: NDArray[np.float16], changes: dict[str, int]) -> Dictionary:
        with self.reporter.step("training the dictionary"):
            return train(
                x_ND,
                replace(recipe_for(len(x_ND)), **changes),
                model=self.embedder.space.model,
                device=self.embedder.device,
                on_step=self.reporter.reach,
            )

    def _activate(self, generation: int, dictionary: Dictionary) -> None:
        """Active features of every passage, and how each feature behaves on this generation."""
        with Session(self.database) as session, self.reporter.step("finding features"):
            acts = dictionary.encode(read_embeddings(session, generation), device=self.embedder.device)
            rows = (
                (passage, ids.tobytes(), values.tobytes())
                for passage, (ids, values) in enumerate(zip(acts.ids_NK, acts.values_NK, strict=True))
            )
            fill(session, generation, ("feature_ids", "activations"), rows)
            session.execute(
                text("DELETE FROM feature_stats WHERE generation_id = :generation"),
                {"generation": generation},
            )
            session.execute(insert(FeatureStats), _stats(generation, acts, dictionary.features))
            session.commit()

    def _label(self, generation: int, dictionary: Dictionary) -> None:
        """Labels for a dictionary that has none yet."""
        with Session(self.database) as session:
            row = session.get_one(Generation, generation)
            if (
                session.scalar(
                    select(Feature.feature).where(Feature.dictionary_id == row.dictionary_id).limit(1)
                )
                is not None
            ):
                return
            x_ND = read_embeddings(session, generation)
            acts_NF = dictionary.encode(x_ND).matrix(dictionary.features)
            texts = [body for _, _, body in _texts(session, generation, None)]
            with self.reporter.step("labelling features"):
                labels = label_features(
                    texts, x_ND, acts_NF, dictionary, self.embedder.encode, on_step=self.reporter.reach
                )
            session.execute(
                insert(Feature),
                [
                    {
                        "dictionary_id": row.dictionary_id,
                        "feature": feature,
                        "label": label.text,
                        "score": label.score,
                        "reliable": label.reliable,
                    }
                    for feature, label in enumerate(labels)
                ],
            )
            session.commit()

    def _go_live(self, generation: int) -> None:
        """Writes the index file, then makes the generation live: one transaction, all or nothing."""
        with Session(self.database) as session, self.reporter.step("writing the index"):
            row = session.get_one(Generation, generation)
            write_index(session, self.data, row)
            session.execute(
                update(Generation)
                .where(Generation.collection_id == row.collection_id, Generation.state == "live")
                .values(state="retired")
            )
            row.state = "live"
            row.live_at = func.now()
            session.commit()

    def _tidy(self, collection: int) -> None:
        """Drops what no rollback needs: unfinished builds, and all but the last retired generation."""
        with Session(self.database) as session:
            old = session.scalars(
                select(Generation.id)
                .where(Generation.collection_id == collection, Generation.state != "live")
                .order_by(Generation.live_at.desc().nulls_last())
            ).all()
            for generation in old[1:]:
                drop_generation(session, self.data, generation)
            session.commit()

    def _report(self, generation: int, embedded: int) -> BuildReport:
        with Session(self.database) as session:
            row = session.get_one(Generation, generation)
            row.timings = dict(self.reporter.seconds)
            session.commit()
            card = session.get_one(DictionaryRow, row.dictionary_id).card
            documents = session.scalar(
                select(func.count(func.distinct(Passage.document_id))).where(
                    Passage.generation_id == generation
                )
            )
            reliable = session.scalar(
                select(func.count()).where(Feature.dictionary_id == row.dictionary_id, Feature.reliable)
            )
            return BuildReport(
                generation,
                documents or 0,
                row.passages or 0,
                embedded,
                dict(self.reporter.seconds),
                card["scorecard"],
                reliable or 0,
            )


def _texts(session: Session, generation: int, ids: Any) -> list[tuple[int, str, str]]:
    """(passage, title, text) of some passages in the order of `ids`, or of all in their own order."""
    body = func.substr(Document.text, Passage.start + 1, Passage.end - Passage.start)
    statement = (
        select(Passage.id, Document.title, body)
        .join(Document, Document.id == Passage.document_id)
        .where(Passage.generation_id == generation)
        .order_by(Passage.id)
    )
    if ids is None:
        return list(session.execute(statement))
    found = {row[0]: row for row in session.execute(statement.where(Passage.id.in_(ids)))}
    return [found[passage] for passage in ids]


def _latest_dictionary(session: Session, generation: Generation) -> int | None:
    return session.scalar(
        select(DictionaryRow.id)
        .where(
            DictionaryRow.collection_id == generation.collection_id,
            DictionaryRow.card["model"].astext == generation.recipe["model"],
        )
        .order_by(DictionaryRow.id.desc())
        .limit(1)
    )


def _read_dictionary(session: Session, number: int) -> Dictionary:
    row = session.get_one(DictionaryRow, number)
    return Dictionary.from_bytes(row.weights, row.card)


def _store_dictionary(session: Session, collection: int, dictionary: Dictionary) -> int:
    row = DictionaryRow(collection_id=collection, weights=dictionary.to_bytes(), card=dictionary.card_json())
    session.add(row)
    session.flush()
    return row.id


def _stats(generation: int, acts: Activations, features: int) -> list[dict[str, Any]]:
    by_feature = acts.matrix(features).tocsc()
    rows = []
    for feature in np.flatnonzero(np.diff(by_feature.indptr)).tolist():
        values = by_feature.data[by_feature.indptr[feature] : by_feature.indptr[feature + 1]]
        counts, _ = np.histogram(values, bins=HISTOGRAM_BINS, range=(0.0, float(values.max())))
        rows.append(
            {
                "generation_id": generation,
                "feature": feature,
                "passages": len(values),
                "quantiles": np.quantile(values, np.linspace(0, 1, 11)).tolist(),
                "counts": counts.tolist(),
            }
        )
    return rows
