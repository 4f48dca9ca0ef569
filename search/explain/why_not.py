"""Says why a document is not among the first: where it stands, what it lacks, and the smallest steering that
would bring it up."""

import numpy as np
from numpy.typing import NDArray

from search.engine.prepared import PreparedQuery
from search.engine.reader import Reader
from search.engine.response import restrictions
from search.explain.compare import Places, margins, passages_of, result_of, seen_in
from search.explain.counterfactuals import find_ways
from search.explain.wordings import find_wordings
from search.query.request import SearchRequest
from search.responses.explanations import WhyNot, Wording
from search.responses.search import Restriction

WANTED = 10


def why_not(reader: Reader, request: SearchRequest, document: str, *, wanted: int = WANTED) -> WhyNot:
    """Explains why a document, by the id its user gave, is not among the first `wanted` of a search.

    Raises:
        DocumentNotFound: there is no such document, or it has no text to be searched.
        InvalidQuery, InvalidSteering, InvalidFilter: the request's own words are wrong.
    """
    snapshot, session = reader.snapshot, reader.session
    prepared = reader.prepare(request)
    passages = passages_of(session, snapshot, [document])[document]
    places = Places.of(prepared)
    rank, last = places.rank.get(int(snapshot.document_N[passages[0]])), None
    seen = seen_in(prepared, [passages])
    if rank is not None and rank > wanted:
        others = snapshot.passages_of(int(places.ranking.documents[wanted - 1]))
        seen = seen_in(prepared, [passages, others])
        last = result_of(reader, prepared, others, places, seen)
    result = result_of(reader, prepared, passages, places, seen)
    return WhyNot(
        query=request.query,
        collection=snapshot.collection,
        generation=snapshot.generation,
        dictionary=snapshot.dictionary_id,
        wanted=wanted,
        total=prepared.asked.documents(snapshot),
        result=result,
        excluded_by=_excluded_by(reader, prepared, passages) if result.rank is None else [],
        last=last,
        lacks=[each for each in margins(result, last) if each.margin < 0] if last else [],
        ways=find_ways(reader, prepared, passages, places, wanted) if last else [],
        steering_lost=list(prepared.translation.lost),
        wordings=_wordings(reader, prepared, passages, result.document.title, wanted) if last else [],
    )


def _wordings(
    reader: Reader, prepared: PreparedQuery, passages: NDArray[np.int64], title: str, wanted: int
) -> list[Wording]:
    document = int(prepared.snapshot.document_N[passages[0]])
    return find_wordings(reader, prepared, document, title, wanted)


def _excluded_by(reader: Reader, prepared: PreparedQuery, passages: NDArray[np.int64]) -> list[Restriction]:
    """Finds the restrictions that none of a document's passages meets; all, where they meet one each."""
    snapshot, typed = prepared.snapshot, prepared.asked.typed
    unmet = []
    for only in typed.one_by_one():
        allowed_N = reader.allowed(only)
        if allowed_N is not None and not allowed_N[passages].any():
            unmet += restrictions(snapshot, only)
    return unmet or restrictions(snapshot, typed)
