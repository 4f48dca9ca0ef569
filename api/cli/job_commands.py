"""What the commands below `refract jobs` do."""

import json

from rich.table import Table

from api.cli.context import opened
from api.cli.output import console, output
from api.views.numbers import duration
from indexer.jobs.queue import JobInfo, cancel_job, get_job, list_jobs, retry_job


def show_all(limit: int) -> None:
    """Prints a table of the latest jobs."""
    with opened() as (_, database):
        found = list_jobs(database, limit=limit)
    table = Table(header_style="bold")
    for heading in ("job", "kind", "collection", "state", "begun", "where"):
        table.add_column(heading)
    for job in found:
        begun = f"{job.started_at:%Y-%m-%d %H:%M:%S}" if job.started_at else ""
        where = job.reason or _where(job)
        table.add_row(str(job.number), job.kind, job.collection or "all", job.state, begun, where)
    output.print(table)


def show(number: int) -> None:
    """Prints one job."""
    with opened() as (_, database):
        job = get_job(database, number)
    output.print(f"Job {job.number}: {job.kind} of {job.collection or 'all'}, {job.state}. {_where(job)}")
    for line in job.log:
        output.print(f"  {line}", markup=False)
    if job.reason:
        output.print(f"Why it failed: {job.reason}", markup=False)
    if job.result:
        output.print(json.dumps(job.result, ensure_ascii=False), markup=False)


def cancel(number: int) -> None:
    """Cancels a job."""
    with opened() as (_, database):
        cancel_job(database, number)
    console.print(f"Job {number} is cancelled; what it has done is kept.")


def retry(number: int) -> None:
    """Begins a job again."""
    with opened() as (_, database):
        again = retry_job(database, number)
    console.print(f"Job {again} waits for a worker.")


def _where(job: JobInfo) -> str:
    if job.state != "running" or not job.progress:
        return ""
    progress = job.progress
    parts = [f"{progress['step']}: {progress['done']:,} of {progress['total']:,}"]
    if progress["rate"]:
        parts.append(f"{progress['rate']:,.0f}/s")
    if progress["seconds_left"] is not None:
        parts.append(f"{duration(progress['seconds_left'])} left")
    return ", ".join(parts)
