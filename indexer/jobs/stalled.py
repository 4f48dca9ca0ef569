"""What becomes of a job whose worker died: begun again, but not for ever."""

import asyncio
from datetime import UTC, datetime

from procrastinate import App
from procrastinate.jobs import Job, Status
from sqlalchemy import Engine, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from indexer.build.helpers import QUEUE
from indexer.jobs.queue import AT_ONCE, SCHEMA, leave_line
from search.db.models import JobReportRow

MOST_LOST = 3
"""So many workers may die at a job: what kills them, a file that takes all memory say, will do so again."""


async def settle(app: App, database: Engine, job: Job) -> str:
    """Puts a job whose worker was killed back into the queue; one that was cancelled ends so, and one that
    has cost too many workers fails, as one that only helped does at once: who builds calls for others. Gives
    what became of it, in words."""
    assert job.id is not None
    if job.queue == QUEUE:
        await asyncio.to_thread(note_end, database, job.id, "lost", reason="it was killed, or out of memory.")
        await app.job_manager.finish_job(job, Status.FAILED, delete_job=False)
        return "only helped and is not begun again"
    status, told = await asyncio.to_thread(_decide, database, job.id)
    if status is None:
        await asyncio.to_thread(leave_line, database, job.id)
        await app.job_manager.retry_job(job, AT_ONCE)
    else:
        await app.job_manager.finish_job(job, status, delete_job=False)
    return told


def _decide(database: Engine, number: int) -> tuple[Status | None, str]:
    """The state that a job ends in, or None where it is begun again; its report says so."""
    with Session(database) as session:
        asked = f"SELECT abort_requested FROM {SCHEMA}.procrastinate_jobs WHERE id = :number"
        if session.scalar(text(asked), {"number": number}):
            session.commit()
            note_end(database, number, "cancelled; its worker was gone")
            return Status.ABORTED, "was cancelled and is not begun again"
        counted = insert(JobReportRow).values(job_id=number, lost=1)
        lost = session.scalar(
            counted.on_conflict_do_update(
                index_elements=["job_id"], set_={"lost": JobReportRow.lost + 1}
            ).returning(JobReportRow.lost)
        )
        session.commit()
    if (lost or 0) < MOST_LOST:
        return None, "stalled and is begun again"
    reason = _reason(database, number, lost or 0)
    note_end(database, number, f"failed: {reason}", reason=reason)
    return Status.FAILED, "has cost too many workers and is not begun again"


def _reason(database: Engine, number: int, lost: int) -> str:
    with Session(database) as session:
        step = session.get_one(JobReportRow, number).progress.step
    where = f" (the last while {step})" if step else ""
    return (
        f"{lost} workers died at it{where}: killed, or out of memory. "
        "Look for what is too large in what it reads, then begin it again."
    )


def note_end(database: Engine, number: int, line: str, *, reason: str | None = None) -> None:
    """Writes down how a job ended that cannot say so itself."""
    said = f"{datetime.now(UTC).isoformat(timespec='seconds')} {line}"
    with Session(database) as session:
        report = session.get(JobReportRow, number) or JobReportRow(job_id=number, log=[])
        report.log, report.reason = [*report.log, said], reason
        session.add(report)
        session.commit()
