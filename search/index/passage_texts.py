"""Reads the texts of passages from Postgres."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from search.db.models import DocumentRow, PassageRow
from search.errors import IndexReplaced
from search.index.snapshot import Snapshot
from search.responses.search import DocumentRef, PassageText


@dataclass(frozen=True)
class LocatedPassage:
    """Holds a passage with the document it belongs to."""

    document: DocumentRef
    passage: PassageText


def passages_at(session: Session, snapshot: Snapshot, places: Iterable[int]) -> dict[int, LocatedPassage]:
    """Reads passages of a snapshot by their place in it.

    Raises:
        IndexReplaced: the generation was dropped since.
    """
    places = list(places)
    numbers = dict(zip(snapshot.number_N[places].tolist(), places, strict=True)) if places else {}
    found = read_located(session, snapshot.generation, numbers)
    if len(found) < len(numbers):
        raise IndexReplaced("The index was replaced just now.", hint="Ask again.")
    return {numbers[number]: row for number, row in found.items()}


def read_located(session: Session, generation: int, ids: Iterable[int]) -> dict[int, LocatedPassage]:
    """Reads passages of a generation by number. Only the passages' own stretches of text travel."""
    text = func.substr(DocumentRow.text, PassageRow.start + 1, PassageRow.end - PassageRow.start)
    columns = (
        PassageRow.id,
        text,
        PassageRow.start,
        PassageRow.end,
        DocumentRow.external_id,
        DocumentRow.title,
        DocumentRow.url,
    )
    statement = (
        select(*columns)
        .join(DocumentRow, DocumentRow.id == PassageRow.document_id)
        .where(PassageRow.generation_id == generation, PassageRow.id.in_(list(ids)))
    )
    return {
        row[0]: LocatedPassage(
            DocumentRef(row[4], row[5], row[6]), PassageText(row[0], row[1], row[2], row[3])
        )
        for row in session.execute(statement)
    }
