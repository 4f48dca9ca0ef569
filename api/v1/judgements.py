"""Judgements by the JSON API: how well documents answer questions, in somebody's eyes. Giving and reading
them takes a key of scope write: what people ask is private."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from api.auth.guards import require
from api.auth.sessions import Caller
from api.dependencies import CollectionDep, EngineDep
from api.v1 import examples
from api.v1.schemas import errors
from indexer.judgements.listing import JudgementInfo, list_judgements
from indexer.judgements.store import BEST, Given, delete_judgements, keep_judgements
from search.db.connection import open_session
from search.db.lookup import find_collection
from search.query.limits import MAX_ID, MAX_QUERY
from search.query.sent import Listed, Sent

MOST_LISTED = 1000

Writer = Annotated[Caller, Depends(require("write"))]

router = APIRouter(
    prefix="/v1/judgements", responses=errors(400, 401, 403, 404, 413, 429, 503), tags=["judgements"]
)


class JudgementIn(Sent):
    """What is said of a document for a question."""

    question: str = Field(description=f"As it is asked, at most {MAX_QUERY:,} characters")
    document: str = Field(description=f"Its id, as results carry it, at most {MAX_ID} characters")
    grade: int | None = Field(
        description=f"0 (no answer), 1 (an answer) to {BEST} (the best there is); null takes it back"
    )


class JudgementsIn(Sent):
    """What is judged, all of it by who sends it."""

    model_config = ConfigDict(json_schema_extra={"examples": examples.JUDGEMENTS})

    judgements: Listed[JudgementIn]
    collection: str = ""


class KeptOut(BaseModel):
    """How many judgements are new, replaced one of the same caller, or took one back."""

    added: int
    changed: int
    taken_back: int


class DeletedJudgements(BaseModel):
    deleted: int


@router.post("")
def post_judgements(engine: EngineDep, caller: Writer, body: JudgementsIn) -> KeptOut:
    """Keeps judgements, all of them or none. Judging the same document again for the same question (however
    it is spelled) replaces what the caller said before."""
    given = [Given(each.question, each.document, each.grade, caller.name) for each in body.judgements]
    kept = keep_judgements(engine.database, engine.chosen(body.collection), given)
    return KeptOut(added=kept.added, changed=kept.changed, taken_back=kept.taken_back)


@router.get("")
def get_judgements(
    engine: EngineDep,
    _: Writer,
    collection: CollectionDep,
    after: Annotated[int, Query(ge=0, lt=1 << 62, description="Only those behind this number")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 100,
) -> list[JudgementInfo]:
    """A collection's judgements, in the order in which they were given first."""
    with open_session(engine.database) as session:
        return list_judgements(session, find_collection(session, collection).id, after=after, limit=limit)


@router.delete("", dependencies=[Depends(require("admin"))])
def remove_judgements(
    engine: EngineDep, collection: CollectionDep, judge: Annotated[str, Query(description="Who gave them")]
) -> DeletedJudgements:
    """Deletes all that one judge has said."""
    return DeletedJudgements(deleted=delete_judgements(engine.database, collection, judge))
