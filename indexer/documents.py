"""Documents are written into the store: what is new or changed is added, what was there stays."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Engine, func, insert, or_, select, update
from sqlalchemy.orm import Session

from indexer.audit import Tally, listed, name_of, record
from indexer.progress import Reporter
from indexer.sources import Failure, Item, Note, SourceDocument
from search.db.listener import notify
from search.db.locks import take_turn
from search.db.lookup import check_collection_name
from search.db.models import CollectionRow, DocumentRow, change_seq
from search.embedding.endpoint import check_model
from search.embedding.folding import composed, kept_as
from search.errors import CollectionNotFound
from search.query.limits import MAX_ID, is_text

BATCH = 200
MOVED_SHARE = 0.9
"""A folder has moved if half of its documents, or so much of a batch, are unchanged at its new path."""


@dataclass
class IngestReport:
    """Says what became of documents that were given: counts, each failure by name and reason, and the notes.

    `unread` of the unchanged ones were not even read, because their files did not change. `qualified` are new
    under an id that begins with their source's name (`qualified_id`: one of them), because a document of
    another source has the id they have there. `written` are the first ids that were new or changed.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    unread: int = 0
    deleted: int = 0
    qualified: int = 0
    qualified_id: str = ""
    written: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    @property
    def documents(self) -> int:
        return self.added + self.changed + self.unchanged

    @property
    def is_news(self) -> bool:
        """Whether anything is stored now that was not so before."""
        return bool(self.added or self.changed or self.deleted)


