"""What jobs do. Each takes up its work where a kill or a cancel left it."""

import dataclasses
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from procrastinate import BaseRetryStrategy, Blueprint, JobContext, RetryDecision
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job as QueuedJob
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from indexer.backup.dump import dump
from indexer.build.verify import verify
from indexer.jobs.queue import Kind
from indexer.jobs.requests import (
    DumpRequest,
    IngestRequest,
    JobRequest,
    ReindexRequest,
    VerifyRequest,
    read_request,
)
from indexer.pipeline import reindex, take_in
from indexer.progress import Reporter
from indexer.sources import open_source
from search.db.connection import GONE, first_line
from search.db.lookup import find_collection
from search.db.models import JobReportRow
from search.errors import Busy, RefractError, StoreUnavailable
from search.responses.collections import Progress

LOG_LINES = 50
SECONDS_BETWEEN_WRITES = 0.5
ATTEMPTS = 5

tasks = Blueprint()
logger = logging.getLogger(__name__)


class Again(BaseRetryStrategy):
    """Begins a job again at once where its worker was stopped, and after some seconds where the database went
    away or another process builds the same collection."""

    def get_retry_decision(self, *, exception: BaseException, job: QueuedJob) -> RetryDecision | None:
        if isinstance(exception, JobAborted):
            return RetryDecision(retry_in={"seconds": 0})
        passing = isinstance(exception, (*GONE, StoreUnavailable, Busy))
        if passing and job.attempts < ATTEMPTS:
            return RetryDecision(retry_in={"seconds": 2**job.attempts})
        return None


@dataclass(frozen=True)
class Resources:
    """What every job works with."""

    database: Engine
    data: Path
    reporter: Reporter


class JobLog:
    """Writes down where a job is, and stops it where it is to stop."""

    def __init__(self, database: Engine, number: int, should_abort: Callable[[], bool]) -> None:
        self._database = database
        self._number = number
        self._should_abort = should_abort
        self._lines: deque[str] = deque(maxlen=LOG_LINES)
        self._written = 0.0
        self._step = ""

    def say(self, line: str) -> None:
        """Adds a line to the log; it is stored with the next progress."""
        self._lines.append(f"{time.strftime('%H:%M:%S')} {line}")

    def hear(self, progress: Progress) -> None:
        """Listens to a `Reporter`.

        Raises:
            JobAborted: somebody cancelled the job.
        """
        if self._should_abort():
            raise JobAborted
        begins = progress.step != self._step
        if begins:
            self._step = progress.step
            self.say(progress.step)
        if begins or time.monotonic() - self._written > SECONDS_BETWEEN_WRITES:
            self.store(progress=dataclasses.asdict(progress))

    def store(self, **values: Any) -> None:
        """Writes the log and what else is given."""
        self._written = time.monotonic()
        values = {"log": list(self._lines), **values}
        with Session(self._database) as session:
            statement = insert(JobReportRow).values(job_id=self._number, **values)
            session.execute(statement.on_conflict_do_update(index_elements=["job_id"], set_=values))
            session.commit()


def _reindex(request: ReindexRequest, resources: Resources) -> dict[str, Any]:
    """Builds a new generation: of another model, passage size or index where they are given."""
    built = reindex(
        resources.database,
        resources.data,
        request.collection,
        resources.reporter,
        model=request.model,
        passage_tokens=request.passage_tokens,
        index=request.index,
    )
    found = dataclasses.asdict(built)
    return {name: found[name] for name in ("generation", "documents", "passages", "embedded", "seconds")}


def _ingest(request: IngestRequest, resources: Resources) -> dict[str, Any]:
    """Reads documents from a file or folder of this machine."""
    path = Path(request.path)
    source = open_source(
        path,
        request.format,
        id_column=request.id_column,
        title_column=request.title_column,
        text_column=request.text_column,
        url_column=request.url_column,
        as_text=request.as_text,
    )
    with Session(resources.database) as session:
        number = find_collection(session, request.collection).id
    named = str(path.resolve())
    taken = take_in(
        resources.database,
        resources.data,
        number,
        source,
        resources.reporter,
        source=named,
        sync=request.sync,
    )
    report = dataclasses.asdict(taken.report)
    failures, notes = report["failures"], report["notes"]
    shown = {"failures": failures[:LOG_LINES], "notes": notes[:LOG_LINES]}
    return {**report, **shown, "failed": len(failures), "noted": len(notes)}


def _verify(request: VerifyRequest, resources: Resources) -> dict[str, Any]:
    """Compares Postgres with the files made from it."""
    number = None
    if request.collection:
        with Session(resources.database) as session:
            number = find_collection(session, request.collection).id
    with resources.reporter.step("verifying"):
        found = verify(resources.database, resources.data, collection=number, repair=request.repair)
    return dataclasses.asdict(found)


def _dump(request: DumpRequest, resources: Resources) -> dict[str, Any]:
    """Writes all that cannot be made again into a file on the worker's machine."""
    path, collection = Path(request.path), request.collection or None
    dump(resources.database, path, resources.reporter, collection=collection, embeddings=request.embeddings)
    return {"file": str(path.resolve()), "bytes": path.stat().st_size}


def _work(request: JobRequest, resources: Resources) -> dict[str, Any]:
    match request:
        case ReindexRequest():
            return _reindex(request, resources)
        case IngestRequest():
            return _ingest(request, resources)
        case VerifyRequest():
            return _verify(request, resources)
        case DumpRequest():
            return _dump(request, resources)


def _perform(kind: str, context: JobContext, arguments: dict[str, Any]) -> None:
    """Runs one job and writes down what came of it.

    Raises:
        JobAborted, RefractError, OperationalError: what ended it; its reason is written down.
    """
    database, data = context.additional_context["database"], context.additional_context["data"]
    assert context.job.id is not None
    log = JobLog(database, context.job.id, context.should_abort)
    collection = arguments.pop("collection", None)
    log.say("begun again" if context.job.attempts else "begun")
    try:
        request = read_request(kind, collection, arguments)
        result = _work(request, Resources(database, data, Reporter(database, log.hear)))
        log.say("done")
        log.store(result=result, reason=None)
    except JobAborted:
        log.say("cancelled; what was done is kept")
        log.store(reason=None)
        raise
    except Exception as error:
        foreseen = isinstance(error, (*GONE, RefractError))
        reason = str(error) if isinstance(error, RefractError) else first_line(error)
        log.say(f"failed: {reason}")
        logger.warning("Job %s failed: %s", context.job.id, reason, exc_info=None if foreseen else error)
        log.store(reason=reason)
        raise


def _register(kind: str) -> None:
    @tasks.task(name=kind, pass_context=True, retry=Again())
    def task(context: JobContext, /, **arguments: Any) -> None:
        _perform(kind, context, arguments)


for _kind in get_args(Kind):
    _register(_kind)
