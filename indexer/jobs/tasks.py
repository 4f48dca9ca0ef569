"""The tasks do the work of jobs. Each takes up its work where a kill or a cancel left it."""

import dataclasses
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from procrastinate import BaseRetryStrategy, Blueprint, JobContext, RetryDecision
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job as QueuedJob
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from indexer.audit import record_apart
from indexer.backup.dump import dump
from indexer.backup.scheduled import Backups, back_up
from indexer.backup.storage import Place
from indexer.build.verify import verify
from indexer.documents import read_stamps
from indexer.jobs.places import Places
from indexer.jobs.queue import Kind, leave_line
from indexer.jobs.requests import (
    BackupRequest,
    DumpRequest,
    EvaluateRequest,
    IngestRequest,
    JobRequest,
    LearnRequest,
    ReindexRequest,
    VerifyRequest,
    read_request,
)
from indexer.jobs.results import (
    BackupResult,
    DumpResult,
    EvaluateResult,
    FailedDocument,
    IngestResult,
    JobResult,
    LearnResult,
    NotedDocument,
    ReindexResult,
    VerifyResult,
)
from indexer.pipeline import reindex, take_in
from indexer.progress import Reporter
from indexer.sources import Bounds, is_site, open_source, source_name
from indexer.sources.document import storable
from search.db.connection import GONE, first_line
from search.db.lookup import find_collection, live_of
from search.db.models import JobReportRow
from search.errors import Busy, GateClosed, RefractError, StoreUnavailable
from search.logs import doing
from search.responses.collections import Progress

LOG_LINES = 50
SECONDS_BETWEEN_WRITES = 0.5
ATTEMPTS = 5

tasks = Blueprint()
logger = logging.getLogger(__name__)


class Again(BaseRetryStrategy):
    """Begins a job again at once where its worker was stopped, after some seconds where the database went
    away, a few times over, and for as long as another process builds the same collection."""

    def get_retry_decision(self, *, exception: BaseException, job: QueuedJob) -> RetryDecision | None:
        if isinstance(exception, JobAborted):
            return RetryDecision(retry_in={"seconds": 0})
        if isinstance(exception, Busy):
            return RetryDecision(retry_in={"seconds": 2 ** min(job.attempts, ATTEMPTS)})
        if isinstance(exception, (*GONE, StoreUnavailable)) and job.attempts < ATTEMPTS:
            return RetryDecision(retry_in={"seconds": 2**job.attempts})
        return None


@dataclass(frozen=True)
class Resources:
    """Holds what every job works with."""

    database: Engine
    data: Path
    places: Places
    backups: Backups | None
    reporter: Reporter


class JobLog:
    """Writes a job's progress and log into its report, and stops the job when it is cancelled."""

    def __init__(self, database: Engine, number: int, should_abort: Callable[[], bool]) -> None:
        self._database = database
        self._number = number
        self._should_abort = should_abort
        self._lines: deque[str] = deque(maxlen=LOG_LINES)
        self._written = 0.0
        self._step = ""

    def say(self, line: str) -> None:
        """Adds a line to the log; it is stored with the next progress."""
        self._lines.append(f"{datetime.now(UTC).isoformat(timespec='seconds')} {storable(line)}")

    def hear(self, progress: Progress) -> None:
        """Listens to a `Reporter`: writes its progress down, at most twice a second.

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
            self.store(progress=progress)

    def store(self, **values: Any) -> None:
        """Writes the log and the values that are given."""
        self._written = time.monotonic()
        values = {"log": list(self._lines), **values}
        with Session(self._database) as session:
            statement = insert(JobReportRow).values(job_id=self._number, **values)
            session.execute(statement.on_conflict_do_update(index_elements=["job_id"], set_=values))
            session.commit()


def _reindex(request: ReindexRequest, resources: Resources) -> JobResult:
    """Builds a new generation: of another model, width, passage size or index where they are given."""
    if request.first:
        with Session(resources.database) as session:
            live = live_of(session, find_collection(session, request.collection).id)
        if live:
            return ReindexResult(generation=live.id)
    built = reindex(
        resources.database,
        resources.data,
        request.collection,
        resources.reporter,
        model=request.model,
        dimensions=request.dimensions,
        passage_tokens=request.passage_tokens,
        index=request.index,
        gate=request.gate,
    )
    made = ReindexResult(
        generation=built.generation,
        documents=built.documents,
        passages=built.passages,
        embedded=built.embedded,
        seconds=built.seconds,
    )
    return made.model_copy(update={"gate": built.gate}) if built.gate else made


def _evaluate(request: EvaluateRequest, resources: Resources) -> JobResult:
    """Measures searches by what was judged."""
    from indexer.evaluation import Measured, compared_with, run_evaluation  # takes a while to load

    this = Measured.of(
        request.collection,
        generation=request.generation,
        preset=request.preset,
        steer=request.steer,
        mode=request.mode,
    )
    against = compared_with(
        this,
        collection=request.against_collection,
        generation=request.against_generation,
        preset=request.against_preset,
        steer=request.against_steer,
        mode=request.against_mode,
    )
    found = run_evaluation(resources.database, resources.data, this, against, resources.reporter)
    return EvaluateResult.model_validate(found.model_dump())


def _learn(request: LearnRequest, resources: Resources) -> JobResult:
    """Learns knobs from what was judged."""
    from indexer.learning import run_learning  # takes a while to load

    found = run_learning(resources.database, resources.data, request.collection, resources.reporter)
    return LearnResult.model_validate(found.model_dump())


def _ingest(request: IngestRequest, resources: Resources) -> JobResult:
    """Reads documents from a file or folder of this machine, or from a web site."""
    path, named = _place(request.path, resources.places)
    with Session(resources.database) as session:
        number = find_collection(session, request.collection).id
        known = read_stamps(session, number, named)
    source = open_source(
        path,
        request.format,
        id_column=request.id_column,
        title_column=request.title_column,
        text_column=request.text_column,
        url_column=request.url_column,
        known=known,
        exclude=request.exclude,
        encoding=request.encoding,
        as_text=request.as_text,
        bounds=Bounds(request.limit, request.hosts, private=False),
    )
    taken = take_in(
        resources.database,
        resources.data,
        number,
        source,
        resources.reporter,
        source=named,
        sync=request.sync,
    )
    report = taken.report
    first, noted = report.failures[:LOG_LINES], report.notes[:LOG_LINES]
    return IngestResult(
        added=report.added,
        changed=report.changed,
        unchanged=report.unchanged,
        deleted=report.deleted,
        failures=tuple(FailedDocument(name=each.name, reason=each.reason) for each in first),
        failed=len(report.failures),
        notes=tuple(NotedDocument(name=each.name, text=each.text) for each in noted),
        noted=len(report.notes),
    )


def _place(given: str, places: Places) -> tuple[Path | str, str]:
    """A path or the address of a web site, and what it is called as a source.

    Raises:
        InvalidRequest: it is outside of what jobs may use.
    """
    if is_site(given):
        return given, source_name(given)
    found = places.find(given)
    return Path(found), found


def _verify(request: VerifyRequest, resources: Resources) -> JobResult:
    """Compares Postgres with the files made from it."""
    number = None
    if request.collection:
        with Session(resources.database) as session:
            number = find_collection(session, request.collection).id
    with resources.reporter.step("verifying"):
        found = verify(resources.database, resources.data, collection=number, repair=request.repair)
    return VerifyResult.model_validate(dataclasses.asdict(found))


def _dump(request: DumpRequest, resources: Resources) -> JobResult:
    """Writes all that cannot be made again into a file on the worker's machine."""
    where, collection = resources.places.find(request.path), request.collection or None
    dump(resources.database, where, resources.reporter, collection=collection, embeddings=request.embeddings)
    record_apart(resources.database, "dump", Place(where).name, collection=collection)
    return DumpResult(file=where, bytes=Place(where).size())


