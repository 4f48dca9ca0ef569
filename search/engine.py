"""One search: embed the question, steer it, rank the passages, explain the page of results.

Shape suffixes: N passages, D embedding width.
"""

import functools
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine as Database
from sqlalchemy.orm import Session

from search import explain
from search.answers import (
    SteeredConcept,
    asked_words,
    page_results,
    page_terms,
    query_features,
    restrictions,
    steering_terms,
)
from search.chosen import with_preset
from search.concepts import Concept
from search.db import open_session
from search.earlier import Translation, marked, translate
from search.embedder import VectorSpace, load_embedder
from search.errors import IndexReplaced
from search.explain import Question
from search.fitting import fit_concept
from search.highlight import Highlighter
from search.passages import PassageRow, passages_at
from search.presets import NONE
from search.ranking import rank, strongest_passage
from search.requests import USUAL_MODE, check_mode, check_page, check_query
from search.restrictions import Fields, allowed_passages, read_fields
from search.results import Result, SearchResponse, Timings
from search.snapshot import Snapshot
from search.snapshots import Snapshots
from search.steered import feature_deltas, steer
from search.steering import Knob, Steering
from search.syntax import Typed, may_restrict, parse_query

CONCEPTS_KEPT = 256
RESTRICTED_KEPT = 64

FloatArray = NDArray[np.float32]


