"""Jobs on a real queue with a real worker, a process of its own that may be killed."""

import io
import signal
import tarfile
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Engine, cast, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from indexer.build.generations import list_generations
from indexer.build.verify import verify
from indexer.documents import delete_documents, ensure_collection, ingest
from indexer.jobs.queue import JobInfo, cancel_job, get_job, list_jobs, retry_job, start_job
from indexer.jobs.results import IngestResult, JobResult, ReindexResult
from indexer.jobs.worker import Keeper
from indexer.progress import Reporter
from search.db.lookup import find_collection
from search.db.models import GenerationRow
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.errors import Busy, InvalidRequest, JobNotFound
from search.query.request import SearchRequest
from search.settings import DEFAULT_MODEL
from tests.support.building import build, document, eventually, many, work_off, write
from tests.support.commands import worker
from tests.support.model import lend_dictionary

pytestmark = [pytest.mark.database, pytest.mark.sql]

Result = TypeVar("Result", bound=JobResult)

SLOW: dict[str, Any] = {"model": DEFAULT_MODEL, "passage_tokens": 16}
"""A reindex that takes long enough to be caught at its work."""


def work(database: Engine, data: Path) -> list[JobInfo]:
    """Does all that waits, in this process; gives the jobs."""
    work_off(database, data)
    return list_jobs(database)


@pytest.fixture
def collection(database: Engine, tmp_path: Path, embedder: Embedder) -> str:
    build(database, tmp_path, embedder, "c", [document(number) for number in range(5)])
    return "c"


def live(database: Engine, name: str = "c") -> list[int]:
    with Session(database) as session:
        return [each.number for each in list_generations(session, name) if each.state == "live"]


def packed(members: dict[str, bytes]) -> bytes:
    """A compressed tape."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as file:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return data.getvalue()


def result(job: JobInfo, kind: type[Result]) -> Result:
    """What a job made, which is of that kind."""
    assert isinstance(job.result, kind)
    return job.result


def test_a_job_waits_runs_and_tells_what_it_made(database: Engine, tmp_path: Path, collection: str) -> None:
    number = start_job(database, "reindex", collection, passage_tokens=32, index="rabitq")
    waiting = get_job(database, number)
    assert (waiting.state, waiting.kind, waiting.started_at) == ("waiting", "reindex", None)
    before = live(database)
    (job,) = work(database, tmp_path)
    assert (job.number, job.state, job.reason) == (number, "done", None)
    assert job.ended_at is not None
    assert job.started_at is not None
    assert job.created_at <= job.started_at <= job.ended_at
    made = result(job, ReindexResult)
    assert live(database) == [made.generation] != before
    assert job.progress.step == "going live"
    assert any(line.endswith("splitting into passages") for line in job.log)
    with Session(database) as session:
        newest = list_generations(session, collection)[0]
    assert (newest.recipe.passage_tokens, newest.recipe.index) == (32, "rabitq")


@pytest.mark.parametrize(
    ("kind", "arguments", "reason"),
    [
        ("reindex", {"model": "no/such-model"}, "'no/such-model' cannot be loaded"),
        ("ingest", {"path": "/no/such/folder"}, "nothing at /no/such/folder"),
        ("ingest", {"path": "http://127.0.0.1:9/"}, "an address of this machine or network"),
        ("ingest", {"path": "http://localhost:9/", "hosts": ["localhost:9"]}, "of this machine or network"),
        ("ingest", {"path": "sqlite:////etc/passwd"}, "jobs read no databases"),
    ],
)
def test_a_job_that_fails_says_why_and_changes_nothing(
    database: Engine, tmp_path: Path, collection: str, kind: str, arguments: dict[str, str], reason: str
) -> None:
    before = live(database)
    start_job(database, kind, collection, **arguments)  # type: ignore[arg-type]
    (job,) = work(database, tmp_path)
    assert job.state == "failed"
    assert reason in (job.reason or "")
    assert live(database) == before
    assert retry_job(database, job.number) == job.number
    assert get_job(database, job.number).state == "waiting"
    (again,) = work(database, tmp_path)
    assert (again.state, again.attempts) == ("failed", 2)


def test_a_job_is_begun_again_at_once_whatever_the_clock_here_says(database: Engine, tmp_path: Path) -> None:
    """The database says when a job is due, by its own clock, and this machine's may be ahead of it."""
    write(database, "c", [])
    number = start_job(database, "ingest", "c", path=str(tmp_path / "nothing.csv"))
    work_off(database, tmp_path)
    with database.begin() as connection:
        retry_job(database, number)
        due = text("SELECT scheduled_at < now() - interval '1 day' FROM jobs.procrastinate_jobs")
        assert connection.scalar(due)
    assert [job.attempts for job in work(database, tmp_path)] == [2]


