"""Writing documents by the JSON API. What is acknowledged is stored, whatever happens afterwards; a worker
makes it searchable within a second or two."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, FailFast, Field

from api.auth.guards import require
from api.dependencies import CollectionDep, EngineDep
from api.v1 import examples
from api.v1.schemas import errors
from indexer.documents import delete_documents, ensure_collection, ingest
from indexer.progress import Reporter
from indexer.sources import SourceDocument, checked
from indexer.sources.document import MAX_TEXT
from search.db.connection import open_session
from search.db.lookup import check_collection_name, find_collection
from search.engine.engine import SearchEngine
from search.errors import DocumentNotFound, InvalidRequest
from search.query.limits import MAX_ID
from search.query.sent import Sent
from search.settings import load_settings

MOST_DOCUMENTS = 10_000

router = APIRouter(
    prefix="/v1/documents",
    responses=errors(400, 401, 403, 404, 413, 503),
    tags=["documents"],
    dependencies=[Depends(require("write"))],
)


class ContentIn(Sent):
    """What a document says."""

    text: str = Field(description=f"Its whole text, at most {MAX_TEXT:,} characters")
    title: str = ""
    url: str | None = None
    meta: dict[str, Any] = Field(default={})

    def document(self, id: str) -> SourceDocument:
        return SourceDocument(id=id, title=self.title or id, text=self.text, url=self.url, meta=self.meta)


class DocumentIn(ContentIn):
    """A document with its id. One that is there under this id is replaced."""

    id: str = Field(description=f"At most {MAX_ID} characters")


class DocumentsIn(Sent):
    model_config = ConfigDict(json_schema_extra={"examples": examples.WRITES})

    documents: Annotated[list[DocumentIn], FailFast()] = Field(max_length=MOST_DOCUMENTS)
    collection: str = ""


class IdsIn(Sent):
    ids: Annotated[list[str], FailFast()] = Field(max_length=MOST_DOCUMENTS)
    collection: str = ""


class FailureOut(BaseModel):
    id: str
    reason: str


class Written(BaseModel):
    """What became of the documents that were sent. Those in `failures` were not stored, all others were."""

    model_config = ConfigDict(json_schema_extra={"examples": examples.WRITTEN})

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
    collection = body.collection or engine.default_collection()
    return _store(engine, collection, [given.document(given.id) for given in body.documents])


@router.post("/delete")
def delete_many(engine: EngineDep, body: IdsIn) -> Deleted:
    """Deletes documents in bulk; ids that are unknown are named and change nothing."""
    deleted = set(_delete(engine, engine.chosen(body.collection), body.ids))
    unknown = [id.encode(errors="replace").decode() for id in body.ids if id not in deleted]
    return Deleted(deleted=len(deleted), unknown=unknown)


@router.put("/{document:any}")
def write_document(
    engine: EngineDep,
    document: str,
    body: ContentIn,
    collection: Annotated[str, Query(description="Name of the collection, which is made if need be")] = "",
) -> Written:
    """Writes one document under this id; one that is there is replaced."""
    written = _store(engine, collection or engine.default_collection(), [body.document(document)])
    if written.failures:
        raise InvalidRequest(
            f"The document {document[:80]!r} was not stored: {written.failures[0].reason}.",
            hint="Change it and send it again.",
        )
    return written


@router.delete("/{document:any}")
def delete_document(engine: EngineDep, collection: CollectionDep, document: str) -> Deleted:
    """Deletes a document."""
    if not _delete(engine, collection, [document]):
        raise DocumentNotFound(
            f"There is no document {document[:100]!r} in {collection!r}.", hint="Ids are case-sensitive."
        )
    return Deleted(deleted=1, unknown=[])


def _store(engine: SearchEngine, collection: str, documents: list[SourceDocument]) -> Written:
    if not engine.rights.may_make(collection):
        engine.check(collection)
    given = list(checked(documents))
    with open_session(engine.database) as session:
        if any(isinstance(each, SourceDocument) for each in given):
            number = ensure_collection(session, collection, load_settings().model).id
        else:  # of nothing that can be stored no collection is made
            check_collection_name(collection)
            number = 0
        session.commit()
    report = ingest(engine.database, number, given, Reporter(engine.database))
    return Written(
        added=report.added,
        changed=report.changed,
        unchanged=report.unchanged,
        failures=[FailureOut(id=each.name, reason=each.reason) for each in report.failures],
    )


def _delete(engine: SearchEngine, collection: str, ids: list[str]) -> list[str]:
    """Deletes documents; gives the ids that there were."""
    with open_session(engine.database) as session:
        number = find_collection(session, collection, engine.rights.seen()).id
        deleted = delete_documents(session, number, ids)
        session.commit()
    return deleted
