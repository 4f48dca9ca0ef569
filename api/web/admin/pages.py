"""The admin's pages show collections with their generations, jobs and documents."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session
from starlette.responses import Response

from api.auth.guards import AdminDep, AdminForm, Fields
from api.auth.keys import create_key, list_keys, parse_duration, reach, revoke_key
from api.auth.scopes import SCOPES, Scope
from api.dependencies import EngineDep
from api.middleware.proxy import at
from api.views.estimate import told
from api.views.rendering import Page, is_fragment, render
from api.views.scorecard import Figure, figures
from api.web.login import local_path
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
from indexer.documents import delete_documents
from indexer.jobs.queue import JobInfo, cancel_job, get_job, list_jobs, retry_job
from indexer.jobs.requests import JobRequest, ReindexRequest, estimate_job, read_request, start
from indexer.jobs.results import EvaluateResult, IngestResult, JobResult, LearnResult, ReindexResult
from indexer.judgements.listing import JudgementCounts, count_judgements
from indexer.labels.edit import edit_label
from indexer.presets.learned import accept_of_job
from indexer.presets.store import list_presets
from indexer.stats import DocumentLines, count_waiting, database_size, generation_sizes, list_documents
from search.browse.collections import collection_info, collections
from search.db.connection import open_session
from search.db.lookup import find_collection
from search.db.models import KeyRow
from search.engine.engine import SearchEngine
from search.errors import InvalidRequest, NotIndexed
from search.responses.collections import CollectionInfo, PresetInfo, Scorecard
from search.responses.evaluation import EvaluationReport
from search.responses.learning import LearningReport
from search.settings import comma_separated

router = APIRouter(prefix="/admin", include_in_schema=False)

JOBS = 8
COLLECTIONS = 50
DOCUMENTS = 20

MEASURED = set(EvaluationReport.model_fields) | set(LearningReport.model_fields)
LISTS = ("exclude", "as_text")
"""The fields of a job's form that hold one value a line: patterns and names may have blanks and commas."""


@dataclass(frozen=True)
class _Polled(Page):
    """Makes a page at the address `here` look where its jobs are, as long as one is `active`."""

    active: bool
    here: str


@dataclass(frozen=True)
class OverviewJobs(_Polled):
    """Shows the latest jobs of all collections."""

    template = "admin/overview.html"
    blocks = ("jobs",)
    part = True

    jobs: list[JobInfo]


@dataclass(frozen=True)
class OverviewPage(_Polled):
    """Shows collections from behind the name `after` on (there are `more`), and of each: documents that
    wait to be searched, trouble with them, bytes of its generations; `database`: bytes of all of it."""

    template = "admin/overview.html"

    jobs: list[JobInfo]
    known: list[CollectionInfo]
    more: bool
    after: str
    waiting: dict[str, int]
    trouble: dict[str, str]
    used: dict[str, int]
    database: int


@dataclass(frozen=True)
class CollectionJobs(_Polled):
    """Shows the latest jobs of a collection."""

    template = "admin/collection.html"
    blocks = ("jobs",)
    part = True

    jobs: list[JobInfo]


@dataclass(frozen=True)
class CollectionPage(_Polled):
    """Shows a collection. `sizes` are the bytes of each generation; `found` are the documents that `find`
    finds, `size` of them from `offset` on; `longest`: the characters that its title and its description
    may have; `asked`: a reindex that was asked for and not begun, because its `cost` is told first;
    `judged` counts what people said of results; `kept`: for how many days questions are."""

    template = "admin/collection.html"

    jobs: list[JobInfo]
    info: CollectionInfo
    model: str
    trouble: str
    figures: list[Figure]
    generations: list[GenerationInfo]
    sizes: dict[int, int]
    waiting: int
    presets: list[PresetInfo]
    found: DocumentLines
    find: str
    offset: int
    size: int
    longest: Mapping[str, int]
    asked: ReindexRequest | None
    cost: list[str]
    judged: JudgementCounts
    kept: int | None


@dataclass(frozen=True)
class JobPage(_Polled):
    """Shows one job, and what it `made` by name; `ingested`: what became of documents that were
    given to it; `evaluated`: how good searches are, by an evaluation or a gate; `learned`: what judgements
    teach."""

    template = "admin/job.html"
    blocks = ("jobs",)

    job: JobInfo
    made: dict[str, Any]
    ingested: IngestResult | None
    evaluated: EvaluationReport | None
    learned: LearningReport | None


@dataclass(frozen=True)
class KeysPage(Page):
    """Shows all keys with what each `reaches`, by its number, and the one just `made`, in clear."""

    template = "admin/keys.html"

    keys: list[KeyRow]
    reaches: dict[int, str]
    made: str | None
    scopes: Sequence[Scope]