def _back_up(resources: Resources) -> JobResult:
    """Writes and tries a dump where scheduled ones go."""
    made = back_up(resources.database, resources.data, resources.backups, resources.reporter)
    record_apart(resources.database, "dump", made.place.name)
    return BackupResult(file=str(made.place), bytes=made.bytes, tried=made.tried, removed=made.removed)


def _work(request: JobRequest, resources: Resources) -> JobResult:
    match request:
        case ReindexRequest():
            return _reindex(request, resources)
        case IngestRequest():
            return _ingest(request, resources)
        case EvaluateRequest():
            return _evaluate(request, resources)
        case LearnRequest():
            return _learn(request, resources)
        case VerifyRequest():
            return _verify(request, resources)
        case DumpRequest():
            return _dump(request, resources)
        case BackupRequest():
            return _back_up(resources)


def _perform(kind: str, context: JobContext, arguments: dict[str, Any]) -> None:
    """Runs one job and writes down what came of it.

    Raises:
        JobAborted, RefractError, OperationalError: what ended it; its reason is written down.
    """
    shared, number = context.additional_context, context.job.id
    database: Engine = shared["resources"]["database"]
    assert number is not None
    leave_line(database, number)
    log = JobLog(database, number, context.should_abort)
    log.say("begun again" if context.job.attempts else "begun")
    collection = arguments.pop("collection", None)
    logger.info("%s of %s began, attempt %s.", kind, collection or "all", context.job.attempts + 1)
    try:
        with shared["watchdog"].watching(number, context.abort_reason):
            request = read_request(kind, collection, arguments)
            reporter = Reporter(database, log.hear, say=log.say)
            result = _work(request, Resources(reporter=reporter, **shared["resources"]))
        log.say("done")
        logger.info("%s of %s is done.", kind, collection or "all")
        log.store(result=result.model_dump(mode="json"), reason=None)
    except Exception as error:
        if isinstance(error, JobAborted) or context.should_abort():  # whatever it was that was cut off
            log.say("cancelled; what was done is kept")
            logger.info("%s of %s was cancelled.", kind, collection or "all")
            log.store(reason=None)
            raise JobAborted from None
        foreseen = isinstance(error, (*GONE, RefractError))
        reason = storable(str(error) if isinstance(error, RefractError) else first_line(error))
        log.say(f"failed: {reason}")
        logger.warning("Job %s failed: %s", number, reason, exc_info=None if foreseen else error)
        log.store(reason=reason, **({"result": error.found} if isinstance(error, GateClosed) else {}))
        raise


def _register(kind: str) -> None:
    @tasks.task(name=kind, pass_context=True, retry=Again())
    def task(context: JobContext, /, **arguments: Any) -> None:
        number = context.job.id
        with doing(job=number, actor=f"job {number}", channel="worker"):
            _perform(kind, context, arguments)


for _kind in get_args(Kind):
    _register(_kind)
