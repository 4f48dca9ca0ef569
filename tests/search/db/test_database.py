"""The database may lie behind a pooler, and may be a copy that only reads."""

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, create_engine, select, text
from sqlalchemy.orm import Session

from api.auth.keys import create_key, find_key
from indexer.jobs.queue import list_jobs, start_job
from search.db import listener
from search.db.connection import direct, is_read_only, open_session
from search.db.database import connect, dispose
from search.db.models import GenerationRow
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.errors import ReadOnly
from search.index.generation_files import INDEX_FILE
from search.query.request import SearchRequest
from tests.support.building import build, document, work_off, write
from tests.support.programs import free_port, listening, program

NOBODY = 65534

CONFIGURATION = """
[databases]
{database} = {server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
auth_type = any
pool_mode = transaction
default_pool_size = 3
unix_socket_dir =
"""


@contextlib.contextmanager
def pooled(folder: Path, url: URL) -> Iterator[URL]:
    """The address of a database behind a PgBouncer that pools transactions, and runs as a user of its own
    where we are root: it has to reach the folder."""
    bouncer, port = program("pgbouncer"), free_port()
    parts = {"host": url.query.get("host") or url.host, "port": url.port, "user": url.username}
    server = " ".join(f"{name}={value}" for name, value in parts.items() if value)
    file = folder / "pgbouncer.ini"
    file.write_text(CONFIGURATION.format(database=url.database, server=server, port=port))
    place = Path(str(parts["host"]))
    runs_as = place.stat().st_uid if place.is_absolute() else NOBODY
    as_user = {"user": runs_as} if os.getuid() == 0 else {}
    folder.chmod(0o755)
    with listening([bouncer, "--quiet", str(file)], port, **as_user):
        yield url.set(host="127.0.0.1", port=port, query={})


@pytest.fixture
def url(new_database: Callable[[], contextlib.AbstractContextManager[URL]]) -> Iterator[URL]:
    with new_database() as made:
        yield made


@pytest.fixture
def behind(url: URL, open_folder: Callable[[], Path]) -> Iterator[Engine]:
    """A database behind a pooler, whose own address is known."""
    with pooled(open_folder(), url) as address:
        engine = connect(address, url)
        try:
            yield engine
        finally:
            dispose(engine)


def test_behind_a_pooler_a_collection_is_built_by_a_job_and_searched(
    behind: Engine, tmp_path: Path, small_embedder: Embedder
) -> None:
    build(behind, tmp_path, small_embedder, "c", [document(number) for number in range(12)])
    write(behind, "c", [document(99)], model=small_embedder.space.model)
    start_job(behind, "reindex", "c")
    work_off(behind, tmp_path)
    assert [job.state for job in list_jobs(behind)] == ["done"]
    engine = SearchEngine(behind, tmp_path)
    with engine.reader("c") as reader:
        assert reader.search(SearchRequest(query=document(99).title or ""), limit=20).total == 13


def test_behind_a_pooler_changes_are_heard(behind: Engine) -> None:
    with listener.listening(behind) as wait, Session(behind) as session:
        listener.notify(session)
        session.commit()
        begun = time.monotonic()
        wait(30)
        assert time.monotonic() - begun < 29  # it was woken, however late


def test_behind_a_pooler_nothing_is_prepared(behind: Engine) -> None:
    for _ in range(20):  # psycopg prepares what is asked for often
        with behind.connect() as one, behind.connect() as other:
            assert one.scalar(text("SELECT 1")) == other.scalar(text("SELECT 1")) == 1
    with direct(behind).connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM pg_prepared_statements")) == 0


def test_a_pooler_without_the_servers_own_address_is_warned_of(
    url: URL, open_folder: Callable[[], Path], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), pooled(open_folder(), url) as address:
        dispose(connect(address))
        assert "DATABASE_DIRECT_URL" in caplog.text
        caplog.clear()
        dispose(connect(url))
        assert caplog.text == ""


def refuse_writing(url: URL) -> None:
    """Makes a database only read, for connections from now on."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"ALTER DATABASE {url.database} SET default_transaction_read_only = on"))
    engine.dispose()


@pytest.fixture
def reading(url: URL) -> Iterator[Engine]:
    """A database that only reads."""
    refuse_writing(url)
    engine = connect(url)
    try:
        yield engine
    finally:
        dispose(engine)


def test_a_database_that_only_reads_takes_keys_without_noting_their_use(url: URL) -> None:
    writing = create_engine(url)
    with Session(writing) as session:
        key = create_key(session, "a reader", "search")
        session.commit()
    writing.dispose()
    refuse_writing(url)
    engine = connect(url)
    assert is_read_only(engine)
    with open_session(engine) as session:
        found = find_key(session, key)
        session.commit()
        assert found is not None
        assert found.used_at is None
    dispose(engine)


def test_what_only_reads_makes_files_that_it_cannot_record(
    url: URL, tmp_path: Path, small_embedder: Embedder
) -> None:
    """A generation of before there were other files than its index gets them at each start."""
    writing = create_engine(url)
    build(writing, tmp_path / "its own", small_embedder, "c", [document(number) for number in range(3)])
    with Session(writing) as session:
        generation = session.scalars(select(GenerationRow)).one()
        generation.files = {INDEX_FILE: generation.files[INDEX_FILE]}
        session.commit()
    writing.dispose()
    refuse_writing(url)
    engine = connect(url)
    try:
        answer = SearchEngine(engine, tmp_path / "a copy").search(SearchRequest("whales"), collection="c")
        assert len(answer.results) == 3
    finally:
        dispose(engine)


def test_a_change_where_nothing_is_written_is_refused_by_name(reading: Engine) -> None:
    def change() -> None:
        with open_session(reading) as session:
            create_key(session, "another", "search")
            session.commit()

    with pytest.raises(ReadOnly, match="only reads"):
        change()


def test_where_nothing_is_written_changes_are_looked_for(reading: Engine) -> None:
    with listener.listening(reading) as wait:
        begun = time.monotonic()
        wait(60)
        assert time.monotonic() - begun < 50
