"""Reads one snapshot for one request, from its first query to its last.

Shape suffixes: N passages, D embedding width.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from search import deadline
from search.cache import LRUCache
from search.catalog.beginnings import Beginnings
from search.catalog.document_cache import DocumentCache
from search.catalog.names import LaterNames, named, read_later_names
from search.catalog.titles import Titles, read_titles
from search.dictionary.concepts import Concept
from search.dictionary.lexicon import is_used
from search.dictionary.steer import feature_deltas, steer
from search.embedding.embedder import EndpointEmbedder, embedder_of
from search.embedding.query_encoder import QueryEncoder
from search.embedding.word_sums import WordSums
from search.embedding.words import words as words_of
from search.engine.ablation import ranks_without
from search.engine.caches import Caches, SnapshotCaches
from search.engine.concept_resolver import fit_concept
from search.engine.effective_steering import with_preset_knobs
from search.engine.parts import Parts
from search.engine.places import Places, find_places
from search.engine.prepared import AnalyzedQuery, PreparedQuery, Understanding
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
from search.filtering.allowed import allowed_passages, called
from search.filtering.doc_values import DocValues, read_doc_values
from search.index.passage_texts import LocatedPassage, passages_at
from search.index.snapshot import Part, Snapshot
from search.limiter import ConcurrencyLimiter
from search.metrics import count_search
from search.presentation.facets import count_facets, reads_back
from search.presentation.for_people import ForPeople, Marks
from search.presentation.highlighting import WordSumsCache, mark, mark_words
from search.presentation.provenance import with_facts
from search.query.filters import format_filter
from search.query.limits import check_min_score, check_mode, check_page, check_query
from search.query.parser import TITLE, Condition, ParsedQuery, may_name_field, may_restrict, parse_query
from search.query.presets import NONE
from search.query.remapping import RemappedSteering, marked, translate, translate_filters
from search.query.request import SearchRequest
from search.query.steering import FeatureTarget, FittedTarget
from search.responses.search import Facets, Result, SearchResponse
from search.rights import EVERYTHING, Rights
from search.scoring.floor import ELSEWHERE, MADE_UP, MOST, floor_of
from search.scoring.hybrid import counted_words
from search.scoring.ranking import Pool, Ranking
from search.scoring.spelling import suggest, unknown, words_nowhere

FloatArray = NDArray[np.float32]

OTHERS = 3
"""So many connections are for others than readers. A reader has one, also while it steps aside, and if those
aside had all of them, those at work would wait for ever."""

READERS = 12
"""Readers that are open at once where connections have no limit."""

DEAR_CORES, DEAR_WAITING = 4, 16
"""One dear answer is worked on at once for so many cores, and so many wait."""


@dataclass(frozen=True, eq=False)
class Shared:
    """Holds what the readers of an engine share: how much they look at, the query encoder, the turns (of all
    that are open, of those at work, of the dear ones), and what was worked out before."""

    pool: Pool
    limiter: ConcurrencyLimiter
    readers: ConcurrencyLimiter
    dear: ConcurrencyLimiter
    encoder: QueryEncoder = field(default_factory=QueryEncoder)
    caches: Caches = field(default_factory=Caches)
    doc_values: DocumentCache[DocValues] = field(default_factory=lambda: DocumentCache(read_doc_values))
    later_names: DocumentCache[LaterNames] = field(default_factory=lambda: DocumentCache(read_later_names))
    titles: DocumentCache[Titles] = field(default_factory=lambda: DocumentCache(read_titles))
    floors: LRUCache[tuple[int, Part, bool], float] = field(default_factory=lambda: LRUCache(256))
    examples: LRUCache[tuple[int, Part], tuple[int, ...]] = field(default_factory=lambda: LRUCache(256))
    topics: LRUCache[tuple[int, int], Beginnings] = field(default_factory=lambda: LRUCache(16))
    parts: Parts = field(default_factory=Parts)
    word_sums: WordSumsCache = field(default_factory=WordSumsCache)

    @classmethod
    def among(cls, pool: Pool, cores: int, connections: int | None) -> "Shared":
        """Makes it for an engine that has so many cores and connections (None: any number)."""
        readers = READERS if connections is None else max(1, connections - OTHERS)
        dear = max(1, cores // DEAR_CORES)
        return cls(
            pool,
            limiter=ConcurrencyLimiter("work", cores, max_wait=math.inf),
            readers=ConcurrencyLimiter("readers", readers),
            dear=ConcurrencyLimiter("dear", dear, max_waiting=DEAR_WAITING),
        )


@dataclass(frozen=True, eq=False)
class Reader:
    """Reads one snapshot of a collection in one session, whose transaction keeps the generation from being
    dropped. `waited`: seconds until its turn came. `rights` are the caller's: the snapshot holds nothing that
    they may not see.

    All that one answer says comes from one reader: then its parts are of one generation.
    """

    snapshot: Snapshot
    session: Session
    shared: Shared
    waited: float = 0.0
    rights: Rights = EVERYTHING

    @property
    def collection(self) -> str:
        """Names the collection."""
        return self.snapshot.collection

    def embed(self, text: str) -> FloatArray:
        """Embeds a question as a unit vector (D,). Others take their turn meanwhile: they may be embedded
        together with it."""
        with self.shared.limiter.aside():
            return self.shared.encoder(self.snapshot.space, text)

    def breathe(self) -> None:
        """Lets others go first for a moment, between two pieces of long work.

        Raises:
            TimedOut: nobody has a use for the answer any more.
        """
        deadline.check()
        self.shared.limiter.let_others()

    def translate(self, request: SearchRequest) -> RemappedSteering:
        """Translates the steering and filters of a request into the numbers of the live dictionary, with the
        knobs of its preset (see `search.query.remapping` and `search.engine.effective_steering`).

        Raises:
            InvalidSteering, InvalidFilter: a number means nothing here, or the knobs are too many.
            PresetNotFound: there is no preset of the name that the request gives.
        """
        snapshot, session = self.snapshot, self.session
        preset = NONE if request.preset is None and request.steering.knobs else request.preset
        numbered = request.dictionary, snapshot.dictionary_id
        filters = translate_filters(session, request.filters, *numbered)
        own = translate(session, request.steering, *numbered)
        return replace(with_preset_knobs(session, snapshot, own, preset), filters=filters)

    def prepare(self, request: SearchRequest, clock: Clock | None = None) -> PreparedQuery:
        """Works a request out, so that it can be ranked, scored and explained.

        Raises:
            InvalidQuery, InvalidSteering, InvalidFilter, InvalidRequest: the request's own words are wrong.
            PresetNotFound: there is no preset of the name that the request gives.
        """
        check_query(request.query)
        check_mode(request.mode)
        clock = clock or Clock()
        snapshot, translation = self.snapshot, self.translate(request)
        key = request.query, request.mode, translation.filters, request.as_typed
        asked = self._cached.analyzed.get(key, lambda: self._analyze(*key))
        clock.lap("embed")
        deltas = feature_deltas(translation.steering, asked.question.active, snapshot.scale_F)
        steered = steer(asked.question.vector_D, snapshot.dictionary.w_dec_FD, deltas)
        concepts = [
            SteeredConcept(knob.target, float(knob.strength), self.concept(knob.target))
            for knob in translation.steering.knobs
            if not isinstance(knob.target, FeatureTarget)
        ]
        return PreparedQuery(
            request=request,
            snapshot=snapshot,
            translation=translation,
            asked=asked,
            steered=steered,
            concepts=concepts,
        )

    def search(
        self,
        request: SearchRequest,
        *,
        limit: int = 10,
        offset: int = 0,
        collapse: bool = True,
        min_score: float | None = None,
        facets: bool = False,
        values_of: Collection[str] = (),
        for_people: ForPeople | None = None,
    ) -> SearchResponse:
        """Finds the documents nearest to the steered question, each with the terms of its score.

        Knobs of the request's preset are turned too; where it has neither that nor steering, those of the
        collection's default preset. `collapse` shows results whose passages say the same once, each with its
        copies: pages count what is shown. Nothing is shown that scores less than `min_score`. `facets` counts
        what the answers can be narrowed down to, with many values of the fields `values_of`. `for_people`
        adds what a page shows: where each document is from, and what of the rest it chooses.

        Raises:
            InvalidQuery, InvalidSteering, InvalidFilter, InvalidPage, InvalidRequest: the request's own words
                are wrong.
            PresetNotFound: there is no preset of the name that the request gives.
        """
        check_page(limit, offset)
        check_min_score(min_score)
        clock = Clock(self.waited)
        prepared = self.prepare(request, clock)
        places = find_places(prepared, self._said, offset + limit, collapse=collapse, least=min_score)
        clock.lap("search")
        page = offset, limit
        whole = frozenset(values_of) if facets else None
        answer = self._answer(prepared, places, page, clock, whole=whole, for_people=for_people)
        again = for_people is not None and for_people.again
        count_search(answer, again=again, nowhere=bool(words_nowhere(answer)))
        return answer

    def _answer(
        self,
        prepared: PreparedQuery,
        places: Places,
        page: tuple[int, int],
        clock: Clock,
        *,
        whole: frozenset[str] | None,
        for_people: ForPeople | None,
    ) -> SearchResponse:
        snapshot, asked, translation = self.snapshot, prepared.asked, prepared.translation
        ranking, shown, (offset, limit) = places.ranking, places.page(*page), page
        rows = np.array(shown.first, np.int64)
        ranked = for_people is not None and for_people.ranks
        without = ranks_without(prepared, ranking, rows) if ranked else NOT_ASKED
        terms = prepared.terms(ranking, rows, without)
        clock.lap("explain")
        texts = self.texts(ranking.passages[shown.rows()].tolist())
        unsteered = asked.rank(snapshot, max(shown.first, default=0) + 1)
        results = page_results(texts, ranking, shown, unsteered, terms)
        clock.lap("texts")
        if for_people:
            results = self._marked(prepared, results, for_people.marks)
            results = with_facts(results, self._doc_values, ranking.documents[rows])
            clock.lap("words")
        counted = None if whole is None else self._facets(asked, ranking, whole)
        clock.lap("facets")
        return SearchResponse(
            query=prepared.request.query,
            restrictions=restrictions(snapshot, asked.typed),
            mode=prepared.request.mode,
            collection=snapshot.collection,
            generation=snapshot.generation,
            dictionary=snapshot.dictionary_id,
            took_ms=clock.timings(),
            total=asked.documents(snapshot) if places.total is None else places.total,
            limit=limit,
            offset=offset,
            moved=float(asked.question.vector_D @ prepared.steered.vector_D),
            query_features=query_features(snapshot, asked.question, asked.understood),
            query_words=asked.words.found(),
            preset=translation.preset,
            steering=marked(steering_terms(snapshot, translation.steering, prepared.concepts), translation),
            steering_lost=list(translation.lost),
            results=results,
            facets=counted,
            copies=places.copies.left_out,
            floor=asked.floor,
            spelling=asked.spelling,
            parts=asked.parts,
            readings=list(asked.typed.readings),
            no_fields=list(asked.typed.no_fields),
            weak=asked.is_weak,
        )

    def _floor_for(self, question: str) -> float:
        """Says how near a passage has to be to be about this question: nearer than to words that nobody has,
        if no word of it is here."""
        stems = counted_words(question)
        nowhere = unknown(self.snapshot.lexicon, stems)
        is_foreign = len(nowhere) == len(stems) and not self.snapshot.repairs.touch(stems)
        return max(self.floor(), self.floor(made_up=True)) if is_foreign else self.floor()

    def floor(self, *, made_up: bool = False) -> float:
        """Says how near a passage has to be to be about a question at all: nearer than to questions about
        other things, or than to words that are made up."""

        def measure() -> float:
            embedder = embedder_of(self.snapshot.space)
            with self.shared.limiter.aside():
                q_QD = embedder.encode_queries(MADE_UP if made_up else ELSEWHERE)
            return (
                floor_of(self.snapshot.index, q_QD, MOST) if made_up else floor_of(self.snapshot.index, q_QD)
            )

        return self.shared.floors.get((self.snapshot.generation, self.snapshot.part, made_up), measure)

    def knows(self, phrase: str) -> bool:
        """Says whether any passage is really about a phrase."""
        ((nearest,),) = self.snapshot.index.search(self.embed(phrase)[None], 1)[0]
        return float(nearest) >= self._floor_for(phrase)

    def values_called(self, phrase: str) -> list[Condition]:
        """Finds the fields of the metadata that have a value of that name, as filters."""
        found = called(self._doc_values, self.snapshot.documents_sorted, phrase)
        conditions = [each for each in found if each.field != TITLE]  # which would mean the document's own
        return [each for each in conditions if reads_back(format_filter(each))]

    def concept(self, target: FittedTarget) -> Concept:
        """Gives the concept that a target means in this collection.

        Raises:
            InvalidQuery, InvalidSteering: the phrase cannot be embedded; there is no such family or document.
        """

        def fit() -> Concept:
            return fit_concept(self.snapshot, target, self.embed, self.session, lambda: self._doc_values)

        return self._cached.concepts.get(target, fit)

    def allowed(self, typed: ParsedQuery) -> NDArray[np.bool_] | None:
        """Finds the passages that the restrictions of a query leave (N,); None: all."""
        if not typed.restricts:
            return None

        def find() -> NDArray[np.bool_]:
            doc_values = self._doc_values if typed.conditions else DocValues()
            return allowed_passages(self.session, self.snapshot, typed, doc_values)

        return self._cached.restricted.get(typed.restrictions, find)

    def texts(self, places: Iterable[int]) -> dict[int, LocatedPassage]:
        """Reads the texts of passages, by their place in the snapshot."""
        cached, wanted = self._cached.texts, set(places)
        known = {place: row for place in wanted if (row := cached.known(place)) is not None}
        if len(known) < len(wanted):
            read = passages_at(self.session, self.snapshot, wanted - known.keys())
            for place, row in read.items():
                cached.put(place, row)
            known |= read
        return known

    def _said(self, places: list[int]) -> dict[int, str]:
        return {place: row.passage.text for place, row in self.texts(places).items()}

    def word_sums(self, passages: list[LocatedPassage]) -> list[WordSums]:
        """Takes passages apart into their words and what each adds to the passage's embedding."""
        embedder = embedder_of(self.snapshot.space)
        waits = self.shared.limiter.aside() if isinstance(embedder, EndpointEmbedder) else nullcontext()
        with waits:
            return self.shared.word_sums.of(embedder, self.snapshot.generation, passages, self.breathe)

    @property
    def _cached(self) -> SnapshotCaches:
        return self.shared.caches.of(self.snapshot)

    @property
    def _doc_values(self) -> DocValues:
        return self.shared.doc_values.of(self.session, self.snapshot)

    def _analyze(
        self, query: str, mode: str, filters: tuple[Condition, ...], as_typed: bool
    ) -> AnalyzedQuery:
        typed = ParsedQuery(query)
        if filters or may_restrict(query):
            fields = self._doc_values.kinds if filters or may_name_field(query) else {}
            typed = parse_query(query, fields, is_used)
            typed = replace(typed, conditions=(*typed.conditions, *filters))
        allowed_N = self.allowed(typed)
        is_name = len(self._named(typed.text)) > 0
        repairs = self.snapshot.repairs
        pinned = repairs.pinned(query, typed.text)
        spelling = None
        if not (is_name or pinned):
            spelling = suggest(self.snapshot.lexicon, typed.text, self._written, repairs.known)
        if spelling is not None and as_typed:
            spelling = replace(spelling, used=False)
        if spelling is not None and spelling.used:
            typed = replace(typed, text=spelling.query)
        return AnalyzedQuery.of(
            self.snapshot,
            typed,
            allowed_N,
            self._understand(typed.text, mode, pinned),
            spelling=spelling,
            pool=self.shared.pool,
            parts=len(embedder_of(self.snapshot.space).question_parts(typed.text)),
            floor=self._floor_for(typed.text),
        )

    def _understand(self, text: str, mode: str, pinned: tuple[str, ...]) -> Understanding:
        """Works out what a question means, whatever restricts it: asked again with a filter, it is known."""

        def understand() -> Understanding:
            words = asked_words(self.snapshot, text, mode, self._named(text), pinned)
            return Understanding.of(self.snapshot, text, self.embed(text), words, self.shared.pool)

        return self._cached.understood.get((text, mode, pinned), understand)

    def _named(self, text: str) -> NDArray[np.int64]:
        """Finds the documents (row ids) that a question is the name of."""
        later = self.shared.later_names.of(self.session, self.snapshot)
        return named(self.snapshot, later, text)

    def _written(self, stem: str, passage: int) -> str:
        """Gives a stem's word as a passage has it."""
        row = self.texts([passage])[passage]
        text = f"{row.passage.text}\n{row.document.title}"
        found = (text[each.start : each.end].lower() for each in words_of(text) if each.stem == stem)
        return next(found, stem)

    def _marked(self, prepared: PreparedQuery, results: list[Result], marks: Marks) -> list[Result]:
        """Marks results by what the model says of their passages; where it has not read one and is not to,
        by the words of the question."""
        found = [LocatedPassage(result.document, result.passage) for result in results]
        sums: Sequence[WordSums | None] = (
            self.word_sums(found)
            if marks == "all"
            else self.shared.word_sums.known(self.snapshot.generation, found)
        )
        stems = [*counted_words(prepared.asked.typed.text)]
        weights = dict(zip(stems, self.snapshot.lexicon.rarities(stems).tolist(), strict=True))
        q_D, encoder_FD = prepared.steered.vector_D, self.snapshot.dictionary.w_enc_FD
        return [
            mark_words(result, weights) if parts is None else mark(result, parts, q_D, encoder_FD, weights)
            for result, parts in zip(results, sums, strict=True)
        ]

    def _facets(self, asked: AnalyzedQuery, ranking: Ranking, whole: frozenset[str]) -> Facets:
        doc_values = self._doc_values

        def left(typed: ParsedQuery) -> tuple[int, NDArray[np.int64]]:
            def count() -> tuple[int, NDArray[np.int64]]:
                documents = self.snapshot.documents_of(self.allowed(typed))
                return len(documents), doc_values.counts(documents)

            return self._cached.counted.get(typed, count)

        allowed_N, typed = self.allowed(asked.typed), asked.typed
        return count_facets(self.snapshot, doc_values, typed, ranking, left, allowed_N, whole=whole)
