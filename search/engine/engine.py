"""One search: embed the question, steer it, rank the passages, explain the page of results.

Shape suffixes: N passages, D embedding width.
"""

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from search.db.connection import open_session
from search.dictionary.concepts import Concept
from search.dictionary.steer import feature_deltas, steer
from search.embedding.embedder import load_embedder
from search.embedding.query_encoder import QueryEncoder
from search.embedding.word_sums import WordSums
from search.engine.ablation import ranks_without
from search.engine.concept_resolver import fit_concept
from search.engine.effective_steering import with_preset
from search.engine.facets import count_facets
from search.engine.highlighting import PartsMemory, mark
from search.engine.prepared import AnalyzedQuery, PreparedQuery
from search.engine.ranking import Ranking
from search.engine.response import (
    NOT_ASKED,
    SteeredConcept,
    asked_words,
    page_results,
    query_features,
    restrictions,
    steering_terms,
)
from search.engine.timing import Clock
from search.errors import IndexReplaced
from search.index.doc_values import Metadata, read_metadata
from search.index.filtering import allowed_passages
from search.index.passage_texts import LocatedPassage, passages_at
from search.index.snapshot import Snapshot
from search.index.snapshot_manager import SnapshotManager
from search.limiter import ConcurrencyLimiter
from search.query.limits import check_mode, check_page, check_query
from search.query.parser import Condition, ParsedQuery, may_restrict, parse_query
from search.query.presets import NONE
from search.query.remapping import RemappedSteering, marked, translate, translate_filters
from search.query.request import SearchRequest
from search.query.steering import Knob, Steering
from search.responses.search import Facets, Result, SearchResponse

T = TypeVar("T")

FloatArray = NDArray[np.float32]


