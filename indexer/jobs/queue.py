"""Long work is done by jobs: a queue in Postgres that survives every kill, and what its jobs say of
themselves.

The queue is procrastinate's, in a schema of its own. Jobs of one collection run one after the other; of those
that wait, each kind waits once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from pydantic import SerializeAsAny
from sqlalchemy import Engine, Row, text, update
from sqlalchemy.orm import Session

from indexer.audit import record_apart
from indexer.build.helpers import QUEUE as HELP
from indexer.jobs.results import JobResult, read_result
from search.db.connection import direct
from search.db.models import JobReportRow
from search.errors import Busy, InvalidRequest, JobNotFound
from search.responses.collections import Progress

SCHEMA = "jobs"
Kind = Literal["reindex", "ingest", "evaluate", "learn", "verify", "dump", "backup"]
State = Literal["waiting", "running", "done", "failed", "cancelled"]

STATES: dict[str, State] = {
    "todo": "waiting",
    "doing": "running",
    "succeeded": "done",
    "failed": "failed",
    "cancelled": "cancelled",
    "aborting": "cancelled",
    "aborted": "cancelled",
}

AT_ONCE = datetime.fromtimestamp(0, UTC)
"""When a job is due that is begun again. The database compares that with its own clock, which another
machine's may be ahead of by an hour."""

UNTOLD = "It ended without a word. The worker's output may say more."


@dataclass(frozen=True)
class JobInfo:
    """Describes a job. `progress` is that of its current step, `log` its last lines, `reason` why it failed,
    `attempts` how often it was begun. `cancelling`: it was asked to stop and has not yet."""

    number: int
    kind: Kind
    collection: str | None
    state: State
    arguments: dict[str, Any]
    progress: Progress
    log: list[str]
    reason: str | None
    result: SerializeAsAny[JobResult]
    attempts: int
    cancelling: bool
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


def start_job(database: Engine, kind: Kind, collection: str | None = None, **arguments: Any) -> int:
    """Puts a job in the queue; gives its number. A worker begins it at once if none of that collection runs.

    Raises:
        Busy: one of this kind waits already.
    """
    of = collection or "all"
    with _queue(database) as queue:
        task = queue.configure_task(
            kind, lock=f"collection {of}", queueing_lock=f"{kind} {of}", allow_unknown=True
        )
        try:
            number = task.defer(collection=collection, **arguments)
        except AlreadyEnqueued:
            raise Busy(
                f"A {kind} of {of!r} waits already.", hint="Wait until it has begun, or cancel it."
            ) from None
    told = {"kind": kind, "collection": collection, "arguments": arguments}
    record_apart(database, "job.start", f"job {number}", **told)
    return number


def leave_line(database: Engine, number: int) -> None:
    """Lets a job that has begun wait again, should it have to, though another of its kind waits by then: the
    queue would refuse to take it back."""
    statement = f"UPDATE {SCHEMA}.procrastinate_jobs SET queueing_lock = NULL WHERE id = :number"
    with Session(database) as session:
        session.execute(text(statement), {"number": number})
        session.commit()


def cancel_job(database: Engine, number: int) -> None:
    """Takes a waiting job out of the queue, or asks a running one to stop; it does within a second or two.
    What it has done is kept.

    Raises:
        JobNotFound: there is no job of that number.
        InvalidRequest: it has ended already.
    """
    state = get_job(database, number).state
    with _queue(database) as queue:
        if not queue.job_manager.cancel_job_by_id(number, abort=True):
            raise InvalidRequest(
                f"Job {number} is {state}.", hint="Only what waits or runs can be cancelled."
            )
    record_apart(database, "job.cancel", f"job {number}")


def retry_job(database: Engine, number: int) -> int:
    """Begins a job that failed or was cancelled again, where it stopped; gives the number it runs under.

    Raises:
        JobNotFound: there is no job of that number.
        InvalidRequest: it did not fail and was not cancelled, or one like it waits already.
    """
    job = get_job(database, number)
    if job.state == "failed":
        with Session(database) as session:
            session.execute(update(JobReportRow).where(JobReportRow.job_id == number).values(lost=0))
            session.commit()
        with _queue(database) as queue:
            queue.job_manager.retry_job_by_id(number, AT_ONCE)
        record_apart(database, "job.retry", f"job {number}")
        return number
    if job.state == "cancelled":
        return start_job(database, job.kind, job.collection, **job.arguments)
    raise InvalidRequest(
        f"Job {number} is {job.state}.", hint="Only what failed or was cancelled can be begun again."
    )


