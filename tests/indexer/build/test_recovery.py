"""What goes away comes back: a database server that is killed or restarted, a disk that is full."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from api.auth.keys import create_key
from indexer.build.verify import verify
from indexer.documents import delete_documents, ingest
from indexer.jobs.queue import cancel_job, get_job, retry_job, start_job
from indexer.jobs.worker import Keeper
from indexer.progress import Reporter
from search.db.database import open_database
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.settings import Settings
from tests.support.apps import app_of
from tests.support.building import build, document, eventually, many, work_off

MEBIBYTE = 1 << 20


@pytest.fixture
def folder(open_folder: Callable[[], Path]) -> Path:
    return open_folder()


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 160 MiB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=160M,mode=755", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("A SMALL FILE SYSTEM CANNOT BE MOUNTED HERE: FULL DISKS ARE NOT TESTED.")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextlib.contextmanager
def collection(data: Path, embedder: Embedder) -> Iterator[Engine]:
    """A collection of five documents on a server of its own."""
    with open_database(Settings(data=data, database_url=None)) as database:
        build(database, data, embedder, "c", [document(number) for number in range(5)])
        yield database


def stop_server(data: Path, signal: signal.Signals) -> None:
    os.kill(int((data / "postgres" / "postmaster.pid").read_text().split()[0]), signal)


def current(database: Engine) -> set[str]:
    """The ids of all documents."""
    with database.connect() as connection:
        rows = connection.exec_driver_sql("SELECT external_id FROM documents WHERE superseded IS NULL")
        return {row[0] for row in rows}


def fill(disk: Path, left: int) -> Path:
    """Leaves so many bytes on a disk; gives the file that takes up the rest."""
    state = os.statvfs(disk)
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        for _ in range((state.f_bavail * state.f_frsize - left) // MEBIBYTE):
            file.write(b"x" * MEBIBYTE)
    return ballast


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT], ids=["killed", "fast shutdown"])
def test_a_server_that_stops_under_load_comes_back_and_so_do_searches(
    folder: Path, embedder: Embedder, stop: signal.Signals
) -> None:
    """Three clients search and one writes meanwhile: each answer is whole or says that the database is away,
    and every write that was acknowledged is found."""
    with collection(folder, embedder) as database:
        engine = SearchEngine(database, folder)
        engine.snapshots.follow()
        with Session(database) as session:
            key = create_key(session, "k", "write")
            session.commit()
        client = TestClient(app_of(engine), headers={"Authorization": f"Bearer {key}"})
        ended = Event()
        found: Counter[tuple[int, str]] = Counter()
        written: list[str] = []

        def ask() -> int:
            # A question that was asked before is answered without the database.
            query = f"whales -title:x{found.total()}"
            answer = client.get("/v1/search", params={"q": query, "collection": "c", "limit": 100})
            found[answer.status_code, answer.json().get("error", {}).get("code", "")] += 1
            return int(answer.json().get("total", 0))

        def search() -> None:
            while not ended.is_set():
                assert ask() in (0, 5)

        def write() -> None:
            while not ended.wait(0.05):
                name = f"new{found.total()}"
                text = {"text": f"Robots of kind {name} write."}
                if client.put(f"/v1/documents/{name}", params={"collection": "c"}, json=text).is_success:
                    written.append(name)

        with ThreadPoolExecutor(4) as pool:
            works = [pool.submit(search) for _ in range(3)] + [pool.submit(write)]
            try:
                eventually(lambda: len(written) > 3)
                stop_server(folder, stop)
                eventually(lambda: found[503, "store_unavailable"] > 0)
                there, answered = len(written), found[200, ""]
                eventually(lambda: len(written) > there + 3 and found[200, ""] > answered + 3)
            finally:
                ended.set()
            for work in works:
                work.result()
        assert set(found) == {(200, ""), (503, "store_unavailable")}
        Keeper(database).catch_up()
        there_now = current(database)
        assert {*written} <= there_now
        eventually(lambda: ask() == len(there_now))
        engine.snapshots.end()
        assert verify(database, folder).sound


@pytest.mark.parametrize("left", [4 * MEBIBYTE, 10 * MEBIBYTE])
def test_a_full_disk_stops_writes_and_loses_none_that_was_acknowledged(
    small_disk: Path, embedder: Embedder, left: int
) -> None:
    """With 4 MiB left a table cannot grow; with 10 the server's own log cannot, and it ends."""
    data = small_disk / "data"
    with collection(data, embedder) as database:
        with Session(database) as session:
            key = create_key(session, "k", "write")
            session.commit()
        engine = SearchEngine(database, data)
        client = TestClient(app_of(engine), headers={"Authorization": f"Bearer {key}"})
        ballast = fill(small_disk, left)
        acknowledged = []
        for number in range(1000):
            body = {"text": os.urandom(50_000).hex()}
            answer = client.put(f"/v1/documents/big{number}", params={"collection": "c"}, json=body)
            if answer.status_code != 200:
                break
            acknowledged.append(f"big{number}")
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "store_unavailable"
        assert "No space left" in answer.text or "connection" in answer.text
        ballast.unlink()
        eventually(lambda: client.delete(f"/v1/documents/{acknowledged[0]}?collection=c").status_code == 200)
        there = current(database)
        assert {*acknowledged[1:]} <= there
        assert acknowledged[0] not in there


def test_a_job_on_a_full_disk_fails_with_the_reason_and_goes_on_later(
    small_disk: Path, embedder: Embedder
) -> None:
    data = small_disk / "data"
    with collection(data, embedder) as database:
        many(database, "c", 100)
        number = start_job(database, "reindex", "c", passage_tokens=16)
        waiting = start_job(database, "verify", "c")
        ballast = fill(small_disk, 64 << 10)
        cancel_job(database, waiting)  # a cancel takes no room worth mentioning
        assert get_job(database, waiting).state == "cancelled"
        with contextlib.suppress(OperationalError):
            work_off(database, data)
        job = get_job(database, number)
        assert job.state in ("failed", "waiting", "running")
        assert "No space left" in (job.reason or "") or any("No space left" in line for line in job.log)
        ballast.unlink()

        def is_done() -> bool:
            if get_job(database, number).state == "failed":
                retry_job(database, number)
            work_off(database, data)
            return get_job(database, number).state == "done"

        eventually(is_done)
        assert verify(database, data).sound


def test_a_clock_that_was_set_back_disturbs_nothing(
    database: Engine, tmp_path: Path, embedder: Embedder
) -> None:
    """Order is by numbers from one sequence, never by the clock: times from the future change nothing."""
    build(database, tmp_path, embedder, "c", [document(number) for number in range(3)])
    with database.begin() as connection:
        for column in ("created_at", "live_at"):
            connection.exec_driver_sql(f"UPDATE generations SET {column} = now() + interval '10 years'")
    engine = SearchEngine(database, tmp_path)
    number = engine.snapshot("c").collection_id
    ingest(database, number, [document(3)], Reporter(database))
    with Session(database) as session:
        delete_documents(session, number, ["d0"])
        session.commit()
    Keeper(database).catch_up()
    assert engine.snapshot("c").documents == 3
    build(database, tmp_path, embedder, "c", [document(4)])
    assert engine.snapshot("c").documents == 4
