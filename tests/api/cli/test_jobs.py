"""Jobs by the command line."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from indexer.jobs.queue import get_job, start_job
from tests.support.building import eventually
from tests.support.commands import Shell, assert_one_line
from tests.support.forked import running

pytestmark = pytest.mark.slow


def test_jobs_are_listed_shown_cancelled_and_begun_again(shell: Shell, notes: Path, database: Engine) -> None:
    shell.run("index", str(notes), "--collection", "n")
    number = str(start_job(database, "verify", "n"))
    assert "verify" in shell.run("jobs", "list")
    assert "cancelled" in shell.run("jobs", "cancel", number)
    assert "cancelled" in shell.run("jobs", "show", number)
    assert "waits for a worker" in shell.run("jobs", "retry", number)
    assert_one_line(shell.tried("jobs", "show", "999"), "no job 999")
    with running("worker", environment=shell.environment):
        eventually(lambda: get_job(database, int(number) + 1).state == "done")
