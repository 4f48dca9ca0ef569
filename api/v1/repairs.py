"""Repairs by the JSON API: what was put right where a search went wrong. Saving, reading and undoing them
takes a key of scope write: they tell what people ask."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import ConfigDict, Field

from api.auth.guards import require
from api.auth.sessions import Caller
from api.dependencies import CollectionDep, EngineDep
from api.v1 import examples
from api.v1.schemas import OF_DICTIONARY, errors
from indexer.repairs.store import list_repairs, save_repair, undo_repair
from search.query.limits import MAX_ID, MAX_QUERY
from search.query.repairs import Repair, RepairKind
from search.query.sent import Listed, Sent
from search.query.steering import MAX_STRENGTH
from search.responses.repairs import RepairInfo

Writer = Annotated[Caller, Depends(require("write"))]

router = APIRouter(prefix="/v1/repairs", responses=errors(400, 401, 403, 404, 413, 503), tags=["repairs"])


class RepairIn(Sent):
    """What is put right, by its kind: `pinned` needs a question and a document, `same_words` two words,
    `keyword` a document and words, `knob` a feature and a strength."""

    model_config = ConfigDict(json_schema_extra={"examples": examples.REPAIRS})

    kind: RepairKind
    question: str = Field(default="", description=f"At most {MAX_QUERY:,} characters")
    document: str = Field(default="", description=f"Its id, as results carry it, at most {MAX_ID} characters")
    words: Listed[str] = Field(default=[])
    feature: int | None = Field(default=None, description="Its number")
    strength: float | None = Field(default=None, description=f"−{MAX_STRENGTH:g} to {MAX_STRENGTH:g}")
    dictionary: int | None = Field(default=None, description=OF_DICTIONARY)
    collection: str = ""


@router.get("")
def get_repairs(
    engine: EngineDep,
    _: Writer,
    collection: CollectionDep,
    undone: Annotated[bool, Query(description="Those that were undone, too")] = False,
) -> list[RepairInfo]:
    """A collection's repairs, the latest first."""
    with engine.reader(collection) as reader:
        return list_repairs(reader, undone=undone)


@router.post("")
def post_repair(engine: EngineDep, caller: Writer, body: RepairIn) -> RepairInfo:
    """Saves a repair, in force at once."""
    repair = Repair(
        body.kind,
        question=body.question,
        document=body.document,
        words=tuple(body.words),
        feature=body.feature,
        strength=body.strength,
        dictionary=body.dictionary,
    )
    return save_repair(engine, engine.chosen(body.collection), repair, caller.name)


@router.delete("/{number}")
def delete_repair(
    engine: EngineDep, _: Writer, collection: CollectionDep, number: Annotated[int, Path(ge=0, lt=1 << 62)]
) -> RepairInfo:
    """Undoes a repair: searches are as they were without it. It stays in the list of those undone."""
    return undo_repair(engine, collection, number)
