"""What an admin wants to see of a collection: its documents, what waits, and what it takes up."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import ColumnElement, SQLColumnExpression, func, or_, select, text
from sqlalchemy.orm import Session

from indexer.build.catch_up import count_pending
from search.db.lookup import live_of
from search.db.models import CollectionRow, DocumentRow, GenerationRow, PassageRow
from search.embedding.folding import kept_as
from search.index.generation_files import generation_folder


@dataclass(frozen=True)
class DocumentLine:
    """Describes a document in a list. `waits`: it is stored and not searched yet."""

    id: str
    title: str
    characters: int
    source: str | None
    waits: bool


@dataclass(frozen=True)
class DocumentLines:
    """Holds one page of a collection's documents."""

    total: int
    documents: list[DocumentLine]


def database_size(session: Session) -> int:
    """Gives the bytes of the whole database."""
    return session.scalar(text("SELECT pg_database_size(current_database())")) or 0


def generation_sizes(session: Session, data: Path, collection: int) -> dict[int, int]:
    """Gives the bytes that each generation of a collection takes up, by its number: its passages and its
    files."""
    numbers = session.scalars(select(GenerationRow.id).where(GenerationRow.collection_id == collection)).all()
    return {
        number: _table_size(session, number) + _folder_size(generation_folder(data, number))
        for number in numbers
    }


def count_documents(session: Session, collection: int) -> int:
    """How many documents a collection has."""
    is_current = (DocumentRow.collection_id == collection, DocumentRow.superseded.is_(None))
    return session.scalar(select(func.count()).where(*is_current)) or 0


def count_waiting(session: Session, collection: int) -> int:
    """Counts the documents that are stored and not searched yet."""
    live = live_of(session, collection)
    return count_pending(session, live) if live is not None else count_documents(session, collection)


def list_documents(
    session: Session, collection: CollectionRow, find: str = "", *, limit: int = 20, offset: int = 0
) -> DocumentLines:
    """Lists a collection's documents by their ids; those whose id or title holds a text, if one is given."""
    wanted = [DocumentRow.collection_id == collection.id, DocumentRow.superseded.is_(None)]
    if find:
        named = DocumentRow.external_id, DocumentRow.title
        wanted.append(or_(*(_holds(column, form) for column in named for form in kept_as(find))))
    total = session.scalar(select(func.count()).where(*wanted)) or 0
    columns = (
        DocumentRow.id,
        DocumentRow.external_id,
        DocumentRow.title,
        func.char_length(DocumentRow.text).label("characters"),
        DocumentRow.source,
    )
    page = select(*columns).where(*wanted).order_by(DocumentRow.external_id).limit(limit).offset(offset)
    rows = session.execute(page).all()
    live = live_of(session, collection.id)
    searched = set(
        session.scalars(
            select(PassageRow.document_id).where(
                PassageRow.generation_id == (live.id if live else -1),
                PassageRow.document_id.in_([row.id for row in rows]),
            )
        )
    )
    lines = [
        DocumentLine(
            id=row.external_id,
            title=row.title,
            characters=row.characters,
            source=row.source,
            waits=row.id not in searched,
        )
        for row in rows
    ]
    return DocumentLines(total, lines)


def _holds(column: SQLColumnExpression[str], find: str) -> ColumnElement[bool]:
    return func.strpos(func.lower(column), find.lower()) > 0


def _table_size(session: Session, generation: int) -> int:
    size = text("SELECT coalesce(pg_total_relation_size(to_regclass(:name)), 0)")
    return session.scalar(size, {"name": f"passages_{generation}"}) or 0


def _folder_size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*") if file.is_file())