class SearchEngine:
    """Answers searches on every collection of one database.

    Snapshots of live generations are kept in memory and swapped when documents or labels change or another
    generation goes live.
    """

    def __init__(self, database: Engine, data: Path) -> None:
        self.database = database
        self.data = data
        self.snapshots = SnapshotManager(database, data)
        self._parts = PartsMemory()
        self._metadata: dict[int, tuple[tuple[int, int], Metadata]] = {}  # by collection: of what, and what
        self._reading_metadata = Lock()
        self.embed = QueryEncoder()
        self._turns = ConcurrencyLimiter()

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
        request: SearchRequest,
        *,
        collection: str,
        limit: int = 10,
        offset: int = 0,
        facets: bool = False,
        for_people: bool = False,
    ) -> SearchResponse:
        """The documents nearest to the steered question, each with the terms of its score.

        Knobs of the request's preset are turned too; where it has neither that nor steering, those of the
        collection's default preset. `facets` counts what the answers can be narrowed down to. `for_people`
        adds what a page shows (one more pass): the sentence of each passage that is closest to the question,
        the words that match it or made its topics fire, and the rank that each result would have without each
        of its terms.

        Raises:
            InvalidQuery, InvalidSteering, InvalidFilter, InvalidPage, InvalidRequest: the request's own words
                are wrong.
            PresetNotFound
            CollectionNotFound, NotIndexed, StoreUnavailable: there is nothing to search.
        """
        check_page(limit, offset)
        page = slice(offset, offset + limit)
        return self.on_live(
            collection,
            lambda snapshot: self._answer(snapshot, request, page, facets=facets, for_people=for_people),
        )

    def on_live(self, collection: str, answer: Callable[[Snapshot], T]) -> T:
        """An answer from the live generation of a collection; once more where that was dropped meanwhile.

        Raises:
            CollectionNotFound, NotIndexed, StoreUnavailable
        """
        try:
            return answer(self.snapshot(collection))
        except IndexReplaced:  # two generations later, in the middle of a search
            return answer(self.snapshots.renew(collection))

    def inquire(
        self, snapshot: Snapshot, request: SearchRequest, clock: Clock | None = None
    ) -> PreparedQuery:
        """A request worked out on a snapshot, so that it can be ranked, scored and explained.

        Raises:
            InvalidQuery, InvalidSteering, InvalidFilter, InvalidRequest, PresetNotFound, StoreUnavailable
        """
        check_query(request.query)
        check_mode(request.mode)
        clock = clock or Clock()
        translation = self._translate(snapshot, request)
        key = request.query, request.mode, translation.filters
        asked = snapshot.kept.asked.get(key, lambda: self._asked(snapshot, *key))
        clock.lap("embed")
        deltas = feature_deltas(translation.steering, asked.question.active, snapshot.scale_F)
        steered = steer(asked.question.vector_D, snapshot.dictionary.w_dec_FD, deltas)
        concepts = self._concepts(snapshot, translation.steering)
        return PreparedQuery(snapshot, translation, asked, steered, concepts)

    def _answer(
        self, snapshot: Snapshot, request: SearchRequest, page: slice, *, facets: bool, for_people: bool
    ) -> SearchResponse:
        clock = Clock()
        with self._turns.taken():
            clock.lap("wait")
            inquiry = self.inquire(snapshot, request, clock)
            return self._found(inquiry, request, page, clock, facets=facets, for_people=for_people)

    def _found(
        self,
        inquiry: PreparedQuery,
        request: SearchRequest,
        page: slice,
        clock: Clock,
        *,
        facets: bool,
        for_people: bool,
    ) -> SearchResponse:
        snapshot, asked, translation = inquiry.snapshot, inquiry.asked, inquiry.translation
        ranking, unsteered = inquiry.rank(page.stop), asked.rank(snapshot, page.stop)
        clock.lap("search")
        without = ranks_without(inquiry, ranking, page) if for_people else NOT_ASKED
        terms = inquiry.terms(ranking, page, without)
        clock.lap("explain")
        texts = self._texts(snapshot, ranking.passages[page])
        results = page_results(snapshot, texts, ranking, page, unsteered, terms)
        clock.lap("texts")
        if for_people:
            results = self._marked(snapshot, inquiry.steered.vector_D, results)
            clock.lap("words")
        counted = self._facets(snapshot, asked, ranking) if facets else None
        clock.lap("facets")
        return SearchResponse(
            query=request.query,
            restrictions=restrictions(snapshot, asked.typed),
            mode=request.mode,
            collection=snapshot.collection,
            generation=snapshot.generation,
            dictionary=snapshot.dictionary_id,
            took_ms=clock.timings(),
            total=asked.documents(snapshot),
            limit=page.stop - page.start,
            offset=page.start,
            moved=float(asked.question.vector_D @ inquiry.steered.vector_D),
            query_features=query_features(snapshot, asked.question, asked.understood),
            query_words=asked.words.found(),
            preset=translation.preset,
            steering=marked(steering_terms(snapshot, translation.steering, inquiry.concepts), translation),
            steering_lost=list(translation.lost),
            results=results,
            facets=counted,
        )

    def _asked(
        self, snapshot: Snapshot, query: str, mode: str, filters: tuple[Condition, ...]
    ) -> AnalyzedQuery:
        typed, allowed_N = self._restricted(snapshot, query, filters)
        with self._turns.aside():  # others may be embedded together with it
            q_D = self.embed(snapshot.space, typed.text)
        return AnalyzedQuery.of(snapshot, typed, allowed_N, q_D, asked_words(snapshot, typed.text, mode))

    def translate(self, request: SearchRequest, collection: str) -> RemappedSteering:
        """A request's steering and filters in the numbers of a collection's live dictionary (see
        `search.query.remapping`), with the knobs of its preset (see `search.engine.effective_steering`).

        Raises:
            InvalidSteering, InvalidFilter, PresetNotFound, CollectionNotFound, NotIndexed, StoreUnavailable
        """
        return self._translate(self.snapshot(collection), request)

    def _translate(self, snapshot: Snapshot, request: SearchRequest) -> RemappedSteering:
        preset = NONE if request.preset is None and request.steering.knobs else request.preset
        numbered = request.dictionary, snapshot.dictionary_id
        with open_session(self.database) as session:
            filters = translate_filters(session, request.filters, *numbered)
            own = translate(session, request.steering, *numbered)
            return replace(with_preset(session, snapshot, own, preset), filters=filters)

    def _marked(self, snapshot: Snapshot, q_D: FloatArray, results: list[Result]) -> list[Result]:
        parts = self.parts(snapshot, [LocatedPassage(result.document, result.passage) for result in results])
        return mark(results, parts, q_D, snapshot.dictionary.w_enc_FD)

    def parts(self, snapshot: Snapshot, passages: list[LocatedPassage]) -> list[WordSums]:
        """The words of passages and what each adds to the passage's embedding."""
        embedder = load_embedder(snapshot.space.model, snapshot.space.precision)
        return self._parts.of(embedder, snapshot.generation, passages)

    def _concepts(self, snapshot: Snapshot, steering: Steering) -> list[SteeredConcept]:
        return [
            SteeredConcept(knob, self._concept(snapshot, knob))
            for knob in steering.knobs
            if knob.feature is None
        ]

    def _concept(self, snapshot: Snapshot, knob: Knob) -> Concept:
        def fit() -> Concept:
            embed = functools.partial(self.embed, snapshot.space)
            with open_session(self.database) as session:
                return fit_concept(snapshot, knob, embed, session)

        return snapshot.kept.concepts.get(knob.target, fit)

    def _restricted(
        self, snapshot: Snapshot, query: str, filters: tuple[Condition, ...]
    ) -> tuple[ParsedQuery, NDArray[np.bool_] | None]:
        """The query taken apart, and the passages that it and the filters leave (N,); None: all."""
        if not (filters or may_restrict(query)):
            return ParsedQuery(query), None
        with open_session(self.database) as session:
            fields = self._metadata_of(session, snapshot).kinds if filters or ":" in query else {}
            typed = parse_query(query, fields)
            typed = replace(typed, conditions=(*typed.conditions, *filters))
            return typed, self._allowed(session, snapshot, typed)

    def allowed(self, snapshot: Snapshot, typed: ParsedQuery) -> NDArray[np.bool_] | None:
        """The passages of a snapshot that the restrictions of a query leave (N,); None: all."""
        with open_session(self.database) as session:
            return self._allowed(session, snapshot, typed)

    def _allowed(self, session: Session, snapshot: Snapshot, typed: ParsedQuery) -> NDArray[np.bool_] | None:
        if not typed.restricts:
            return None
        fields = self._metadata_of(session, snapshot).kinds if typed.conditions else {}
        return snapshot.kept.restricted.get(
            replace(typed, text=""), lambda: allowed_passages(session, snapshot, typed, fields)
        )

    def _metadata_of(self, session: Session, snapshot: Snapshot) -> Metadata:
        """The metadata of a snapshot's documents, kept up to date from one snapshot to the next."""
        now = snapshot.generation, snapshot.version
        with self._reading_metadata:
            known, before = self._metadata.get(snapshot.collection_id, (None, None))
            if before is not None and known == now:
                return before
            found = read_metadata(session, snapshot, before)
            self._metadata[snapshot.collection_id] = now, found
        return found

    def _facets(self, snapshot: Snapshot, asked: AnalyzedQuery, ranking: Ranking) -> Facets:
        with open_session(self.database) as session:
            metadata = self._metadata_of(session, snapshot)
            allowed = functools.partial(self._allowed, session, snapshot)
            return count_facets(snapshot, metadata, asked.typed, ranking, allowed)

    def _texts(self, snapshot: Snapshot, passages: NDArray[np.int64]) -> dict[int, LocatedPassage]:
        """The texts of a page."""
        wanted = set(passages.tolist())
        known = {place: row for place in wanted if (row := snapshot.kept.texts.known(place)) is not None}
        if len(known) < len(wanted):
            with open_session(self.database) as session:
                read = passages_at(session, snapshot, wanted - known.keys())
            for place, row in read.items():
                snapshot.kept.texts.put(place, row)
            known |= read
        return known
