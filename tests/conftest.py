"""What tests share: a real PostgreSQL with a fresh database for each test that asks, the real model, and
one really indexed collection."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import contextlib
import itertools
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, create_engine, text
from sqlalchemy.orm import Session

from indexer.build.builder import Build, BuildReport
from indexer.documents import ensure_collection, ingest
from indexer.jobs.worker import run_worker
from indexer.progress import Reporter
from indexer.sources import Failure, SourceDocument, open_source
from search.db.connection import server_url
from search.db.database import open_database
from search.db.migrations import migrate
from search.embedding.embedder import Embedder, load_embedder
from search.engine.engine import SearchEngine
from search.settings import DEFAULT_MODEL, Settings

DOCUMENTS = 400
COLLECTION = "manual"


@dataclass(frozen=True)
class Indexed:
    """A collection that went through the whole pipeline."""

    database: Engine
    data: Path
    collection: str
    report: BuildReport
    documents: list[SourceDocument]


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Callable[[], Path]]:
    """Makes temporary folders for embedded servers, which run as a user of their own where we are root:
    pytest's own folders are closed to others whenever another pytest starts."""
    with contextlib.ExitStack() as stack:
        yield lambda: Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="refract-")))


@pytest.fixture(scope="session")
def server(open_folder: Callable[[], Path]) -> Iterator[URL]:
    """A PostgreSQL server: the one of DATABASE_URL, else an embedded one of its own."""
    if given := os.environ.get("DATABASE_URL"):
        yield server_url(given)
    else:
        settings = Settings(data=open_folder(), database_url=None)
        with open_database(settings) as engine:
            yield engine.url


@pytest.fixture(scope="session")
def template(server: URL) -> Iterator[str]:
    """The name of a migrated database that others are cloned from."""
    name = f"refract_template_{os.getpid()}"
    with _database(server, name) as url:
        engine = create_engine(url)
        migrate(engine)
        engine.dispose()
        yield name


@pytest.fixture(scope="session")
def new_database(server: URL, template: str) -> Callable[[], contextlib.AbstractContextManager[URL]]:
    """Makes migrated, empty databases that are dropped at the end."""
    numbers = itertools.count()
    return lambda: _database(server, f"refract_test_{os.getpid()}_{next(numbers)}", template)


@pytest.fixture
def database(new_database: Callable[[], contextlib.AbstractContextManager[URL]]) -> Iterator[Engine]:
    """An empty database with all tables."""
    with new_database() as url:
        engine = create_engine(url)
        try:
            yield engine
        finally:
            engine.dispose()


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return load_embedder()


@pytest.fixture(scope="session")
def documents() -> list[SourceDocument]:
    """Some hundreds of real documents: the beginning of the documentation of the running Python."""
    found = itertools.islice(open_source(None, "pydoc"), DOCUMENTS)
    return [item for item in found if not isinstance(item, Failure)]


@pytest.fixture(scope="session")
def indexed(
    new_database: Callable[[], contextlib.AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    embedder: Embedder,
    documents: list[SourceDocument],
) -> Iterator[Indexed]:
    """A collection made by the real pipeline. Tests read it and leave it as it is."""
    data = tmp_path_factory.mktemp("data")
    with new_database() as url:
        database = create_engine(url)
        try:
            report = build(database, data, embedder, COLLECTION, documents)
            yield Indexed(database, data, COLLECTION, report, documents)
        finally:
            database.dispose()


@pytest.fixture(scope="session")
def engine(indexed: Indexed) -> SearchEngine:
    return SearchEngine(indexed.database, indexed.data)


@pytest.fixture(scope="session")
def served_url(indexed: Indexed) -> Iterator[str]:
    """The address of `refract serve`, a process of its own, for the indexed collection; ends with a slash."""
    database_url = indexed.database.url.render_as_string(hide_password=False)
    with serving({"DATABASE_URL": database_url, "REFRACT_DATA": str(indexed.data)}) as url:
        yield url


def build(
    database: Engine,
    data: Path,
    embedder: Embedder,
    name: str,
    documents: list[SourceDocument],
    *,
    passage_tokens: int | None = None,
) -> BuildReport:
    """Takes documents through the whole pipeline, as `refract index` does."""
    with Session(database) as session:
        collection = ensure_collection(session, name, DEFAULT_MODEL).id
        session.commit()
    reporter = Reporter(database)
    ingest(database, collection, documents, reporter)
    return Build(database, data, embedder, reporter).run(collection, passage_tokens=passage_tokens)


def work_off(database: Engine, data: Path) -> None:
    """Does all jobs that wait. In a thread: a browser that is open gives this one an event loop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(run_worker, database, data, wait=False).result()


@contextlib.contextmanager
def serving(environment: dict[str, str]) -> Iterator[str]:
    """Runs `refract serve` without a worker on a free port until the block ends; gives its address."""
    with served(environment, "--no-worker") as (url, _):
        yield url


@contextlib.contextmanager
def served(environment: dict[str, str], *options: str) -> Iterator[tuple[str, str]]:
    """Runs `refract serve` on a free port until the block ends; gives its address and the admin's link."""
    command = [sys.executable, "-m", "api.cli.main", "serve", "--port", "0", *options]
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        lines = [process.stdout.readline() for _ in range(2)]
        assert all("http://" in line for line in lines), process.stderr.read()
        yield lines[0].split()[3], lines[1].split()[2]
    finally:
        process.terminate()
        process.communicate(timeout=30)


@contextlib.contextmanager
def _database(server: URL, name: str, template: str = "template0") -> Iterator[URL]:
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    try:
        yield server.set(database=name)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        admin.dispose()