def test_jobs_of_a_collection_take_turns_and_wait_once(
    database: Engine, tmp_path: Path, collection: str
) -> None:
    start_job(database, "reindex", collection)
    with pytest.raises(Busy, match="waits already"):
        start_job(database, "reindex", collection)
    start_job(database, "verify", collection)
    jobs = work(database, tmp_path)
    assert [job.state for job in jobs] == ["done", "done"]
    second, first = jobs
    assert first.ended_at is not None
    assert second.started_at is not None
    assert first.ended_at <= second.started_at


def test_a_waiting_job_is_cancelled_and_begun_again(
    database: Engine, tmp_path: Path, collection: str
) -> None:
    number = start_job(database, "reindex", collection)
    cancel_job(database, number)
    assert get_job(database, number).state == "cancelled"
    with pytest.raises(InvalidRequest, match="is cancelled"):
        cancel_job(database, number)
    again = retry_job(database, number)
    assert again != number
    work(database, tmp_path)
    assert get_job(database, again).state == "done"
    with pytest.raises(InvalidRequest, match="is done"):
        retry_job(database, again)
    for ask in (get_job, cancel_job, retry_job):
        with pytest.raises(JobNotFound):
            ask(database, 10**6)


def test_documents_of_a_folder_come_by_a_job(database: Engine, tmp_path: Path, collection: str) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("# A\n\nBread is baked.")
    (folder / "b.pdf").write_bytes(b"this is no PDF")
    start_job(database, "ingest", collection, path=str(folder), sync=True)
    (job,) = work(database, tmp_path)
    assert job.state == "done"
    made = result(job, IngestResult)
    assert (made.added, made.failed) == (1, 1)
    assert made.failures[0].name == "b.pdf"


def test_an_archive_in_any_encoding_comes_by_a_job(database: Engine, tmp_path: Path, collection: str) -> None:
    (tmp_path / "a.tgz").write_bytes(packed({"a.txt": "Киты поют".encode("cp866"), "b.exe": b"x"}))
    start_job(database, "ingest", collection, path=str(tmp_path / "a.tgz"), encoding="cp866")
    (job,) = work(database, tmp_path)
    made = result(job, IngestResult)
    assert (made.added, made.failed) == (1, 0)
    assert {note.text for note in made.notes} == {"read as cp866, as was asked for", "passed over: 1 .exe"}