@router.get("")
def overview(request: Request, engine: EngineDep, _: AdminDep, after: str = "") -> Response:
    """Shows collections, from behind a name on, and the latest jobs."""
    jobs = list_jobs(engine.database, limit=JOBS)
    active = _any_active(jobs)
    if is_fragment(request):
        return _polled(request, OverviewJobs(active=active, here=at("/admin"), jobs=jobs))
    found = collections(engine, after=after, limit=COLLECTIONS + 1)
    known = found[:COLLECTIONS]
    with open_session(engine.database) as session:
        rows = {info.name: find_collection(session, info.name) for info in known}
        trouble = {name: row.trouble for name, row in rows.items()}
        waiting = {name: count_waiting(session, row.id) for name, row in rows.items()}
        used = {
            name: sum(generation_sizes(session, engine.data, row.id).values()) for name, row in rows.items()
        }
        database = database_size(session)
    page = OverviewPage(
        active=active,
        here=at("/admin"),
        jobs=jobs,
        known=known,
        more=len(found) > COLLECTIONS,
        after=after,
        waiting=waiting,
        trouble=trouble,
        used=used,
        database=database,
    )
    return render(request, page)


@router.get("/collections/{name}")
def collection_page(
    name: str, request: Request, engine: EngineDep, _: AdminDep, find: str = "", offset: int = 0
) -> Response:
    """Shows one collection: what is live and what was, jobs, documents."""
    return _collection(name, request, engine, find, offset)


def _collection(
    name: str,
    request: Request,
    engine: SearchEngine,
    find: str = "",
    offset: int = 0,
    asked: ReindexRequest | None = None,
) -> Response:
    jobs = list_jobs(engine.database, limit=JOBS, collection=name)
    active = _any_active(jobs)
    if is_fragment(request):
        return _polled(request, CollectionJobs(active=active, here=_address(name), jobs=jobs))
    info = collection_info(engine, name)
    offset = max(offset, 0)
    with open_session(engine.database) as session:
        collection = find_collection(session, name)
        page = CollectionPage(
            active=active,
            here=_address(name),
            jobs=jobs,
            info=info,
            model=collection.model,
            trouble=collection.trouble,
            figures=list(figures(info.scorecard or Scorecard())),
            generations=list_generations(session, name),
            sizes=generation_sizes(session, engine.data, collection.id),
            waiting=count_waiting(session, collection.id),
            presets=_presets(engine, info),
            found=list_documents(session, collection, find, limit=DOCUMENTS, offset=offset),
            find=find,
            offset=offset,
            size=DOCUMENTS,
            longest={"title": MAX_TITLE, "description": MAX_DESCRIPTION},
            asked=asked,
            cost=list(told(estimate_job(engine, asked))) if asked else [],
            judged=count_judgements(session, collection.id),
            kept=collection.keep_questions,
        )
    return render(request, page)


@router.get("/jobs/{number}")
def job_page(number: int, request: Request, engine: EngineDep, _: AdminDep) -> Response:
    """Shows one job: where it is, its last lines, what it made or why it failed."""
    job = get_job(engine.database, number)
    result = job.result
    page = JobPage(
        active=_any_active([job]),
        here=at(f"/admin/jobs/{number}"),
        job=job,
        made=result.model_dump(exclude={"failures", "notes", "seconds", "gate"} | MEASURED),
        ingested=result if isinstance(result, IngestResult) else None,
        evaluated=_evaluated(result),
        learned=result if isinstance(result, LearnResult) and result.questions else None,
    )
    return _polled(request, page) if is_fragment(request) else render(request, page)


@router.get("/keys")
def keys_page(request: Request, engine: EngineDep, _: AdminDep) -> Response:
    """Shows all keys, and a form for a new one."""
    return _keys(request, engine)


def _evaluated(result: JobResult) -> EvaluationReport | None:
    """Finds what a job has measured, if it has."""
    if isinstance(result, EvaluateResult):
        return result if result.questions else None
    return result.gate if isinstance(result, ReindexResult) else None


def _presets(engine: SearchEngine, info: CollectionInfo) -> list[PresetInfo]:
    if info.state != "live":
        return []
    with engine.reader(info.name) as reader:
        return list_presets(reader)


@router.post("/keys")
def post_key(request: Request, engine: EngineDep, form: AdminForm) -> Response:
    """Makes a key and shows it, this once; or revokes one."""
    made = None
    with open_session(engine.database) as session:
        if "revoke" in form:
            revoke_key(session, number_in(form, "revoke"))
        else:
            made = _made(session, form)
        session.commit()
    return _keys(request, engine, made) if made else _back(at("/admin/keys"))


@router.post("/collections/{name}/jobs")
def post_job(name: str, request: Request, engine: EngineDep, form: AdminForm) -> Response:
    """Puts a job in the queue. One that embeds passages anew says first what it costs."""
    agreed = "agreed" in form
    job = _job(name, {field: value for field, value in form.items() if field != "agreed"})
    if isinstance(job, ReindexRequest) and job.embeds and not agreed:
        return _collection(name, request, engine, asked=job)
    start(engine, job)
    return _back(_address(name))


