"""Writing documents by the JSON API. What is acknowledged is stored, whatever happens afterwards; a worker
makes it searchable within a second or two."""

from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from api.access import require
from api.deps import CollectionDep, EngineDep
from api.schemas import ErrorEnvelope
from indexer.documents import (
    IngestReport,
    current_ids,
    delete_documents,
    ensure_collection,
    ingest,
    lock_documents,
)
from indexer.progress import Reporter
from indexer.sources import Failure, SourceDocument, checked
from indexer.sources.document import MAX_ID, MAX_TEXT
from search.catalog import default_collection
from search.db import open_session
from search.engine import Engine
from search.errors import DocumentNotFound, InvalidRequest
from search.settings import load_settings
from search.snapshot import find_collection

MOST_DOCUMENTS = 10_000

ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorEnvelope, "description": "The request's own words are wrong"},
    401: {"model": ErrorEnvelope, "description": "No key, or not a valid one"},
    403: {"model": ErrorEnvelope, "description": "The key's scope is too low"},
    404: {"model": ErrorEnvelope, "description": "No such collection or document"},
    413: {"model": ErrorEnvelope, "description": "The request is too large"},
    503: {"model": ErrorEnvelope, "description": "The database does not answer"},
}

router = APIRouter(
    prefix="/v1/documents", responses=ERRORS, tags=["documents"], dependencies=[Depends(require("write"))]
)


class ContentIn(BaseModel):
    """What a document says."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(description=f"Its whole text, at most {MAX_TEXT:,} characters")
    title: str = ""
    url: str | None = None
    meta: dict[str, Any] = {}

    def document(self, id: str) -> SourceDocument:
        return SourceDocument(id, self.title or id, self.text, self.url, self.meta)


class DocumentIn(ContentIn):
    """A document with its id. One that is there under this id is replaced."""

    id: str = Field(description=f"At most {MAX_ID} characters")


class DocumentsIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    documents: list[DocumentIn] = Field(max_length=MOST_DOCUMENTS)
    collection: str = ""


class IdsIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ids: list[str] = Field(max_length=MOST_DOCUMENTS)
    collection: str = ""


class FailureOut(BaseModel):
    id: str
    reason: str


class Written(BaseModel):
    """What became of the documents that were sent. Those in `failures` were not stored, all others were."""

    added: int
    changed: int
    unchanged: int
    failures: list[FailureOut]


class Deleted(BaseModel):
    """`unknown`: the ids that no document had."""

    deleted: int
    unknown: list[str]


@router.post("")
def write_documents(engine: EngineDep, body: DocumentsIn) -> Written:
    """Writes documents in bulk: new ones are added, those whose id is there are replaced. A broken one is
    reported and the others are stored."""
    report = _store(
        engine,
        body.collection or default_collection(engine),
        [given.document(given.id) for given in body.documents],
    )
    return Written(
        added=report.added,
        changed=report.changed,
        unchanged=report.unchanged,
        failures=[FailureOut(id=each.name, reason=each.reason) for each in report.failures],
    )


@router.post("/delete")
def delete_many(engine: EngineDep, body: IdsIn) -> Deleted:
    """Deletes documents in bulk; ids that are unknown are named and change nothing."""
    known = _delete(engine, body.collection or default_collection(engine), body.ids)
    there = set(known)
    return Deleted(deleted=len(known), unknown=[id for id in body.ids if id not in there])


@router.put("/{document:path}")
def write_document(engine: EngineDep, collection: CollectionDep, document: str, body: ContentIn) -> Written:
    """Writes one document under this id; one that is there is replaced."""
    report = _store(engine, collection, [body.document(document)])
    if report.failures:
        raise InvalidRequest(
            f"The document {document[:80]!r} was not stored: {report.failures[0].reason}.",
            hint="Change it and send it again.",
        )
    return Written(added=report.added, changed=report.changed, unchanged=report.unchanged, failures=[])


@router.delete("/{document:path}")
def delete_document(engine: EngineDep, collection: CollectionDep, document: str) -> Deleted:
    """Deletes a document."""
    if not _delete(engine, collection, [document]):
        raise DocumentNotFound(
            f"There is no document {document[:100]!r} in {collection!r}.", hint="Ids are case-sensitive."
        )
    return Deleted(deleted=1, unknown=[])


def _store(engine: Engine, collection: str, documents: list[SourceDocument]) -> IngestReport:
    with open_session(engine.database) as session:
        number = ensure_collection(session, collection, load_settings().model).id
        session.commit()
    given: list[SourceDocument | Failure] = list(documents)
    return ingest(engine.database, number, checked(given), Reporter(engine.database))


def _delete(engine: Engine, collection: str, ids: list[str]) -> list[str]:
    """The ids that there were, deleted now."""
    with open_session(engine.database) as session:
        number = find_collection(session, collection).id
        lock_documents(session, number)
        known = current_ids(session, number, ids)
        delete_documents(session, number, known)
        session.commit()
    return known