def get_job(database: Engine, number: int) -> JobInfo:
    """Reads one job.

    Raises:
        JobNotFound: there is no job of that number.
    """
    with Session(database) as session:
        row = session.execute(_select("job.id = :number"), {"number": number}).one_or_none()
    if row is None:
        raise JobNotFound(f"There is no job {number}.", hint="refract jobs lists those there are.")
    return _job(row)


def list_jobs(database: Engine, *, limit: int = 50, collection: str | None = None) -> list[JobInfo]:
    """Lists the latest jobs, the newest first."""
    wanted = "(cast(:collection AS text) IS NULL OR job.args ->> 'collection' = :collection)"
    statement = _select(f"{wanted} ORDER BY job.id DESC LIMIT :limit")
    with Session(database) as session:
        rows = session.execute(statement, {"limit": limit, "collection": collection}).all()
    return [_job(row) for row in rows]


def is_wanted(database: Engine) -> bool:
    """Whether a job waits that could begin: one that is due, of a collection that none runs of."""
    statement = f"""
        SELECT EXISTS (
            SELECT FROM {SCHEMA}.procrastinate_jobs AS job
            WHERE status = 'todo' AND queue_name <> '{HELP}' AND coalesce(scheduled_at <= now(), true)
              AND NOT EXISTS (SELECT FROM {SCHEMA}.procrastinate_jobs AS other
                              WHERE other.lock = job.lock AND other.status = 'doing'))
    """
    with Session(database) as session:
        return bool(session.scalar(text(statement)))


@contextmanager
def _queue(database: Engine) -> Iterator[App]:
    """Opens the queue, to write to."""
    app = App(connector=SyncPsycopgConnector(**connection_options(database), min_size=1, max_size=1))
    with app.open():
        yield app


def connection_options(database: Engine) -> dict[str, Any]:
    """Says how the queue reaches its tables."""
    url = direct(database).url.set(drivername="postgresql").render_as_string(hide_password=False)
    return {"conninfo": url, "kwargs": {"options": f"-c search_path={SCHEMA}"}}


def _select(condition: str) -> Any:
    return text(
        f"""
        SELECT job.id, job.task_name, job.status, job.args, events.attempts, job.abort_requested,
               report.progress, report.log, report.reason, report.result, events.created, events.started,
               events.ended
        FROM {SCHEMA}.procrastinate_jobs AS job
        LEFT JOIN job_reports AS report ON report.job_id = job.id
        LEFT JOIN LATERAL (
            SELECT min(at) FILTER (WHERE type = 'deferred') AS created,
                   max(at) FILTER (WHERE type = 'started') AS started,
                   count(*) FILTER (WHERE type = 'started') AS attempts,
                   max(at) FILTER (WHERE type IN ('succeeded', 'failed', 'cancelled', 'aborted')) AS ended
            FROM {SCHEMA}.procrastinate_events WHERE job_id = job.id
        ) AS events ON true
        WHERE job.queue_name <> '{HELP}' AND {condition}
        """
    )


def _job(row: Row[Any]) -> JobInfo:
    arguments = {name: value for name, value in row.args.items() if name != "collection"}
    state = STATES[row.status]
    reason = row.reason or UNTOLD
    return JobInfo(
        number=row.id,
        kind=row.task_name,
        collection=row.args.get("collection"),
        state=state,
        arguments=arguments,
        progress=Progress.model_validate(row.progress or {}),
        log=row.log or [],
        reason=reason if state == "failed" else None,
        result=read_result(row.task_name, row.result or {}),
        attempts=row.attempts,
        cancelling=row.abort_requested and state == "running",
        created_at=row.created,
        started_at=row.started,
        ended_at=row.ended if state not in ("waiting", "running") else None,
    )