def ensure_collection(
    session: Session,
    name: str,
    model: str,
    dimensions: int | None = None,
    *,
    title: str = "",
    description: str = "",
) -> CollectionRow:
    """Gives the collection of that name. If there is none it is made with that model, that many dimensions
    of it, and what it is called and about.

    Raises:
        InvalidRequest: the name cannot be used in addresses, or the model's.
        ConfigurationError: the model's endpoint may not be asked.
    """
    check_collection_name(name)
    take_turn(session, f"refract collection {name}")
    collection = session.scalar(select(CollectionRow).where(CollectionRow.name == name))
    if collection is None:
        check_model(model)
        asked = {"dimensions": dimensions} if dimensions else {}
        collection = CollectionRow(
            name=name, model=model, title=title, description=description, first_build=asked
        )
        session.add(collection)
        session.flush()
        record(session, "collection.create", name, model=model)
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

    `source` is where they were read from: documents of other sources stay, also those of the same id. Without
    one they are written to their ids, whatever is there. With `sync` those are deleted that were read from
    the source before and are there no more; what cannot be read this time stays as it was.

    Raises:
        CollectionNotFound: it was deleted meanwhile.
    """
    report = IngestReport()
    tally = Tally("documents.write", collection)
    seen: set[str] = set()
    with reporter.step("reading documents", 0):
        for batch in _batches(_checked(items, report, seen)):
            with Session(database) as session:
                _Store(session, collection, source, report).take(batch)
                if report.written:
                    told = {"added": report.added, "changed": report.changed, "source": source}
                    tally.record(session, **told, ids=listed(report.written))
                session.commit()
            reporter.reach(report.documents)
        if sync and source is not None:
            with Session(database) as session:
                unreadable = [failure.name for failure in report.failures]
                gone = _gone(session, collection, source, seen, unreadable)
                report.deleted = len(delete_documents(session, collection, gone))
                session.commit()
    return report


def read_stamps(session: Session, collection: int, source: str) -> dict[str, str]:
    """By which state of its file each document of a source was read, by its id there."""
    wanted = select(OWN_ID, DocumentRow.stamp).where(
        *_of_source(collection, source), DocumentRow.stamp.is_not(None)
    )
    return {composed(id): stamp for id, stamp in session.execute(wanted) if stamp}


def delete_documents(session: Session, collection: int, ids: Iterable[str]) -> list[str]:
    """Deletes documents by the ids their user gave; gives those that were there (not committed)."""
    lock_documents(session, collection)
    given = {form: id for id in ids if is_text(id) for form in kept_as(id)}
    wanted, deleted = [*given], list[str]()
    for start in range(0, len(wanted), BATCH):
        rows = update(DocumentRow).where(
            DocumentRow.collection_id == collection,
            DocumentRow.external_id.in_(wanted[start : start + BATCH]),
            DocumentRow.superseded.is_(None),
        )
        there = rows.values(superseded=change_seq.next_value()).returning(DocumentRow.external_id)
        deleted += [given[id] for id in session.scalars(there)]
    deleted = list(dict.fromkeys(deleted))
    if deleted:
        touch(session, collection)
        name = name_of(session, collection)
        record(session, "documents.delete", name, documents=len(deleted), ids=listed(deleted))
    return deleted


def lock_documents(session: Session, collection: int) -> None:
    """Lets no other change the collection's documents until this transaction ends. So the order of their
    numbers is the order in which they are committed."""
    take_turn(session, f"refract documents {collection}")


def touch(session: Session, collection: int) -> None:
    """Marks a collection as changed for its searchers, once this transaction is committed."""
    session.execute(
        update(CollectionRow).where(CollectionRow.id == collection).values(version=CollectionRow.version + 1)
    )
    notify(session)


def fingerprint(document: SourceDocument) -> bytes:
    """Hashes (SHA-256) all that the user gave, but the id."""
    parts = [document.title, document.text, document.url, document.meta]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).digest()


OWN_ID = func.coalesce(DocumentRow.source_id, DocumentRow.external_id)
"""The id that a document has in its source."""


def _of_source(collection: int, source: str) -> tuple[Any, ...]:
    return (
        DocumentRow.collection_id == collection,
        DocumentRow.source == source,
        DocumentRow.superseded.is_(None),
    )


def _checked(items: Iterable[Item], report: IngestReport, seen: set[str]) -> Iterator[SourceDocument]:
    """The documents to store. What else comes is only counted."""
    for item in items:
        if isinstance(item, Failure):
            report.failures.append(item)
        elif isinstance(item, Note):
            report.notes.insert(0 if item.of_all else len(report.notes), item)  # the first are shown
        elif item.id in seen:
            report.failures.append(Failure(item.id, "this id came before; the first document is kept"))
        else:
            seen.add(item.id)
            if isinstance(item, SourceDocument):
                yield item
            else:
                report.unread += 1
                report.unchanged += 1


def _gone(session: Session, collection: int, source: str, seen: set[str], unreadable: list[str]) -> list[str]:
    """Lists the documents of a source that were not seen in it, but for those that cannot be read (a name
    that ends with / stands for that folder or file and all below it)."""
    wanted = select(OWN_ID, DocumentRow.external_id).where(*_of_source(collection, source))
    names = [composed(name) for name in unreadable]
    folders = tuple(name for name in names if name.endswith("/"))
    kept = {*seen, *names}
    found = session.execute(wanted).all()
    return [
        id
        for own_id, id in found
        if composed(own_id) not in kept and not f"{composed(own_id)}/".startswith(folders)
    ]


def _batches(documents: Iterator[SourceDocument]) -> Iterator[list[SourceDocument]]:
    while batch := list(islice(documents, BATCH)):
        yield batch


class _Known(NamedTuple):
    """A document as it is stored; its id may be of before ids were composed."""

    row: int
    id: str
    source: str | None
    source_id: str | None
    sha256: bytes
    stamp: str | None

    @property
    def own_id(self) -> str:
        return composed(self.source_id or self.id)

    @property
    def composed_id(self) -> str:
        return composed(self.id)


class _Store:
    """Stores batches of documents of one source.

    A document is known by its source and its id there. That is its id in the collection too while it is free;
    where a document of another source has it, the source's name goes before it, and stays there.
    """

    def __init__(self, session: Session, collection: int, source: str | None, report: IngestReport) -> None:
        self.session = session
        self.collection = collection
        self.source = source
        self.report = report

    def take(self, batch: list[SourceDocument]) -> None:
        """Stores a batch (not committed).

        Raises:
            CollectionNotFound: the collection is there no more.
        """
        lock_documents(self.session, self.collection)
        if self.session.get(CollectionRow, self.collection) is None:
            raise CollectionNotFound("The collection was deleted meanwhile.", hint="Index it again.")
        prints = {document.id: fingerprint(document) for document in batch}
        known = self._known([*prints])
        own = self._own(known, prints)
        if self._follow_moves([each for each in known if each.id not in own], prints):
            known = self._known([*prints])
            own = self._own(known, prints)
        ids = self._new_ids([id for id in prints if id not in own], {each.composed_id for each in known})
        fresh = [
            document
            for document in batch
            if document.id in ids or (document.id in own and own[document.id].sha256 != prints[document.id])
        ]
        self._touch([document for document in batch if document.id in own], own, prints)
        self._write(fresh, own, ids, prints)
        self.report.unchanged += sum(own[id].sha256 == sha256 for id, sha256 in prints.items() if id in own)

    def _known(self, ids: list[str]) -> list[_Known]:
        """The documents that have one of these ids, here or in their source."""
        forms = [form for id in ids for form in kept_as(id)]
        columns = (
            DocumentRow.id,
            DocumentRow.external_id,
            DocumentRow.source,
            DocumentRow.source_id,
            DocumentRow.sha256,
            DocumentRow.stamp,
        )
        found = self.session.execute(
            select(*columns).where(
                DocumentRow.collection_id == self.collection,
                DocumentRow.superseded.is_(None),
                or_(DocumentRow.external_id.in_(forms), DocumentRow.source_id.in_(forms)),
            )
        )
        return [_Known(*row) for row in found]

    def _own(self, known: list[_Known], prints: dict[str, bytes]) -> dict[str, _Known]:
        """Which stored document each one that is given was before, by the id in its source."""
        if self.source is None:
            return {each.composed_id: each for each in known if each.composed_id in prints}
        same = {each.composed_id: each for each in known if self._is_same(each, prints.get(each.composed_id))}
        return same | {each.own_id: each for each in known if each.source == self.source}

    def _is_same(self, known: _Known, sha256: bytes | None) -> bool:
        """Whether a document of another source is the one given under its id: the same file, once read alone
        and once with its folder; or the same content, where nobody knows any more where it came from."""
        if known.source is None:
            return known.sha256 == sha256
        mine = composed(str(Path(self.source or "") / known.id))
        return sha256 is not None and (composed(known.source) == mine or self._is_in(known))

    def _is_in(self, known: _Known) -> bool:
        """Whether the source is a file of the folder that a document was read from."""
        place = None if known.source is None else str(Path(known.source) / known.own_id)
        return place is not None and composed(place) == composed(self.source or "")

    def _follow_moves(self, others: list[_Known], prints: dict[str, bytes]) -> bool:
        """Makes the documents of a folder or file that is gone those of this source, where most of them are
        here unchanged: it has another path now."""
        places = {each.source for each in others if each.source and each.source != self.source}
        moved = False
        for place in places if self.source else ():
            if not _is_gone(place):
                continue
            same = sum(each.source == place and each.sha256 == prints.get(each.own_id) for each in others)
            rows = _of_source(self.collection, place)
            total = self.session.scalar(select(func.count()).where(*rows)) or 0
            if same >= min(total / 2, MOVED_SHARE * BATCH):
                there = select(OWN_ID).where(*_of_source(self.collection, self.source or ""))
                taken = update(DocumentRow).where(*rows, OWN_ID.not_in(there.scalar_subquery()))
                self.session.execute(taken.values(source=self.source))
                moved = True
        return moved

    def _new_ids(self, own_ids: list[str], held: set[str]) -> dict[str, str]:
        """An id for each new document, by its id in its source: the same, or behind its source's name."""
        ids = {id: id for id in own_ids if id not in held}
        parts = [part for part in Path(self.source or "").parts if part != "/"] or ["root"]
        names = [composed("/".join(parts[-count:])) for count in range(1, len(parts) + 1)]
        longer = {id: [f"{name}/{id}" for name in names] for id in own_ids if id in held}
        wanted = [each for candidates in longer.values() for each in candidates]
        taken = {each.composed_id for each in self._known(wanted)} | {*ids} if wanted else set()
        for id, candidates in longer.items():
            free = next((each for each in candidates if each not in taken and len(each) <= MAX_ID), None)
            if free is None:
                reason = "documents of other sources have this id, and all that name its folder too"
                self.report.failures.append(Failure(id, reason))
                continue
            ids[id] = free
            taken.add(free)
            self.report.qualified += 1
            self.report.qualified_id = self.report.qualified_id or free
        return ids

    def _touch(
        self, documents: list[SourceDocument], own: dict[str, _Known], prints: dict[str, bytes]
    ) -> None:
        """Writes down where unchanged documents are read from now, and by which state of their file."""
        touched = []
        for document in documents:
            before = own[document.id]
            now = (self._place(before), document.stamp)
            if before.sha256 == prints[document.id] and (before.source, before.stamp) != now:
                touched.append({"id": before.row, "source": now[0], "stamp": now[1]})
        if touched and self.source is not None:
            self.session.execute(update(DocumentRow), touched)

    def _place(self, before: _Known) -> str | None:
        """The source of a document from now on: a folder keeps what is read as a file of it alone."""
        return before.source if self.source is not None and self._is_in(before) else self.source

    def _write(
        self,
        documents: list[SourceDocument],
        own: dict[str, _Known],
        ids: dict[str, str],
        prints: dict[str, bytes],
    ) -> None:
        """Adds documents, each in the place of the one it was before."""
        if not documents:
            return
        numbers = select(change_seq.next_value()).select_from(func.generate_series(1, len(documents)))
        rows, ended = [], []
        for document, change in zip(documents, sorted(self.session.scalars(numbers)), strict=True):
            row = _row(self.collection, document, prints[document.id], change)
            if before := own.get(document.id):
                ended.append({"id": before.row, "superseded": change})
                kept = before.source_id if self.source is not None else None
                row |= {"external_id": before.id, "source": self._place(before), "source_id": kept}
            else:
                id = ids[document.id]
                qualified = document.id if id != document.id else None
                row |= {"external_id": id, "source": self.source, "source_id": qualified}
            rows.append(row)
        if ended:
            self.session.execute(update(DocumentRow), ended)
        self.session.execute(insert(DocumentRow), rows)
        self.report.written = listed([*self.report.written, *(str(row["external_id"]) for row in rows)])
        notify(self.session)
        self.report.changed += len(ended)
        self.report.added += len(rows) - len(ended)


def _is_gone(place: str) -> bool:
    """Whether there is surely nothing any more where documents were read."""
    try:
        return Path(place).is_absolute() and not Path(place).exists()
    except OSError:  # it is not for us to see
        return False


def _row(collection: int, document: SourceDocument, sha256: bytes, change: int) -> dict[str, object]:
    return {
        "collection_id": collection,
        "title": document.title,
        "text": document.text,
        "url": document.url,
        "meta": document.meta,
        "sha256": sha256,
        "stamp": document.stamp,
        "seq": change,
    }
