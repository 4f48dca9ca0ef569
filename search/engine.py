"""One search: embed the question, steer it, rank the passages, explain the page of results.

Shape suffixes: N passages, D embedding width.
"""

import functools
import time
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine as Database

from search import explain
from search.answers import page_results, page_terms, query_features, steering_terms
from search.concepts import Concept, concept_from_members, members_wanted
from search.db import open_session
from search.embedder import VectorSpace, load_embedder
from search.explain import Question
from search.highlight import Highlighter
from search.models import Generation
from search.passages import PassageRow, read_passages
from search.ranking import rank, strongest_passage
from search.requests import check_mode, check_page, check_query
from search.results import Result, SearchResponse, Timings
from search.snapshot import Snapshot, live_generation, load_snapshot
from search.steering import Steering, feature_deltas, steer

CONCEPTS_KEPT = 256

FloatArray = NDArray[np.float32]


class Engine:
    """Answers searches on every collection of one database.

    Snapshots of live generations are kept in memory and swapped when another generation goes live.
    """

    def __init__(self, database: Database, data: Path) -> None:
        self.database = database
        self.data = data
        self._snapshots: dict[str, Snapshot] = {}
        self._loading = Lock()
        self._highlighter = Highlighter()
        self.embed = functools.lru_cache(maxsize=2048)(_embed)

    def snapshot(self, collection: str) -> Snapshot:
        """The live generation of a collection, loaded if it is not in memory yet.

        Raises:
            CollectionNotFound, NotIndexed, StoreUnavailable
        """
        with open_session(self.database) as session:
            held = self._held(collection, live_generation(session, collection))
            if held is None:
                with self._loading:
                    live = live_generation(session, collection)  # it may have changed while others loaded
                    held = self._held(collection, live)
                    if held is None:
                        held = self._snapshots[collection] = load_snapshot(session, self.data, live)
                        session.commit()
        return held

    def warm(self, collection: str) -> None:
        """Loads what the first search of a collection needs, so that nobody waits for it."""
        self.embed(self.snapshot(collection).space, "warm")

    def search(
        self,
        query: str,
        *,
        steering: Steering,
        collection: str,
        mode: str = "semantic",
        limit: int = 10,
        offset: int = 0,
        sentences: bool = False,
    ) -> SearchResponse:
        """The documents nearest to the steered question, each with the terms of its score.

        `sentences` marks the sentence of each passage that is closest to the question (one more pass).

        Raises:
            InvalidQuery, InvalidSteering, InvalidPage, InvalidRequest: the request's own words are wrong.
            CollectionNotFound, NotIndexed, StoreUnavailable: there is nothing to search.
        """
        check_query(query)
        check_page(limit, offset)
        check_mode(mode)
        clock = _Clock()
        snapshot = self.snapshot(collection)
        question = explain.decompose(self.embed(snapshot.space, query), snapshot.dictionary)
        clock.lap("embed")
        deltas = feature_deltas(steering, question.active, snapshot.scale_F)
        steered = steer(question.vector_D, snapshot.dictionary.w_dec_FD, deltas)
        concepts = self._concepts(snapshot, steering)
        wanted = offset + limit
        asked = rank(snapshot, question.vector_D, [], wanted)
        ranking = rank(snapshot, steered.vector_D, concepts, wanted) if steering.knobs else asked
        clock.lap("search")
        page = slice(offset, wanted)
        x_ND = snapshot.index.vectors(ranking.passages[page])
        attribution = explain.attribute(question, steered, x_ND, snapshot.dictionary)
        terms = page_terms(snapshot, attribution, ranking, page, [concept for concept, _ in concepts])
        clock.lap("explain")
        texts = self._texts(snapshot, ranking.passages[page], question)
        results = page_results(snapshot, texts, ranking, page, asked, attribution, terms)
        if sentences:
            results = self._marked(snapshot, query, question, results)
        return SearchResponse(
            query=query,
            mode=mode,
            collection=collection,
            generation=snapshot.generation,
            took_ms=clock.timings(),
            total=snapshot.documents,
            limit=limit,
            offset=offset,
            moved=float(question.vector_D @ steered.vector_D),
            query_features=query_features(snapshot, question, texts),
            steering=steering_terms(snapshot, steering),
            results=results,
        )

    def _marked(
        self, snapshot: Snapshot, query: str, question: Question, results: list[Result]
    ) -> list[Result]:
        embedder = load_embedder(snapshot.space.model, snapshot.space.precision)
        asked_in = (snapshot.generation, query)
        return self._highlighter.mark(results, embedder, question.vector_D, asked_in)

    def _held(self, collection: str, live: Generation) -> Snapshot | None:
        held = self._snapshots.get(collection)
        return held if held is not None and held.generation == live.id else None

    def _concepts(self, snapshot: Snapshot, steering: Steering) -> list[tuple[Concept, float]]:
        knobs = [knob for knob in steering.knobs if knob.concept is not None]
        return [(self._concept(snapshot, str(knob.concept)), float(knob.strength)) for knob in knobs]

    def _concept(self, snapshot: Snapshot, phrase: str) -> Concept:
        known = snapshot.concepts.get(phrase)
        if known is not None:
            return known
        check_query(phrase)
        phrase_D = self.embed(snapshot.space, phrase)
        _, nearest = snapshot.index.search(phrase_D[None], members_wanted(snapshot.passages))
        concept = concept_from_members(phrase, nearest[0], snapshot.acts_NF)
        if len(snapshot.concepts) >= CONCEPTS_KEPT:
            snapshot.concepts.clear()
        snapshot.concepts[phrase] = concept
        return concept

    def _texts(
        self, snapshot: Snapshot, passages: NDArray[np.int64], question: Question
    ) -> dict[int, PassageRow]:
        """The texts of a page, and of one example for each feature that has no label to show."""
        unlabelled = [f for f in question.active if not snapshot.labels[f].reliable]
        examples = [strongest_passage(snapshot, feature) for feature in unlabelled]
        wanted = {*passages.tolist(), *(example for example in examples if example is not None)}
        with open_session(self.database) as session:
            return read_passages(session, snapshot.generation, wanted)


def _embed(space: VectorSpace, text: str) -> FloatArray:
    return load_embedder(space.model, space.precision).encode_query(text)


class _Clock:
    """Milliseconds of each lap since the one before."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self._laps[name] = round((now - self._last) * 1000, 3)
        self._last = now

    def timings(self) -> Timings:
        total = round((time.perf_counter() - self._start) * 1000, 3)
        return Timings(self._laps["embed"], self._laps["search"], self._laps["explain"], total)