@router.post("/collections/{name}/settings")
def post_settings(name: str, engine: EngineDep, form: AdminForm) -> Response:
    """Renames a collection, says what it is called and about and who sees it, makes it the default, or copies
    its settings to another name."""
    if copy := form.get("copy", "").strip():
        copy_collection(engine.database, name, copy)
        return _back(_address(copy))
    if "default" in form:
        choose_default(engine.database, name)
        return _back(_address(name))
    new = form.get("name", name).strip()
    about = About(form.get("title"), form.get("description"))  # one that cannot be used renames nothing
    if new != name:
        rename_collection(engine.database, name, new)
    describe_collection(engine.database, new, about)
    if "seen" in form:
        set_private(engine.database, new, private=form["seen"] != "public")
    return _back(_address(new))


@router.post("/collections/{name}/delete")
def post_delete_collection(name: str, engine: EngineDep, form: AdminForm) -> Response:
    """Deletes a collection, if its name was typed for it."""
    typed = form.get("name", "").strip()
    if typed != name:
        raise InvalidRequest(
            f"{typed[:80]!r} is not {name!r}, so nothing was deleted.", hint="Type the collection's name."
        )
    delete_collection(engine.database, engine.data, name)
    return _back(at("/admin"))


@router.post("/collections/{name}/rollback")
def post_rollback(name: str, engine: EngineDep, form: AdminForm) -> Response:
    """Makes an earlier generation live again."""
    roll_back(engine.database, name, number_in(form, "to"))
    engine.renew(name)
    return _back(_address(name))


@router.post("/collections/{name}/documents")
def post_delete(name: str, engine: EngineDep, form: AdminForm) -> Response:
    """Deletes a document."""
    with open_session(engine.database) as session:
        number = find_collection(session, name).id
        delete_documents(session, number, [form.get("delete", "")])
        session.commit()
    with contextlib.suppress(NotIndexed):
        engine.renew(name)
    find = form.get("find", "")
    return _back(_address(name) + (f"?find={quote(find)}" if find else "") + "#documents")


@router.post("/collections/{name}/labels")
def post_label(name: str, engine: EngineDep, form: AdminForm) -> Response:
    """Writes the label of a feature by hand, or takes it away."""
    feature = number_in(form, "feature")
    edit_label(engine.database, name, feature, None if "clear" in form else form.get("label", ""))
    engine.renew(name)
    return _back(at(f"/features/{feature}?collection={quote(name)}"))


@router.post("/jobs/{number}/cancel")
def post_cancel(number: int, engine: EngineDep, form: AdminForm) -> Response:
    """Asks a job to stop."""
    cancel_job(engine.database, number)
    return _back(local_path(form.get("back", ""), at("/admin")))


@router.post("/jobs/{number}/accept")
def post_accept(number: int, engine: EngineDep, _: AdminForm) -> Response:
    """Makes what a job learned the default preset of its collection."""
    made = accept_of_job(engine, number)
    return _back(f"{_address(made.collection)}#presets")


@router.post("/jobs/{number}/retry")
def post_retry(number: int, engine: EngineDep, form: AdminForm) -> Response:
    """Begins a job again."""
    retry_job(engine.database, number)
    return _back(local_path(form.get("back", ""), at("/admin")))


def _keys(request: Request, engine: SearchEngine, made: str | None = None) -> Response:
    with open_session(engine.database) as session:
        keys = list_keys(session)
        reaches = {key.id: reach(key) for key in keys}
        return render(request, KeysPage(keys=keys, reaches=reaches, made=made, scopes=SCOPES))


def _made(session: Session, form: Fields) -> str:
    """Makes the key that a form describes; what is left empty narrows nothing down."""
    collections = comma_separated(form.get("collections", ""))
    expires = form.get("expires", "").strip()
    return create_key(
        session,
        form.get("name", ""),
        form.get("scope", ""),
        expires=parse_duration(expires) if expires else None,
        collections=collections or None,
        filters=[form.get("filter", "")],
    )


def _polled(request: Request, page: _Polled) -> Response:
    """Answers a page that only looks where its jobs are; once none runs any more the page is loaded anew,
    because other parts of it have changed."""
    return render(request, page) if page.active else Response(headers={"HX-Refresh": "true"})


def _any_active(jobs: list[JobInfo]) -> bool:
    return any(job.state in ("waiting", "running") for job in jobs)


def _job(name: str, form: Mapping[str, str]) -> JobRequest:
    """Reads the job that a form describes; what is left empty stays as it is.

    Raises:
        InvalidRequest: naming the field.
    """
    given = {field: value.strip() for field, value in form.items() if value.strip() and field != "csrf"}
    lists = {field: _lines(given.pop(field)) for field in LISTS if field in given}
    return read_request(given.pop("kind", ""), name, {**given, **lists})


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _address(name: str) -> str:
    return at(f"/admin/collections/{quote(name)}")


def _back(address: str) -> Response:
    return RedirectResponse(address, status_code=303)


def number_in(form: Fields, name: str) -> int:
    """Reads a number that a button sends.

    Raises:
        InvalidRequest: it is none.
    """
    text = form.get(name, "")
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    raise InvalidRequest(f"{name}={text[:40]!r} is no number.", hint="Use the form on the page.")
