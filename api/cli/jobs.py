"""The commands below `refract jobs`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from api.cli.terminal.context import opened
from api.cli.terminal.output import console, output
from api.views.numbers import duration, moment

if TYPE_CHECKING:
    from indexer.jobs.queue import JobInfo

app = typer.Typer(help="List the jobs of the queue, cancel them, begin them again.")

Number = Annotated[int, typer.Argument(help="The job's number.")]


@app.command("list")
def list_(limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20) -> None:
    """List the latest jobs, the newest first."""
    from indexer.jobs.queue import list_jobs

    with opened() as (_, database):
        found = list_jobs(database, limit=limit)
    table = Table(header_style="bold")
    for heading in ("job", "kind", "collection", "state", "begun", "where"):
        table.add_column(heading)
    for job in found:
        begun = moment(job.started_at.astimezone()) if job.started_at else ""
        where = job.reason or _where(job)
        table.add_row(str(job.number), job.kind, job.collection or "all", job.state, begun, where)
    output.print(table)


@app.command()
def show(number: Number) -> None:
    """Show where a job is, its last lines, and why it failed."""
    from indexer.jobs.queue import get_job

    with opened() as (_, database):
        job = get_job(database, number)
    output.print(f"Job {job.number}: {job.kind} of {job.collection or 'all'}, {job.state}. {_where(job)}")
    for line in job.log:
        output.print(f"  {line}", markup=False)
    if job.reason:
        output.print(f"Why it failed: {job.reason}", markup=False)
    if made := job.result.model_dump(mode="json"):
        output.print(json.dumps(made, ensure_ascii=False), markup=False)


@app.command()
def cancel(number: Number) -> None:
    """Take a waiting job out of the queue, or stop a running one; what it has done is kept."""
    from indexer.jobs.queue import cancel_job

    with opened() as (_, database):
        cancel_job(database, number)
    console.print(f"Job {number} is cancelled; what it has done is kept.")


@app.command()
def retry(number: Number) -> None:
    """Begin a job that failed or was cancelled again, where it stopped."""
    from indexer.jobs.queue import retry_job

    with opened() as (_, database):
        again = retry_job(database, number)
    console.print(f"Job {again} waits for a worker.")


def _where(job: "JobInfo") -> str:
    if job.state != "running" or not job.progress.step:
        return ""
    progress = job.progress
    parts = [f"{progress.step}: {progress.done:,} of {progress.total:,}"]
    if progress.rate:
        parts.append(f"{progress.rate:,.0f}/s")
    if progress.workers > 1:
        parts.append(f"{progress.workers} workers")
    if progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    return ", ".join(parts)
