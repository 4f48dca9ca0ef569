"""The commands below `refract jobs`."""

from typing import Annotated

import typer

jobs = typer.Typer(help="List the jobs of the queue, cancel them, begin them again.")

Number = Annotated[int, typer.Argument(help="The job's number.")]


@jobs.command("list")
def list_them(limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20) -> None:
    """List the latest jobs, the newest first."""
    from api.cli import job_commands

    job_commands.show_all(limit)


@jobs.command()
def show(number: Number) -> None:
    """Show where a job is, its last lines, and why it failed."""
    from api.cli import job_commands

    job_commands.show(number)


@jobs.command()
def cancel(number: Number) -> None:
    """Take a waiting job out of the queue, or stop a running one; what it has done is kept."""
    from api.cli import job_commands

    job_commands.cancel(number)


@jobs.command()
def retry(number: Number) -> None:
    """Begin a job that failed or was cancelled again, where it stopped."""
    from api.cli import job_commands

    job_commands.retry(number)
