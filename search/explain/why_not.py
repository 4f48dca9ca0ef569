"""Why not: where a document stands, what it lacks, and the smallest steering that would bring it up."""

import numpy as np
from numpy.typing import NDArray

from search.db.connection import open_session
from search.engine.engine import SearchEngine
from search.engine.prepared import PreparedQuery
from search.engine.response import restrictions
from search.explain.compare import Places, margins, passages_of, result_of, seen_in
from search.explain.counterfactuals import find_ways
from search.index.snapshot import Snapshot
from search.query.request import SearchRequest
from search.responses.explanations import WhyNot
from search.responses.search import Restriction

WANTED = 10


def why_not(
    engine: SearchEngine, request: SearchRequest, document: str, *, collection: str, wanted: int = WANTED
) -> WhyNot:
    """Why a document, by the id its user gave, is not among the first `wanted` of a search.

    Raises:
        DocumentNotFound: there is no such document, or it has no text to be searched.
        InvalidQuery, InvalidSteering, InvalidFilter, CollectionNotFound, NotIndexed, StoreUnavailable
    """
    return engine.on_live(collection, lambda snapshot: _why_not(engine, snapshot, request, document, wanted))


def _why_not(
    engine: SearchEngine, snapshot: Snapshot, request: SearchRequest, document: str, wanted: int
) -> WhyNot:
    inquiry = engine.inquire(snapshot, request)
    with open_session(engine.database) as session:
        passages = passages_of(session, snapshot, [document])[document]
        places = Places.of(inquiry)
        rank, last = places.rank.get(int(snapshot.document_N[passages[0]])), None
        seen = seen_in(inquiry, [passages])
        if rank is not None and rank > wanted:
            others = snapshot.passages_of(int(places.ranking.documents[wanted - 1]))
            seen = seen_in(inquiry, [passages, others])
            last = result_of(session, inquiry, others, places, seen)
        result = result_of(session, inquiry, passages, places, seen)
    ways = find_ways(engine, inquiry, request, passages, places, wanted) if last else []
    return WhyNot(
        query=request.query,
        collection=snapshot.collection,
        generation=snapshot.generation,
        dictionary=snapshot.dictionary_id,
        wanted=wanted,
        total=inquiry.asked.documents(snapshot),
        result=result,
        excluded_by=_excluded_by(engine, inquiry, passages) if result.rank is None else [],
        last=last,
        lacks=[each for each in margins(result, last) if each.margin < 0] if last else [],
        ways=ways,
        steering_lost=list(inquiry.translation.lost),
    )


def _excluded_by(
    engine: SearchEngine, inquiry: PreparedQuery, passages: NDArray[np.int64]
) -> list[Restriction]:
    """The restrictions that none of a document's passages meets; all, where they meet one each."""
    snapshot, typed = inquiry.snapshot, inquiry.asked.typed
    unmet = []
    for only in typed.one_by_one():
        allowed_N = engine.allowed(snapshot, only)
        if allowed_N is not None and not allowed_N[passages].any():
            unmet += restrictions(snapshot, only)
    return unmet or restrictions(snapshot, typed)
