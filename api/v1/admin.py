"""The admin's side of the JSON API: jobs, generations, going back, collections as a whole."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends
from pydantic import BaseModel, Field

from api.auth.guards import require
from api.dependencies import CollectionDep, EngineDep
from api.v1.schemas import errors
from indexer.build.generations import GenerationInfo, list_generations, roll_back
from indexer.collections import (
    MAX_DESCRIPTION,
    MAX_TITLE,
    About,
    copy_collection,
    delete_collection,
    describe_collection,
    rename_collection,
    set_private,
)
from indexer.default_collection import choose_default
from indexer.estimate import Estimate
from indexer.insights.setting import MOST_DAYS, keep_questions
from indexer.jobs.queue import JobInfo, cancel_job, get_job, list_jobs, retry_job
from indexer.jobs.requests import JobRequest, ReindexRequest, estimate_job, start
from indexer.presets.learned import accept_of_job
from search.db.connection import open_session
from search.query.sent import Sent
from search.responses.collections import PresetInfo

router = APIRouter(
    prefix="/v1",
    responses=errors(400, 401, 403, 404, 409, 413, 503),
    tags=["admin"],
    dependencies=[Depends(require("admin"))],
)


class CollectionChange(Sent):
    """What is given is changed."""

    name: str | None = Field(default=None, description="Another name for it")
    title: str | None = Field(
        default=None,
        description=f"What people read instead of its name: one line of at most {MAX_TITLE} characters",
    )
    description: str | None = Field(
        default=None, description=f"What it is about: one line of at most {MAX_DESCRIPTION} characters"
    )
    default: Literal[True] | None = Field(
        default=None, description="Requests that name no collection go to this one from now on"
    )
    private: bool | None = Field(
        default=None, description="Whether it is there only for those whose key reaches it"
    )
    keep_questions: int | None = Field(
        default=None,
        ge=0,
        le=MOST_DAYS,
        description="For how many days questions are kept, without who asked; 0: they are not, as at first, "
        "and those that were are deleted",
    )


class CollectionCopy(Sent):
    name: str = Field(description="Name of the new collection")


class ChangedCollection(BaseModel):
    name: str


class DeletedCollection(BaseModel):
    """`documents`: how many it had."""

    deleted: str
    documents: int


JobIn = Annotated[JobRequest, Body(discriminator="kind")]


@router.get("/jobs")
def get_jobs(engine: EngineDep, collection: str | None = None, limit: int = 50) -> list[JobInfo]:
    """The latest jobs, the newest first."""
    return list_jobs(engine.database, limit=max(1, min(limit, 1000)), collection=collection)


@router.post("/jobs", status_code=202)
def post_job(engine: EngineDep, body: JobIn) -> JobInfo:
    """Puts a job in the queue."""
    return get_job(engine.database, start(engine, body))


@router.post("/jobs/estimate")
def post_estimate(engine: EngineDep, body: ReindexRequest) -> Estimate:
    """What a reindex with the same body would cost: how much is embedded anew, for how long, where the texts
    go, and what it takes up. It begins nothing; the model is loaded, and tried on a few texts."""
    return estimate_job(engine, body)


@router.get("/jobs/{job}")
def get_one_job(engine: EngineDep, job: int) -> JobInfo:
    """A job: its state, progress, last lines, and why it failed."""
    return get_job(engine.database, job)


@router.post("/jobs/{job}/cancel", status_code=202)
def post_cancel(engine: EngineDep, job: int) -> JobInfo:
    """Takes a waiting job out of the queue, or asks a running one to stop."""
    cancel_job(engine.database, job)
    return get_job(engine.database, job)


@router.post("/jobs/{job}/retry", status_code=202)
def post_retry(engine: EngineDep, job: int) -> JobInfo:
    """Begins a job that failed or was cancelled again, where it stopped."""
    return get_job(engine.database, retry_job(engine.database, job))


@router.post("/jobs/{job}/accept")
def post_accept(engine: EngineDep, job: int) -> PresetInfo:
    """Makes the knobs that a job of the kind learn offers the default preset of its collection, under the
    name learned. Taking that preset away, or another default, undoes it."""
    return accept_of_job(engine, job)


@router.get("/generations")
def get_generations(engine: EngineDep, collection: CollectionDep) -> list[GenerationInfo]:
    """A collection's generations, the newest first."""
    with open_session(engine.database) as session:
        return list_generations(session, collection)


@router.post("/rollback")
def post_rollback(
    engine: EngineDep, collection: CollectionDep, to: int | None = None
) -> list[GenerationInfo]:
    """Makes the generation before live again, or that of a number; documents stay as they are."""
    roll_back(engine.database, collection, to)
    return get_generations(engine, collection)


@router.patch("/collections/{name}")
def patch_collection(engine: EngineDep, name: str, body: CollectionChange) -> ChangedCollection:
    """Renames a collection, says what it is called and about and who sees it, whether questions are kept, or
    makes it the default. A name that is taken changes nothing."""
    about = About(body.title, body.description)  # one that cannot be used renames nothing
    if body.name is not None and body.name != name:
        rename_collection(engine.database, name, body.name)
    named = body.name or name
    describe_collection(engine.database, named, about)
    if body.default:
        choose_default(engine.database, named)
    if body.private is not None:
        set_private(engine.database, named, private=body.private)
    if body.keep_questions is not None:
        keep_questions(engine.database, named, body.keep_questions)
    return ChangedCollection(name=named)


@router.post("/collections/{name}/copy", status_code=201)
def post_copy(engine: EngineDep, name: str, body: CollectionCopy) -> ChangedCollection:
    """Makes a new, empty collection with the settings of this one: model, length of passages, kind of index,
    title, description. Documents, labels and presets are not copied."""
    copy_collection(engine.database, name, body.name)
    return ChangedCollection(name=body.name)


@router.delete("/collections/{name}")
def remove_collection(engine: EngineDep, name: str) -> DeletedCollection:
    """Deletes a collection with its documents, index, labels and presets, for good. Its jobs that wait are
    cancelled; while one runs it is refused."""
    documents = delete_collection(engine.database, engine.data, name)
    return DeletedCollection(deleted=name, documents=documents)