def test_a_running_job_is_cancelled(database: Engine, tmp_path: Path, collection: str) -> None:
    many(database, collection, 60)
    before = live(database)
    with worker(database, tmp_path):
        number = start_job(database, "reindex", collection, **SLOW)
        eventually(lambda: get_job(database, number).progress.step == "embedding passages")
        cancel_job(database, number)
        eventually(lambda: get_job(database, number).state == "cancelled")
    assert live(database) == before
    assert get_job(database, number).log[-1].endswith("what was done is kept")
    assert verify(database, tmp_path).sound


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_job_whose_worker_was_ended_is_taken_up_by_the_next(
    database: Engine, tmp_path: Path, collection: str, end: signal.Signals
) -> None:
    many(database, collection, 60)
    number = start_job(database, "reindex", collection, **SLOW)

    def embedded() -> int:
        with database.connect() as connection:
            statement = "SELECT count(*) FROM passages WHERE embedding IS NOT NULL AND generation_id > 1"
            return int(connection.execute(text(statement)).scalar_one())

    with worker(database, tmp_path) as process:
        eventually(lambda: embedded() > 0)
        process.send_signal(end)
        process.wait(30)
    kept = embedded()
    assert get_job(database, number).state in ("running", "waiting")
    with worker(database, tmp_path):
        eventually(lambda: get_job(database, number).state == "done")
    job = get_job(database, number)
    assert job.attempts == 2
    made = result(job, ReindexResult)
    assert made.embedded <= made.passages - kept  # nothing was embedded twice
    assert live(database) == [made.generation]


def test_a_collection_that_is_written_to_becomes_searchable(
    database: Engine, tmp_path: Path, embedder: Embedder
) -> None:
    """The first build, then additions, then a build when the generation is outgrown: all by the worker."""
    with Session(database) as session:
        number = ensure_collection(session, "new", embedder.space.model).id
        session.commit()
    lend_dictionary(embedder.space.model, tmp_path)
    engine = SearchEngine(database, tmp_path)

    def found() -> int:
        response = engine.search(SearchRequest("whales"), collection="new", limit=1)
        return response.total

    with worker(database, tmp_path):
        many(database, "new", 3, model=embedder.space.model)
        eventually(lambda: bool(live(database, "new")))
        first = live(database, "new")
        assert found() == 3
        many(database, "new", 10)
        eventually(lambda: found() == 10)
        assert live(database, "new") == first
        many(database, "new", 150)
        eventually(lambda: live(database, "new") != first)
        assert found() == 150
        with Session(database) as session:
            delete_documents(session, number, ["d0"])
            session.commit()
        assert found() == 149


def test_a_build_that_failed_is_not_begun_again_and_again(database: Engine, tmp_path: Path) -> None:
    with Session(database) as session:
        number = ensure_collection(session, "new", "no/such-model").id
        session.commit()
    ingest(database, number, [document(1)], Reporter(database))
    keeper = Keeper(database)
    keeper.catch_up()
    work_off(database, tmp_path)
    keeper.catch_up()
    assert [job.state for job in list_jobs(database)].count("waiting") == 0
    assert list_jobs(database)[0].state == "failed"
    ingest(database, number, [document(2)], Reporter(database))
    keeper.catch_up()
    assert list_jobs(database)[0].state == "waiting"


def test_a_collection_that_cannot_be_kept_up_says_why_and_holds_up_no_other(
    database: Engine, embedder: Embedder, tmp_path: Path
) -> None:
    """The model of one was removed from this machine after its generation was built."""
    for name in ("a", "b"):
        build(database, tmp_path, embedder, name, [document(each) for each in range(5)])
    with Session(database) as session:
        session.execute(
            update(GenerationRow)
            .where(GenerationRow.collection_id == find_collection(session, "a").id)
            .values(recipe=GenerationRow.recipe.op("||")(cast({"model": "gone/model"}, JSONB)))
        )
        session.commit()
    keeper = Keeper(database, retry_seconds=0)
    for name in ("a", "b"):
        many(database, name, 6)
    keeper.catch_up()
    engine = SearchEngine(database, tmp_path)
    assert engine.search(SearchRequest("whales"), collection="b").total == 6
    with Session(database) as session:
        assert "gone/model" in find_collection(session, "a").trouble
        assert not find_collection(session, "b").trouble
        recipe = GenerationRow.recipe.op("||")(cast({"model": embedder.space.model}, JSONB))
        session.execute(update(GenerationRow).values(recipe=recipe))
        session.commit()
    keeper.catch_up()
    with Session(database) as session:
        assert not find_collection(session, "a").trouble
