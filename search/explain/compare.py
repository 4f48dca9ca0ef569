"""Why this before that: two documents under one question, term by term."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from search.db.connection import open_session
from search.engine.concept_resolver import find_documents
from search.engine.engine import SearchEngine
from search.engine.prepared import PreparedQuery
from search.engine.ranking import Ranking
from search.errors import DocumentNotFound, InvalidRequest
from search.index.passage_texts import passages_at
from search.index.snapshot import Snapshot
from search.query.request import SearchRequest
from search.responses.explanations import Comparison, Margin
from search.responses.search import Result, Term


@dataclass(frozen=True, eq=False)
class Places:
    """All documents that a search allows, in order; where each stands, with and without steering."""

    ranking: Ranking
    rank: dict[int, int]
    rank_unsteered: dict[int, int]

    @classmethod
    def of(cls, inquiry: PreparedQuery) -> "Places":
        """Ranks every document: exact, and slower than a search."""
        documents = inquiry.snapshot.documents
        ranking = inquiry.rank(documents)
        if not inquiry.is_steered:
            return cls(ranking, ranking.ranks, ranking.ranks)
        return cls(ranking, ranking.ranks, inquiry.asked.rank(inquiry.snapshot, documents).ranks)


def compare(
    engine: SearchEngine, request: SearchRequest, first: str, second: str, *, collection: str
) -> Comparison:
    """Two documents, by the ids their user gave, each with the passage that speaks most for it.

    Raises:
        DocumentNotFound: there is no such document, or it has no text to be searched.
        InvalidRequest: both are the same, or a restriction of the query leaves one out.
        InvalidQuery, InvalidSteering, InvalidFilter, CollectionNotFound, NotIndexed, StoreUnavailable
    """
    if first == second:
        raise InvalidRequest(
            f"{first[:80]!r} cannot be compared with itself.", hint="Choose two different documents."
        )
    return engine.on_live(collection, lambda snapshot: _compare(engine, snapshot, request, first, second))


def _compare(
    engine: SearchEngine, snapshot: Snapshot, request: SearchRequest, first: str, second: str
) -> Comparison:
    inquiry = engine.inquire(snapshot, request)
    with open_session(engine.database) as session:
        rows = passages_of(session, snapshot, [first, second])
        for name, passages in rows.items():
            if not len(inquiry.allowed(passages)):
                raise InvalidRequest(
                    f"{name[:80]!r} is left out by this search, so it has no score.",
                    hint="Take the restriction or the filter away that leaves it out.",
                )
        places = Places.of(inquiry)
        seen = seen_in(inquiry, rows.values())
        one, other = (result_of(session, inquiry, rows[name], places, seen) for name in (first, second))
    return Comparison(
        query=request.query,
        collection=snapshot.collection,
        generation=snapshot.generation,
        dictionary=snapshot.dictionary_id,
        first=one,
        second=other,
        margin=one.score - other.score,
        terms=margins(one, other),
        steering_lost=list(inquiry.translation.lost),
    )


def margins(first: Result, second: Result) -> list[Margin]:
    """What each term adds to two scores; the margins sum to the difference of the scores."""
    pairs: dict[tuple[object, ...], list[Term | None]] = {}
    for side, result in enumerate((first, second)):
        for term in result.terms:
            pairs.setdefault((term.kind, term.knob or term.feature, term.word), [None, None])[side] = term
    found = [_margin(*pair) for pair in pairs.values()]
    return sorted(found, key=lambda each: -abs(each.margin))


def _margin(first: Term | None, second: Term | None) -> Margin:
    one, other = (term.value if term else 0.0 for term in (first, second))
    term = first or second
    assert term is not None
    named = term.feature, term.concept, term.family, term.word
    return Margin(term.kind, term.label, one, other, one - other, *named)


def passages_of(session: Session, snapshot: Snapshot, ids: list[str]) -> dict[str, NDArray[np.int64]]:
    """The passages (numbers) of documents by the ids their user gave.

    Raises:
        DocumentNotFound: there is no such document in the snapshot, or it has no text.
    """
    found = find_documents(snapshot, ids, session)
    for name in ids:
        if name not in found:
            raise DocumentNotFound(
                f"There is no document {name[:80]!r} in {snapshot.collection!r}.",
                hint="Give it by the id that results carry; ids are case-sensitive.",
            )
    return {name: snapshot.passages_of(row.id) for name, row in found.items()}


def seen_in(inquiry: PreparedQuery, documents: Iterable[NDArray[np.int64]]) -> frozenset[int]:
    """The question's features that readers see in one of some documents (passages of each), so that these can
    be compared by them."""
    best = np.array([_scored(inquiry, passages).passages[0] for passages in documents])
    seen_A = inquiry.asked.shared(inquiry.snapshot, best).any(axis=0)
    return frozenset(np.array(list(inquiry.asked.question.active), np.int64)[seen_A].tolist())


def _scored(inquiry: PreparedQuery, passages: NDArray[np.int64]) -> Ranking:
    allowed = inquiry.allowed(passages)
    return inquiry.score(allowed if len(allowed) else passages)


def result_of(
    session: Session,
    inquiry: PreparedQuery,
    passages: NDArray[np.int64],
    places: Places,
    named: Collection[int] = (),
) -> Result:
    """A document as the search sees it: by the best of its passages, with the terms of its score; see
    `PreparedQuery.terms` for those that are to be `named`."""
    snapshot = inquiry.snapshot
    scored = _scored(inquiry, passages)
    (terms,) = inquiry.terms(scored, slice(0, 1), named=named)
    (text,) = passages_at(session, snapshot, scored.passages.tolist()).values()
    document = int(snapshot.document_N[passages[0]])
    return Result(
        rank=places.rank.get(document),
        rank_unsteered=places.rank_unsteered.get(document),
        score=float(scored.scores[0]),
        document=text.document,
        passage=text.passage,
        terms=terms,
    )