class Engine:
    """Answers searches on every collection of one database.

    Snapshots of live generations are kept in memory and swapped when documents or labels change or another
    generation goes live.
    """

    def __init__(self, database: Database, data: Path) -> None:
        self.database = database
        self.data = data
        self.snapshots = Snapshots(database, data)
        self._highlighter = Highlighter()
        self._known_fields: dict[int, tuple[int, Fields]] = {}  # by collection, of one version of it
        self.embed = functools.lru_cache(maxsize=2048)(_embed)

    def snapshot(self, collection: str) -> Snapshot:
        """The live generation of a collection, loaded if it is not in memory yet.

        Raises:
            CollectionNotFound, NotIndexed, StoreUnavailable
        """
        return self.snapshots.of(collection)

    def warm(self, collection: str) -> None:
        """Loads what the first search of a collection needs, so that nobody waits for it."""
        self.embed(self.snapshot(collection).space, "warm")

    def search(
        self,
        query: str,
        *,
        steering: Steering,
        collection: str,
        dictionary: int | None = None,
        preset: str | None = None,
        mode: str = USUAL_MODE,
        limit: int = 10,
        offset: int = 0,
        sentences: bool = False,
    ) -> SearchResponse:
        """The documents nearest to the steered question, each with the terms of its score.

        `dictionary` is the one that the steering's features are numbered in, where it is not the live one.
        Knobs of the `preset` are turned too; where neither it nor steering is given, those of the default
        preset of the collection. The preset "none" is none.
        `sentences` marks the sentence of each passage that is closest to the question (one more pass).

        Raises:
            InvalidQuery, InvalidSteering, InvalidPage, InvalidRequest: the request's own words are wrong.
            PresetNotFound
            CollectionNotFound, NotIndexed, StoreUnavailable: there is nothing to search.
        """
        check_query(query)
        check_page(limit, offset)
        check_mode(mode)
        ask = functools.partial(
            self._answer, query, steering, dictionary, preset, mode, limit, offset, sentences
        )
        try:
            return ask(self.snapshot(collection))
        except IndexReplaced:  # two generations later, in the middle of a search
            return ask(self.snapshots.renew(collection))

    def _answer(
        self,
        query: str,
        steering: Steering,
        dictionary: int | None,
        preset: str | None,
        mode: str,
        limit: int,
        offset: int,
        sentences: bool,
        snapshot: Snapshot,
    ) -> SearchResponse:
        clock = _Clock()
        translation = self._translate(snapshot, steering, dictionary, preset)
        steering = translation.steering
        typed, allowed_N = self._restricted(snapshot, query)
        question = explain.decompose(self.embed(snapshot.space, typed.text), snapshot.dictionary)
        clock.lap("embed")
        deltas = feature_deltas(steering, question.active, snapshot.scale_F)
        steered = steer(question.vector_D, snapshot.dictionary.w_dec_FD, deltas)
        concepts = self._concepts(snapshot, steering)
        wanted = offset + limit
        words = asked_words(snapshot, typed.text, mode)
        ordered = functools.partial(rank, snapshot, documents=wanted, words=words.scores, allowed_N=allowed_N)
        asked = ordered(question.vector_D, [])
        preferred = [(turned.concept, float(turned.knob.strength)) for turned in concepts]
        ranking = ordered(steered.vector_D, preferred) if steering.knobs else asked
        clock.lap("search")
        page = slice(offset, wanted)
        x_ND = snapshot.index.vectors(ranking.passages[page])
        attribution = explain.attribute(question, steered, x_ND, snapshot.dictionary)
        terms = page_terms(snapshot, attribution, ranking, page, concepts, words)
        clock.lap("explain")
        texts = self._texts(snapshot, ranking.passages[page], question)
        results = page_results(snapshot, texts, ranking, page, asked, terms)
        if sentences:
            results = self._marked(snapshot, typed.text, question, results)
        return SearchResponse(
            query=query,
            restrictions=restrictions(typed),
            mode=mode,
            collection=snapshot.collection,
            generation=snapshot.generation,
            dictionary=snapshot.dictionary_id,
            took_ms=clock.timings(),
            total=snapshot.documents if allowed_N is None else _documents(snapshot, allowed_N),
            limit=limit,
            offset=offset,
            moved=float(question.vector_D @ steered.vector_D),
            query_features=query_features(snapshot, question, texts),
            query_words=words.found(),
            preset=translation.preset,
            steering=marked(steering_terms(snapshot, steering, concepts), translation),
            steering_lost=list(translation.lost),
            results=results,
        )

    def translate(
        self, steering: Steering, dictionary: int | None, collection: str, preset: str | None = NONE
    ) -> Translation:
        """Steering in the numbers of a collection's live dictionary (see `search.earlier`), with the knobs of
        a preset (see `search.chosen`).

        Raises:
            InvalidSteering, PresetNotFound, CollectionNotFound, NotIndexed, StoreUnavailable
        """
        return self._translate(self.snapshot(collection), steering, dictionary, preset)

    def _translate(
        self, snapshot: Snapshot, steering: Steering, dictionary: int | None, preset: str | None
    ) -> Translation:
        if preset is None and steering.knobs:
            preset = NONE
        with open_session(self.database) as session:
            own = translate(session, steering, dictionary, snapshot.dictionary_id)
            return with_preset(session, snapshot, own, preset)

    def _marked(
        self, snapshot: Snapshot, query: str, question: Question, results: list[Result]
    ) -> list[Result]:
        embedder = load_embedder(snapshot.space.model, snapshot.space.precision)
        asked_in = (snapshot.generation, query)
        return self._highlighter.mark(results, embedder, question.vector_D, asked_in)

    def _concepts(self, snapshot: Snapshot, steering: Steering) -> list[SteeredConcept]:
        return [
            SteeredConcept(knob, self._concept(snapshot, knob))
            for knob in steering.knobs
            if knob.feature is None
        ]

    def _concept(self, snapshot: Snapshot, knob: Knob) -> Concept:
        known = snapshot.concepts.get(knob.target)
        if known is not None:
            return known
        embed = functools.partial(self.embed, snapshot.space)
        with open_session(self.database) as session:
            concept = fit_concept(snapshot, knob, embed, session)
        if len(snapshot.concepts) >= CONCEPTS_KEPT:
            snapshot.concepts.clear()
        snapshot.concepts[knob.target] = concept
        return concept

    def _restricted(self, snapshot: Snapshot, query: str) -> tuple[Typed, NDArray[np.bool_] | None]:
        """The query taken apart, and the passages it leaves (N,); None: all."""
        if not may_restrict(query):
            return Typed(query), None
        with open_session(self.database) as session:
            fields = self._fields(session, snapshot) if ":" in query else {}
            typed = parse_query(query, fields)
            if not typed.restricts:
                return typed, None
            known = snapshot.restricted.get(typed)
            if known is None:
                if len(snapshot.restricted) >= RESTRICTED_KEPT:
                    snapshot.restricted.clear()
                known = snapshot.restricted[typed] = allowed_passages(session, snapshot, typed, fields)
        return typed, known

    def _fields(self, session: Session, snapshot: Snapshot) -> Fields:
        kept = self._known_fields.get(snapshot.collection_id)
        if kept is None or kept[0] != snapshot.version:
            kept = snapshot.version, read_fields(session, snapshot.collection_id)
            self._known_fields[snapshot.collection_id] = kept
        return kept[1]

    def _texts(
        self, snapshot: Snapshot, passages: NDArray[np.int64], question: Question
    ) -> dict[int, PassageRow]:
        """The texts of a page, and of one example for each feature that has no label to show."""
        unlabelled = [f for f in question.active if not snapshot.labels[f].reliable]
        examples = [strongest_passage(snapshot, feature) for feature in unlabelled]
        wanted = {*passages.tolist(), *(example for example in examples if example is not None)}
        with open_session(self.database) as session:
            return passages_at(session, snapshot, wanted)


def _documents(snapshot: Snapshot, allowed_N: NDArray[np.bool_]) -> int:
    return len(np.unique(snapshot.document_N[allowed_N]))


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
