"""A build is done by any number of workers, any of which may be killed: what comes out has the same bits."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import URL, Engine, create_engine, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from indexer.build.builder import Build
from indexer.build.helpers import Call, call_for_help, dismiss, this_host
from indexer.build.leading import Leader, help_with
from indexer.build.shard_work import Embedding, FindingFeatures, work_of_helper
from indexer.build.shards import Shard, Shards
from indexer.build.verify import verify
from indexer.jobs.queue import get_job, is_wanted, list_jobs, start_job
from indexer.progress import Reporter
from search.db.database import open_database
from search.db.models import EventRow, GenerationRow
from search.embedding.embedder import Embedder, load_embedder, splitter_of
from search.engine.engine import SearchEngine
from search.errors import InvalidRequest, StoreUnavailable
from search.query.request import SearchRequest
from search.settings import DEFAULT_MODEL, Settings
from tests.support.building import build, eventually, work_off, write
from tests.support.crash_trials import kill_server
from tests.support.fleet import PRECISION, SHARD, fleet, helping, made, notes, shards_done

pytestmark = [pytest.mark.database, pytest.mark.sql]

NOTES = 16 * SHARD


@pytest.fixture(scope="module")
def alone(
    new_database: Callable[[], AbstractContextManager[URL]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, str]:
    """What one process makes of the notes."""
    data = tmp_path_factory.mktemp("alone")
    with new_database() as url, pytest.MonkeyPatch.context() as patched:
        for work in (Embedding, FindingFeatures):
            patched.setattr(work, "size", SHARD)
        database = create_engine(url)
        build(database, data, load_embedder(precision=PRECISION), "c", notes(NOTES))
        found = made(database, "c")
        database.dispose()
        return found


def test_three_workers_make_the_bits_of_one(database: Engine, tmp_path: Path, alone: tuple[str, str]) -> None:
    with fleet(database, tmp_path) as started:
        started.start(3)
        write(database, "c", notes(NOTES))  # the first of them to see that builds it
        eventually(lambda: len(list_jobs(database)) == 1)
        number = list_jobs(database)[0].number
        eventually(lambda: helping(database) == 2)
        eventually(lambda: get_job(database, number).progress.workers == 3)
        eventually(lambda: get_job(database, number).state == "done")
    assert made(database, "c") == alone
    assert verify(database, tmp_path).sound
    assert [job.number for job in list_jobs(database)] == [number]
    assert shards_done(database) == 0  # they are gone with the build


def test_whoever_is_killed_costs_a_shard_and_searches_go_on(
    open_folder: Callable[[], Path], embedder: Embedder, alone: tuple[str, str]
) -> None:
    """A worker that helps, the one that leads, and the database, one after the other."""
    data = open_folder()
    with open_database(Settings(data=data, database_url=None)) as database, fleet(database, data) as started:
        before = build(database, data, embedder, "c", notes(NOTES)).generation
        with searching(database, data) as answered:
            started.start(3)
            number = start_job(database, "reindex", "c", model=DEFAULT_MODEL)
            eventually(lambda: helping(database) == 2 and shards_done(database) > 0)
            started.helper().kill()
            there = shards_done(database)
            eventually(lambda: shards_done(database) > there)
            started.leader().kill()
            eventually(lambda: get_job(database, number).attempts == 2)
            there = shards_done(database)
            eventually(lambda: shards_done(database) > there)
            kill_server(database, data)
            eventually(lambda: state(database, number) == "done")
            eventually(lambda: answered[-1] != before)
        assert len(set(answered)) == 2
        assert answered == sorted(answered)  # the one before until the new one is there, which stays
        assert made(database, "c") == alone
        assert verify(database, data).sound


def state(database: Engine, number: int) -> str:
    with contextlib.suppress(DBAPIError):
        return get_job(database, number).state
    return "not known"


@contextlib.contextmanager
def searching(database: Engine, data: Path) -> Iterator[list[int]]:
    """Searches all the time; gives the generations that answered. Only a server that is away is an excuse."""
    engine, ended, answered = SearchEngine(database, data), Event(), list[int]()
    engine.snapshots.follow()

    def search() -> None:
        while not ended.wait(0.05):
            with contextlib.suppress(StoreUnavailable):
                query = f"whales -title:x{len(answered)}"  # not one that was answered before
                found = engine.search(SearchRequest(query), collection="c", limit=5)
                assert len(found.results) == 5
                answered.append(found.generation)

    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(search)
        try:
            yield answered
        finally:
            ended.set()
            work.result()
            engine.snapshots.end()


@contextlib.contextmanager
def led(database: Engine, embedder: Embedder) -> Iterator[Call]:
    """A build of three shards that somebody leads who does nothing, and its call."""
    number = write(database, "c", notes(3 * SHARD), model=embedder.space.model)
    builder = Build(database, Path(), embedder, Reporter(database))
    with builder._alone(number), Session(database) as session:
        generation = builder._plan(number, None, None)
        shards = Shards(database, generation, Embedding.step)
        shards.cut(session, range(3 * SHARD), SHARD)
        work = work_of_helper(database, generation, Embedding.step)
        yield Call(number, generation, Embedding.step, work.sign(), "elsewhere")


def test_who_helps_does_what_nobody_has_begun(database: Engine, embedder: Embedder) -> None:
    with led(database, embedder) as call:
        shards = Shards(database, call.generation, call.step)
        assert shards.take() is not None
        assert help_with(database, call, goes_on=lambda: True, told=lambda _: None) == 2
        assert (shards.state().left, shards.state().untaken) == (1, 0)
    shards.give_back(Shard(0, []))
    assert help_with(database, call, goes_on=lambda: True, told=lambda _: None) == 0  # nobody leads


def test_who_would_make_other_bits_is_refused(database: Engine, embedder: Embedder) -> None:
    with led(database, embedder) as call:
        with pytest.raises(InvalidRequest, match="other bits"):
            help_with(database, replace(call, sign="other"), goes_on=lambda: True, told=lambda _: None)
        with Session(database) as session:
            row = session.get_one(GenerationRow, call.generation)
            row.recipe = row.recipe.model_copy(update={"device": "cuda:0"})
            session.commit()
        with pytest.raises(InvalidRequest, match="cuda:0"):
            help_with(database, call, goes_on=lambda: True, told=lambda _: None)
        assert Shards(database, call.generation, call.step).state().untaken == 3


def test_a_helper_that_fails_gives_its_shard_back(database: Engine, embedder: Embedder) -> None:
    def fails(_: int) -> None:
        raise MemoryError

    with led(database, embedder) as call:
        with pytest.raises(MemoryError):
            help_with(database, call, goes_on=lambda: True, told=fails)
        assert Shards(database, call.generation, call.step).state().untaken == 3


def test_a_call_is_answered_by_a_free_worker_and_is_no_job(
    database: Engine, tmp_path: Path, embedder: Embedder
) -> None:
    with led(database, embedder) as call:
        for _ in range(3):
            call_for_help(database, call)
        with database.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM jobs.procrastinate_jobs").scalar() == 1
        assert (list_jobs(database), is_wanted(database)) == ([], False)
        work_off(database, tmp_path)
        shards = Shards(database, call.generation, call.step)
        assert shards.state().left == 0
        with Session(database) as session:
            assert session.scalars(select(EventRow.kind).where(EventRow.kind.like("job.%"))).all() == []
        dismiss(database, call.generation)
        with database.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM jobs.procrastinate_jobs").scalar() == 0


def test_why_a_worker_cannot_help_is_told_in_the_log_of_the_job(
    database: Engine, tmp_path: Path, embedder: Embedder
) -> None:
    said: list[str] = []
    with led(database, embedder) as call:
        call_for_help(database, replace(call, sign="other"))
        work_off(database, tmp_path)
        leader = Leader(database, call.collection, call.generation, Reporter(database, say=said.append))
        splitter = splitter_of(embedder)
        leader.run(Embedding(database, call.generation, embedder, splitter, whole=False), [])
        assert Shards(database, call.generation, call.step).state().left == 0
    assert len(said) == 1
    assert this_host() in said[0]
    assert "other bits" in said[0]


def test_another_job_goes_first(database: Engine, embedder: Embedder) -> None:
    with led(database, embedder) as call:
        start_job(database, "verify", "c")
        assert is_wanted(database)
        assert help_with(database, call, goes_on=lambda: not is_wanted(database), told=lambda _: None) == 0
