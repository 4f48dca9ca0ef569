"""A worker that is killed, cannot be spoken to, or has a job that ends it, does not end the queue."""

import os
import signal
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine

from indexer.jobs.places import Places
from indexer.jobs.queue import cancel_job, get_job, list_jobs, retry_job, start_job
from indexer.jobs.stalled import MOST_LOST
from tests.support.building import eventually, work_off, write
from tests.support.commands import spawned_worker, worker

pytestmark = [pytest.mark.database, pytest.mark.sql]

ENDLESS = 1 << 40
"""Bytes of a file with a hole instead of content: to read it takes longer than anybody waits."""


@pytest.fixture
def endless(database: Engine, tmp_path: Path) -> Path:
    """A collection "c", and a file that a job can read for hours without being through with a line."""
    write(database, "c", [])
    path = tmp_path / "endless.csv"
    with path.open("wb") as file:
        file.write(b"id,text\n")
        os.ftruncate(file.fileno(), ENDLESS)
    return path


def begun(database: Engine, number: int, attempt: int) -> bool:
    job = get_job(database, number)
    return (job.state, job.attempts) == ("running", attempt)


def test_a_job_that_does_not_hear_is_cancelled_and_the_queue_goes_on(
    database: Engine, tmp_path: Path, endless: Path
) -> None:
    number = start_job(database, "ingest", "c", path=str(endless))
    behind = start_job(database, "verify", "c")
    with spawned_worker(database, tmp_path) as process:
        eventually(lambda: get_job(database, number).state == "running")
        cancel_job(database, number)
        eventually(lambda: get_job(database, number).state == "cancelled")
        eventually(lambda: get_job(database, behind).state == "done")
        assert process.poll() is None
    assert "cancelled" in get_job(database, number).log[-1]


def test_a_worker_is_stopped_in_the_middle_of_what_does_not_hear(
    database: Engine, tmp_path: Path, endless: Path
) -> None:
    number = start_job(database, "ingest", "c", path=str(endless))
    with spawned_worker(database, tmp_path) as process:
        eventually(lambda: get_job(database, number).state == "running")
        process.terminate()
        process.wait(30)
    assert get_job(database, number).state == "waiting"  # for the next worker


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_job_is_begun_again_though_another_of_its_kind_waits(
    database: Engine, tmp_path: Path, endless: Path, how: signal.Signals
) -> None:
    number = start_job(database, "ingest", "c", path=str(endless))
    with worker(database, tmp_path) as process:
        eventually(partial(begun, database, number, 1))
        behind = start_job(database, "ingest", "c", path=str(endless))
        process.send_signal(how)
        process.wait(30)
    with worker(database, tmp_path) as process:
        eventually(partial(begun, database, number, 2))
        assert get_job(database, behind).state == "waiting"
        process.kill()


def test_a_job_that_kills_its_worker_fails_and_the_next_is_done(
    database: Engine, tmp_path: Path, endless: Path
) -> None:
    number = start_job(database, "ingest", "c", path=str(endless))
    behind = start_job(database, "verify", "c")
    for attempt in range(1, MOST_LOST + 1):
        with worker(database, tmp_path) as process:
            eventually(partial(begun, database, number, attempt))
            process.send_signal(signal.SIGKILL)
            process.wait(30)
    with worker(database, tmp_path):
        eventually(lambda: get_job(database, behind).state == "done")
    job = get_job(database, number)
    assert (job.state, job.attempts) == ("failed", MOST_LOST)
    assert f"{MOST_LOST} workers died at it" in (job.reason or "")
    assert retry_job(database, number) == number  # who asks for it gets as many again


def test_a_cancelled_job_whose_worker_was_killed_is_cancelled(
    database: Engine, tmp_path: Path, endless: Path
) -> None:
    number = start_job(database, "ingest", "c", path=str(endless))
    with worker(database, tmp_path) as process:
        eventually(lambda: get_job(database, number).state == "running")
        process.send_signal(signal.SIGSTOP)
        cancel_job(database, number)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    with worker(database, tmp_path):
        eventually(lambda: get_job(database, number).state == "cancelled")


def test_a_pipe_is_refused_whatever_it_is_said_to_hold(database: Engine, tmp_path: Path) -> None:
    write(database, "c", [])
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    for format in ("csv", "jsonl", "files", "code", "beir", None):
        start_job(database, "ingest", "c", path=str(pipe), format=format)
        work_off(database, tmp_path)
        job = list_jobs(database)[0]
        assert job.state == "failed"
        assert "is not a regular file" in (job.reason or "")


def test_a_reason_that_is_no_text_is_told_nevertheless(database: Engine, tmp_path: Path) -> None:
    write(database, "c", [])
    path = tmp_path / "strange.csv"
    path.write_bytes(b"USER\0me,HOME=/home/me\n")
    number = start_job(database, "ingest", "c", path=str(path), text_column="a\x01b")
    work_off(database, tmp_path)
    job = get_job(database, number)
    assert job.state == "failed"
    assert "has no column" in (job.reason or "")
    assert "/home/me" not in (job.reason or "")  # what is no name may be a secret


def test_a_job_reads_and_writes_within_the_folders_of_the_worker(database: Engine, tmp_path: Path) -> None:
    write(database, "c", [])
    (tmp_path / "secret.md").write_text("A secret.")
    allowed = tmp_path / "exchange"
    Places.of([], tmp_path)
    (allowed / "a.md").write_text("A note.")
    kinds = {
        start_job(database, "ingest", "c", path=str(tmp_path / "secret.md")): "failed",
        start_job(database, "dump", "c", path=str(tmp_path / "c.dump")): "failed",
    }
    work_off(database, tmp_path, Places.of([], tmp_path))
    kinds[start_job(database, "dump", "c", path="c.dump")] = "done"
    kinds[start_job(database, "ingest", "c", path="a.md")] = "done"
    work_off(database, tmp_path, Places.of([], tmp_path))
    for number, state in kinds.items():
        job = get_job(database, number)
        assert job.state == state, job.reason
        assert ("outside of what jobs may use" in (job.reason or "")) == (state == "failed")
    assert not (tmp_path / "c.dump").exists()
    assert (allowed / "c.dump").exists()
