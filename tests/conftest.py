"""What tests share: a real PostgreSQL with a fresh database for each test that asks, the real model, and
one really indexed collection."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("REFRACT_PROCESSES", "1")  # each loads torch; tests that are about several say so

import contextlib
import itertools
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import URL, Engine, create_engine, text

from indexer.sources import SourceDocument, open_source
from indexer.sources.python_docs.pydoc import MIN_CHARACTERS
from search.db.connection import server_url
from search.db.database import open_database
from search.db.migrations import migrate
from search.embedding.embedder import Embedder, load_embedder
from search.engine.engine import SearchEngine
from search.settings import Settings
from tests.support.building import build
from tests.support.commands import serving
from tests.support.databases import Databases, connected
from tests.support.indexed import COLLECTION, Indexed, built_or_restored
from tests.support.milvus import SmallMilvus, small_milvus
from tests.support.model import make_small_model
from tests.support.notes import Notes, served_notes
from tests.support.receiver import Receiver, receiving

DOCUMENTS = 400

# No test fails for a time: the machine may be busy.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

NEEDS = {
    **dict.fromkeys(("server", "open_folder"), "database"),
    **dict.fromkeys(("embedder", "small_embedder", "small_model"), "model"),
}
"""What a test needs that uses a fixture, as a marker."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Runs a process more than there are cores: each waits a third of its time, for servers and workers."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    ours = getattr(os, "sched_getaffinity", None)  # macOS has no such thing
    return 1 + (len(ours(0)) if ours else os.cpu_count() or 1)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks a test by what it needs, before `-m` chooses."""
    for marker in {NEEDS[name] for name in _fixtures(item) & NEEDS.keys()}:
        item.add_marker(marker)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts tests of the indexed collection last: one of the processes that share the list begins there and
    builds it, while the others have other tests."""
    items.sort(key=lambda item: "indexed" in _fixtures(item))


def _fixtures(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))


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
            _forgo_durability(engine)
            yield engine.url


@pytest.fixture(scope="session")
def template(server: URL) -> Iterator[str]:
    """The name of a migrated database that others are cloned from."""
    name = f"refract_template_{os.getpid()}"
    with connected(server) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        engine = create_engine(server.set(database=name))
        migrate(engine)
        engine.dispose()
        yield name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def new_database(
    server: URL, template: str
) -> Iterator[Callable[[], contextlib.AbstractContextManager[URL]]]:
    """Lends migrated, empty databases."""
    databases = Databases(server, template)
    yield databases.lent
    databases.close()


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
    """Some hundreds of real documents: the beginning of the documentation of the running Python, without what
    it says in a line."""
    found = (item for item in open_source(None, "pydoc") if isinstance(item, SourceDocument))
    return list(itertools.islice((item for item in found if not _is_a_line(item)), DOCUMENTS))


def _is_a_line(document: SourceDocument) -> bool:
    """Whether there is little beside the signature, a line of its own."""
    head, _, rest = document.text.partition("\n\n")
    has_signature = head.startswith(f"{document.id}(") and "\n" not in head
    return len(rest if has_signature else document.text) < MIN_CHARACTERS


@pytest.fixture(scope="session")
def small_embedder(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    """A small model, for tests that are not about what an embedding says."""
    return load_embedder(str(make_small_model(tmp_path_factory.mktemp("models"))), "float32")


@pytest.fixture(scope="session")
def indexed(
    new_database: Callable[[], contextlib.AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
    documents: list[SourceDocument],
) -> Iterator[Indexed]:
    """A collection made by the real pipeline. Tests read it and leave it as it is."""
    data = tmp_path_factory.mktemp("data")
    with new_database() as url:
        database = create_engine(url)
        try:
            make = partial(build, database, data, load_embedder(), COLLECTION, documents)
            report = built_or_restored(pytestconfig.rootpath, database, data, make)
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


@pytest.fixture(scope="session")
def library(
    new_database: Callable[[], contextlib.AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    small_embedder: Embedder,
) -> Iterator[Notes]:
    """A private server with a small collection, for programs and agents."""
    with new_database() as url:
        database = create_engine(url)
        try:
            with served_notes(database, tmp_path_factory.mktemp("notes"), small_embedder) as served:
                yield served
        finally:
            database.dispose()


def _forgo_durability(engine: Engine) -> None:
    """Lets a server not wait for the disk: what tests store need not outlive a power cut."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver of webhooks, on an address that the setting names."""
    with receiving() as server:
        monkeypatch.setenv("REFRACT_WEBHOOKS", server.url)
        yield server


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallMilvus]:
    """A Milvus server. Tests stop no such one that others use."""
    with small_milvus(tmp_path_factory.mktemp("milvus") / "data") as server:
        yield server
