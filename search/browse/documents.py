"""Shows documents of a collection: one in full, those found by their name, and all of them one by one."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from search.db.connection import among
from search.db.models import DocumentRow, PassageRow
from search.embedding.folding import kept_as
from search.embedding.words import stems
from search.engine.concept_resolver import find_documents
from search.engine.reader import Reader
from search.errors import DocumentNotFound
from search.index.snapshot import Snapshot
from search.query.limits import MAX_NESTING, check_page, check_query
from search.query.request import SearchRequest
from search.responses.documents import (
    ActiveFeature,
    DocumentDetail,
    DocumentPassage,
    DocumentTopic,
    ResultLink,
    Standing,
)
from search.responses.search import DocumentRef

MAX_WORDS = 20

MAX_TOPICS = 12

FIRST = 100
"""Among so many results a document has a place that is told."""


def document_detail(reader: Reader, document_id: str) -> DocumentDetail:
    """Describes a document, by the id its user gave, as the live generation holds it.

    Raises:
        DocumentNotFound: the live generation holds none of that id.
    """
    snapshot, session = reader.snapshot, reader.session
    document = find_document(session, snapshot, document_id)
    where = (PassageRow.generation_id == snapshot.generation, PassageRow.document_id == document.id)
    rows = session.execute(select(PassageRow.id, PassageRow.start, PassageRow.end).where(*where)).all()
    spans = {number: (start, end) for number, start, end in rows}
    places = snapshot.passages_of(document.id)
    return DocumentDetail(
        id=document.external_id,
        title=document.title,
        url=document.url,
        collection=reader.collection,
        generation=snapshot.generation,
        text=document.text,
        meta=_readable(document.meta or {}),
        passages=[
            DocumentPassage(number, *spans[number], _active(snapshot, place))
            for place, number in zip(places.tolist(), snapshot.number_N[places].tolist(), strict=True)
        ],
        topics=_topics(snapshot, places),
    )


def standing_of(reader: Reader, request: SearchRequest, document_id: str) -> Standing | None:
    """Finds where a document stands in a search and what is beside it, None if it is not among the first.

    Raises:
        DocumentNotFound: the live generation holds none of that id.
        InvalidQuery, InvalidSteering, InvalidFilter, InvalidRequest: the request is wrong.
    """
    document = find_document(reader.session, reader.snapshot, document_id)
    ranking = reader.prepare(request).rank(FIRST)
    rank = ranking.ranks.get(document.id)
    if rank is None:
        return None
    places = ranking.passages.tolist()
    before, after = places[max(rank - 2, 0) : rank - 1], places[rank : rank + 1]
    located = reader.texts([*before, *after])
    link = {at: ResultLink(row.document, row.passage.id) for at, row in located.items()}
    first, last = (next((link[place] for place in beside), None) for beside in (before, after))
    return Standing(rank, first, last)


def _readable(value: Any, levels: int = MAX_NESTING) -> Any:
    """Metadata as an answer can hold it: of what was stored before there was a bound, the depths as text."""
    if not isinstance(value, (dict, list)):
        return value
    if not levels:
        return json.dumps(value)
    if isinstance(value, list):
        return [_readable(inner, levels - 1) for inner in value]
    return {name: _readable(inner, levels - 1) for name, inner in value.items()}


def find_document(session: Session, snapshot: Snapshot, document_id: str) -> DocumentRow:
    """Finds a document by the id its user gave.

    Raises:
        DocumentNotFound: the live generation holds none of that id.
    """
    known = {} if "\0" in document_id else find_documents(snapshot, [document_id], session)
    if document_id not in known:
        raise DocumentNotFound(
            f"There is no document {document_id[:100]!r} in {snapshot.collection!r}.",
            hint="Search for it; ids are case-sensitive.",
        )
    return known[document_id]


def _active(snapshot: Snapshot, passage: int) -> list[ActiveFeature]:
    strongest = sorted(snapshot.active(passage).items(), key=lambda pair: -pair[1])
    return [
        ActiveFeature(f, snapshot.labels[f].shown, snapshot.labels[f].reliable, value)
        for f, value in strongest
    ]


def _topics(snapshot: Snapshot, places: NDArray[np.int64]) -> list[DocumentTopic]:
    """Finds what sets a document apart; of names that say the same or more in the same words the first."""
    about_F = snapshot.counts_about(places)
    topics: list[DocumentTopic] = []
    said: list[frozenset[str]] = []
    for feature in snapshot.distinctive(places):
        name = snapshot.labels[feature].shown
        words = frozenset(stems(name)) or frozenset({name.casefold()})  # "will" has no stem
        if any(words <= other or other <= words for other in said):
            continue
        said.append(words)
        topics.append(DocumentTopic(feature, name, int(about_F[feature])))
        if len(topics) == MAX_TOPICS:
            break
    return topics


def find_by_name(reader: Reader, name: str, *, limit: int = 10) -> list[DocumentRef]:
    """Finds documents whose id or title has every word of a text, the one of just that id first, then short
    titles.

    Raises:
        InvalidQuery: the name has no letter or digit, is too long, or is not text.
        InvalidPage: the limit is out of range.
    """
    check_query(name)
    check_page(limit, 0)
    snapshot = reader.snapshot
    named = func.lower(DocumentRow.external_id + literal(" ") + DocumentRow.title)
    words = list(dict.fromkeys(name.lower().split()))[:MAX_WORDS]
    statement = (
        select(DocumentRow.id, DocumentRow.external_id, DocumentRow.title, DocumentRow.url)
        .where(
            *_rows(snapshot),
            *(or_(*(named.contains(form, autoescape=True) for form in kept_as(word))) for word in words),
        )
        .order_by(
            DocumentRow.external_id.not_in(kept_as(name.strip())),
            func.length(DocumentRow.title),
            DocumentRow.external_id,
        )
        .limit(5 * limit)
    )
    rows = reader.session.execute(statement).all()
    held = np.isin([row[0] for row in rows], snapshot.documents_sorted)
    return [DocumentRef(*row[1:]) for row, is_held in zip(rows, held, strict=True) if is_held][:limit]


def _rows(snapshot: Snapshot) -> list[ColumnElement[bool]]:
    """Says in SQL which documents may be held by a snapshot: the collection's or, of a part, which may be
    small, its own."""
    rows = [DocumentRow.collection_id == snapshot.collection_id]
    return [*rows, among(DocumentRow.id, snapshot.documents_sorted.tolist())] if snapshot.only else rows


def list_documents(reader: Reader, *, after: str = "", limit: int = 10) -> list[DocumentRef]:
    """Some of the documents that are searched, in the order of their ids, from behind an id on: ask again
    behind the last one until fewer come.

    Raises:
        InvalidPage
    """
    check_page(limit, 0)
    return list(islice(walk_documents(reader, after=after, batch=2 * limit), limit))


def walk_documents(reader: Reader, *, after: str = "", batch: int = 1000) -> Iterator[DocumentRef]:
    """All documents that are searched, in the order of their ids, those behind an id alone."""
    snapshot, session = reader.snapshot, reader.session
    place = tuple_(DocumentRow.external_id, DocumentRow.seq)
    behind: tuple[str, int] = (after, 2**63 - 1)
    columns = (DocumentRow.external_id, DocumentRow.seq, DocumentRow.id, DocumentRow.title, DocumentRow.url)
    while True:
        wanted = select(*columns).where(*_rows(snapshot), place > behind)
        rows = session.execute(wanted.order_by(DocumentRow.external_id, DocumentRow.seq).limit(batch)).all()
        held = np.isin([row.id for row in rows], snapshot.documents_sorted)
        for row, is_held in zip(rows, held, strict=True):
            if is_held:
                yield DocumentRef(row.external_id, row.title, row.url)
        if len(rows) < batch:
            return
        behind = (rows[-1].external_id, rows[-1].seq)
