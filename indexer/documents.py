"""Documents into the store: what is new or changed is added, what was there stays."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import Engine, insert, select, text, update
from sqlalchemy.orm import Session

from indexer.progress import Reporter
from indexer.sources import Failure, SourceDocument
from search.errors import ConfigurationError, InvalidRequest
from search.models import Collection, Document, change_seq
from search.snapshot import COLLECTION_NAME

BATCH = 200


@dataclass
class IngestReport:
    """What became of a source: counts, and each failure by name and reason."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    failures: list[Failure] = field(default_factory=list)

    @property
    def documents(self) -> int:
        return self.added + self.changed + self.unchanged


def ensure_collection(session: Session, name: str, model: str) -> Collection:
    """The collection of that name, made with that model where there is none.

    Raises:
        InvalidRequest: the name cannot be used in addresses.
        ConfigurationError: the collection was made with another model.
    """
    if not COLLECTION_NAME.fullmatch(name):
        raise InvalidRequest(
            f"{name[:80]!r} cannot name a collection.",
            hint="Use up to 64 small letters, digits, - and _, beginning with a letter or digit.",
        )
    _one_at_a_time(session, f"refract collection {name}")
    collection = session.scalar(select(Collection).where(Collection.name == name))
    if collection is None:
        collection = Collection(name=name, model=model)
        session.add(collection)
        session.flush()
    if collection.model != model:
        raise ConfigurationError(
            f"The collection {name!r} is embedded with {collection.model!r}, not {model!r}.",
            hint="Use that model, or another collection name.",
        )
    return collection


def ingest(
    database: Engine, collection: int, source: Iterable[SourceDocument | Failure], reporter: Reporter
) -> IngestReport:
    """Stores a source's documents, a batch a transaction. Read again, an unchanged source changes nothing."""
    report = IngestReport()
    with reporter.step("reading documents", 0):
        for batch in _batches(_checked(source, report)):
            with Session(database) as session:
                _store(session, collection, batch, report)
                session.commit()
            reporter.reach(report.documents)
    return report


def fingerprint(document: SourceDocument) -> bytes:
    """SHA-256 over all that the user gave, but the id."""
    parts = [document.title, document.text, document.url, document.meta]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).digest()


def _checked(source: Iterable[SourceDocument | Failure], report: IngestReport) -> Iterator[SourceDocument]:
    seen: set[str] = set()
    for item in source:
        if isinstance(item, Failure):
            report.failures.append(item)
        elif item.id in seen:
            report.failures.append(Failure(item.id, "this id came before; the first document is kept"))
        else:
            seen.add(item.id)
            yield item


def _batches(documents: Iterator[SourceDocument]) -> Iterator[list[SourceDocument]]:
    while batch := list(islice(documents, BATCH)):
        yield batch


def _store(session: Session, collection: int, batch: list[SourceDocument], report: IngestReport) -> None:
    _one_at_a_time(session, f"refract documents {collection}")
    known = {
        row.external_id: (row.id, row.sha256)
        for row in session.execute(
            select(Document.id, Document.external_id, Document.sha256).where(
                Document.collection_id == collection,
                Document.external_id.in_([document.id for document in batch]),
                Document.superseded.is_(None),
            )
        )
    }
    fresh = [
        (document, sha256)
        for document in batch
        for sha256 in [fingerprint(document)]
        if document.id not in known or known[document.id][1] != sha256
    ]
    replaced = [known[document.id][0] for document, _ in fresh if document.id in known]
    if replaced:
        session.execute(
            update(Document).where(Document.id.in_(replaced)).values(superseded=change_seq.next_value())
        )
    if fresh:
        session.execute(insert(Document), [_row(collection, *pair) for pair in fresh])
    report.changed += len(replaced)
    report.added += len(fresh) - len(replaced)
    report.unchanged += len(batch) - len(fresh)


def _one_at_a_time(session: Session, what: str) -> None:
    """Waits for others at the same thing, until this transaction ends. For documents this also makes the
    order of their numbers the order in which they are committed."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:what))"), {"what": what})


def _row(collection: int, document: SourceDocument, sha256: bytes) -> dict[str, object]:
    return {
        "collection_id": collection,
        "external_id": document.id,
        "title": document.title,
        "text": document.text,
        "url": document.url,
        "meta": document.meta,
        "sha256": sha256,
    }
