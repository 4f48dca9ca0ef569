"""Documents into the store: what is new or changed is added, what was there stays."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import Engine, func, insert, select, update
from sqlalchemy.orm import Session

from indexer.progress import Reporter
from indexer.sources import Failure, Item, Note, SourceDocument
from search.db.listener import notify
from search.db.locks import take_turn
from search.db.lookup import COLLECTION_NAME
from search.db.models import CollectionRow, DocumentRow, change_seq
from search.errors import InvalidRequest

BATCH = 200


@dataclass
class IngestReport:
    """What became of documents that were given: counts, each failure by name and reason, and the notes."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    deleted: int = 0
    failures: list[Failure] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    @property
    def documents(self) -> int:
        return self.added + self.changed + self.unchanged


def ensure_collection(session: Session, name: str, model: str) -> CollectionRow:
    """The collection of that name, made with that model where there is none.

    Raises:
        InvalidRequest: the name cannot be used in addresses.
    """
    if not COLLECTION_NAME.fullmatch(name):
        raise InvalidRequest(
            f"{name[:80]!r} cannot name a collection.",
            hint="Use up to 64 small letters, digits, - and _, beginning with a letter or digit.",
        )
    take_turn(session, f"refract collection {name}")
    collection = session.scalar(select(CollectionRow).where(CollectionRow.name == name))
    if collection is None:
        collection = CollectionRow(name=name, model=model)
        session.add(collection)
        session.flush()
    return collection


def ingest(
    database: Engine,
    collection: int,
    items: Iterable[Item],
    reporter: Reporter,
    *,
    source: str | None = None,
    sync: bool = False,
) -> IngestReport:
    """Stores documents, a batch a transaction. Given again, what is unchanged changes nothing.

    `source` is where they were read from. With `sync` those are deleted that were read from there before and
    are there no more; what cannot be read this time stays as it was.
    """
    report = IngestReport()
    seen: set[str] = set()
    with reporter.step("reading documents", 0):
        for batch in _batches(_checked(items, report, seen)):
            with Session(database) as session:
                _store(session, collection, batch, source, report)
                session.commit()
            reporter.reach(report.documents)
        if sync and source is not None:
            with Session(database) as session:
                unreadable = [failure.name for failure in report.failures]
                gone = _gone(session, collection, source, seen, unreadable)
                report.deleted = len(delete_documents(session, collection, gone))
                session.commit()
    return report


def delete_documents(session: Session, collection: int, ids: Iterable[str]) -> list[str]:
    """Deletes documents by the ids their user gave; gives those that were there (not committed)."""
    lock_documents(session, collection)
    wanted = [id for id in ids if "\0" not in id]  # no id has one, and the database takes none
    deleted: list[str] = []
    for start in range(0, len(wanted), BATCH):
        rows = update(DocumentRow).where(
            DocumentRow.collection_id == collection,
            DocumentRow.external_id.in_(wanted[start : start + BATCH]),
            DocumentRow.superseded.is_(None),
        )
        there = rows.values(superseded=change_seq.next_value()).returning(DocumentRow.external_id)
        deleted += session.scalars(there)
    if deleted:
        touch(session, collection)
    return deleted


def lock_documents(session: Session, collection: int) -> None:
    """Lets no other change the collection's documents until this transaction ends. So the order of their
    numbers is the order in which they are committed."""
    take_turn(session, f"refract documents {collection}")


def touch(session: Session, collection: int) -> None:
    """Says that there is something new to see in a collection, once this transaction is committed."""
    session.execute(
        update(CollectionRow).where(CollectionRow.id == collection).values(version=CollectionRow.version + 1)
    )
    notify(session)


def fingerprint(document: SourceDocument) -> bytes:
    """SHA-256 over all that the user gave, but the id."""
    parts = [document.title, document.text, document.url, document.meta]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).digest()


def _checked(items: Iterable[Item], report: IngestReport, seen: set[str]) -> Iterator[SourceDocument]:
    for item in items:
        if isinstance(item, Failure):
            report.failures.append(item)
        elif isinstance(item, Note):
            report.notes.append(item)
        elif item.id in seen:
            report.failures.append(Failure(item.id, "this id came before; the first document is kept"))
        else:
            seen.add(item.id)
            yield item


def _gone(session: Session, collection: int, source: str, seen: set[str], unreadable: list[str]) -> list[str]:
    """The documents of a source that were not seen in it, but for those that cannot be read (a name that
    ends with / stands for all below that folder)."""
    wanted = select(DocumentRow.external_id).where(
        DocumentRow.collection_id == collection,
        DocumentRow.source == source,
        DocumentRow.superseded.is_(None),
    )
    folders = tuple(name for name in unreadable if name.endswith("/"))
    kept = {*seen, *unreadable}
    return [id for id in session.scalars(wanted) if id not in kept and not id.startswith(folders)]


def _batches(documents: Iterator[SourceDocument]) -> Iterator[list[SourceDocument]]:
    while batch := list(islice(documents, BATCH)):
        yield batch


def _store(
    session: Session, collection: int, batch: list[SourceDocument], source: str | None, report: IngestReport
) -> None:
    lock_documents(session, collection)
    known = {
        row.external_id: row
        for row in session.execute(
            select(DocumentRow.id, DocumentRow.external_id, DocumentRow.sha256, DocumentRow.source).where(
                DocumentRow.collection_id == collection,
                DocumentRow.external_id.in_([document.id for document in batch]),
                DocumentRow.superseded.is_(None),
            )
        )
    }
    numbers = select(change_seq.next_value()).select_from(func.generate_series(1, len(batch)))
    changes = iter(sorted(session.scalars(numbers)))
    fresh, moved, ended = [], [], []
    for document, sha256 in ((document, fingerprint(document)) for document in batch):
        before = known.get(document.id)
        if before is not None and before.sha256 == sha256:
            moved += [before.id] if before.source != source else []
            continue
        change = next(changes)
        fresh.append(_row(collection, document, sha256, source, change))
        if before is not None:
            ended.append({"id": before.id, "superseded": change})
    if moved:
        session.execute(update(DocumentRow).where(DocumentRow.id.in_(moved)).values(source=source))
    if fresh:
        if ended:
            session.execute(update(DocumentRow), ended)
        session.execute(insert(DocumentRow), fresh)
        notify(session)
    report.changed += len(ended)
    report.added += len(fresh) - len(ended)
    report.unchanged += len(batch) - len(fresh)


def _row(
    collection: int, document: SourceDocument, sha256: bytes, source: str | None, change: int
) -> dict[str, object]:
    return {
        "collection_id": collection,
        "external_id": document.id,
        "title": document.title,
        "text": document.text,
        "url": document.url,
        "meta": document.meta,
        "sha256": sha256,
        "source": source,
        "seq": change,
    }
