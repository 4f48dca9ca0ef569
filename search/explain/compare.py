"""Compares two documents under one question, term by term: why this before that."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from search.engine.concept_resolver import find_documents
from search.engine.prepared import PreparedQuery
from search.engine.reader import Reader
from search.errors import DocumentNotFound, InvalidRequest
from search.index.snapshot import Snapshot
from search.query.request import SearchRequest
from search.responses.explanations import Comparison, Margin
from search.responses.search import Result, Term, TermKind
from search.scoring.ranking import Ranking


@dataclass(frozen=True, eq=False)
class Places:
    """Ranks all documents that a search allows, and says where each stands, with and without steering."""

    ranking: Ranking
    rank: dict[int, int]
    rank_unsteered: dict[int, int]

    @classmethod
    def of(cls, prepared: PreparedQuery) -> "Places":
        """Ranks every document: exact, and slower than a search."""
        documents = prepared.snapshot.documents
        ranking = prepared.rank(documents)
        if not prepared.is_steered:
            return cls(ranking, ranking.ranks, ranking.ranks)
        return cls(ranking, ranking.ranks, prepared.asked.rank(prepared.snapshot, documents).ranks)


def compare(reader: Reader, request: SearchRequest, first: str, second: str) -> Comparison:
    """Compares two documents, by the ids their user gave, each with the passage that speaks most for it.

    Raises:
        DocumentNotFound: there is no such document, or it has no text to be searched.
        InvalidRequest: both are the same, or a restriction of the query leaves one out.
        InvalidQuery, InvalidSteering, InvalidFilter: the request's own words are wrong.
    """
    if first == second:
        raise InvalidRequest(
            f"{first[:80]!r} cannot be compared with itself.", hint="Choose two different documents."
        )
    snapshot, prepared = reader.snapshot, reader.prepare(request)
    rows = passages_of(reader.session, snapshot, [first, second])
    for name, passages in rows.items():
        if not len(prepared.allowed(passages)):
            raise InvalidRequest(
                f"{name[:80]!r} is left out by this search, so it has no score.",
                hint="Take the restriction or the filter away that leaves it out.",
            )
    places = Places.of(prepared)
    seen = seen_in(prepared, rows.values())
    one, other = (result_of(reader, prepared, rows[name], places, seen) for name in (first, second))
    return Comparison(
        query=request.query,
        collection=snapshot.collection,
        generation=snapshot.generation,
        dictionary=snapshot.dictionary_id,
        first=one,
        second=other,
        margin=one.score - other.score,
        terms=margins(one, other),
        steering_lost=list(prepared.translation.lost),
    )


def margins(first: Result, second: Result) -> list[Margin]:
    """Sets two scores beside each other, term by term; the margins sum to the difference of the scores."""
    ones, others = _by_name(first.terms), _by_name(second.terms)
    found = [
        _margin(
            ones.get(name) or others[name],
            ones[name].value if name in ones else 0.0,
            others[name].value if name in others else 0.0,
        )
        for name in {**ones, **others}
    ]
    return sorted(found, key=lambda each: -abs(each.margin))


def _by_name(terms: list[Term]) -> dict[tuple[TermKind, str | int | None, str | None], Term]:
    return {(term.kind, term.knob or term.feature, term.word): term for term in terms}


def _margin(term: Term, first: float, second: float) -> Margin:
    return Margin(
        kind=term.kind,
        label=term.label,
        first=first,
        second=second,
        margin=first - second,
        feature=term.feature,
        concept=term.concept,
        family=term.family,
        word=term.word,
    )


def passages_of(session: Session, snapshot: Snapshot, ids: list[str]) -> dict[str, NDArray[np.int64]]:
    """Finds the passages (numbers) of documents by the ids their user gave.

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


def seen_in(prepared: PreparedQuery, documents: Iterable[NDArray[np.int64]]) -> frozenset[int]:
    """Finds the question's features that readers see in one of some documents (passages of each), so that
    these can be compared by them."""
    best = np.array([_scored(prepared, passages).passages[0] for passages in documents])
    seen_A = prepared.asked.shared(prepared.snapshot, best).any(axis=0)
    return frozenset(np.array(list(prepared.asked.question.active), np.int64)[seen_A].tolist())


def _scored(prepared: PreparedQuery, passages: NDArray[np.int64]) -> Ranking:
    allowed = prepared.allowed(passages)
    return prepared.score(allowed if len(allowed) else passages)


def result_of(
    reader: Reader,
    prepared: PreparedQuery,
    passages: NDArray[np.int64],
    places: Places,
    named: Collection[int] = (),
) -> Result:
    """Shows a document as the search sees it: by the best of its passages, with the terms of its score; see
    `PreparedQuery.terms` for those that are to be `named`."""
    snapshot = prepared.snapshot
    scored = _scored(prepared, passages)
    (terms,) = prepared.terms(scored, np.zeros(1, np.int64), named=named)
    (text,) = reader.texts(scored.passages.tolist()).values()
    document = int(snapshot.document_N[passages[0]])
    return Result(
        rank=places.rank.get(document),
        rank_unsteered=places.rank_unsteered.get(document),
        score=float(scored.scores[0]),
        document=text.document,
        passage=text.passage,
        terms=terms,
    )
