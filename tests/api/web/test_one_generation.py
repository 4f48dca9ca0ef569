"""A page is of one generation, and asks the database a few things, however many collections there are."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import current_thread
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from indexer.build.generations import roll_back
from indexer.documents import delete_documents
from indexer.presets.store import delete_preset, save_preset
from indexer.sources import SourceDocument
from search.db.models import CollectionRow
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.engine.reader import Reader
from search.query.steering import parse
from search.shared_tables import SharedTable
from tests.support.apps import app_of
from tests.support.building import build, eventually

pytestmark = pytest.mark.database

BEFORE, AFTER = "Whales sing a song of the deep sea.", "Stars shine over the deep sea at night."
OTHER = "Bread is baked of flour in an oven."


def documents(first: str) -> list[SourceDocument]:
    return [SourceDocument("1", "One", first, None, {}), SourceDocument("2", "Two", OTHER, None, {})]


@pytest.fixture
def engine(database: Engine, tmp_path: Path, small_embedder: Embedder) -> SearchEngine:
    """A collection with an earlier generation to go back to, and a preset."""
    for text in (BEFORE, AFTER):
        build(database, tmp_path, small_embedder, "c", documents(text))
    engine = SearchEngine(database, tmp_path)
    save_preset(engine, "c", "wet", parse("concept:sea:1"))
    return engine


@pytest.fixture
def client(engine: SearchEngine) -> Iterator[TestClient]:
    with TestClient(app_of(engine)) as client:
        yield client


PAGES = [
    "/?q=deep+sea&preset=wet",
    "/?q=deep+sea&steer=concept:night:1,like:1:1",
    "/compare?q=sea&first=1&second=2",
    "/why-not?q=bread&document=1",
    "/features?q=sea",
    "/documents/1?q=sea",
    "/analyze?text=The+sea+is+deep",
]


@pytest.mark.parametrize("address", [page for page in PAGES if "analyze" not in page])  # shows no document
def test_a_page_is_of_one_generation_whatever_goes_live_meanwhile(
    database: Engine, engine: SearchEngine, client: TestClient, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flips = 0

    def flipping(method: Callable[..., Any]) -> Callable[..., Any]:
        def flipped(reader: Reader, *arguments: Any, **options: Any) -> Any:
            nonlocal flips
            roll_back(database, "c")
            engine.snapshots.renew("c")
            flips += 1
            return method(reader, *arguments, **options)

        return flipped

    def shown() -> tuple[bool, bool]:
        page = client.get(address)
        assert page.status_code == 200, page.text
        return "Whales" in page.text, "Stars" in page.text

    quiet = {}
    for _ in range(2):
        quiet[engine.snapshot("c").generation] = shown()
        roll_back(database, "c")
    for name in ("translate", "prepare", "embed", "texts"):
        monkeypatch.setattr(Reader, name, flipping(getattr(Reader, name)))
    for _ in range(2):
        flips, generation = 0, engine.snapshot("c").generation
        assert shown() == quiet[generation]
        assert flips
        if engine.snapshot("c").generation == generation:
            roll_back(database, "c")


def test_knobs_that_are_dropped_while_a_page_is_made_do_not_shift_the_others(
    database: Engine, engine: SearchEngine, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = Reader.prepare

    def dropping(reader: Reader, *arguments: Any) -> Any:
        if "wet" in engine.snapshots.renew("c").presets:
            delete_preset(engine, "c", "wet")
        with Session(database) as session:
            delete_documents(session, reader.snapshot.collection_id, ["2"])
            session.commit()
        engine.snapshots.renew("c")
        return prepare(reader, *arguments)

    monkeypatch.setattr(Reader, "prepare", dropping)
    page = client.get("/?q=sea&steer=like:2:1,concept:night:2")
    assert page.status_code == 200
    assert page.text.index("“Two”") < page.text.index("“night”")


@pytest.mark.parametrize("address", PAGES)
def test_a_page_asks_as_much_of_the_database_with_many_collections(
    database: Engine, engine: SearchEngine, client: TestClient, address: str
) -> None:
    asked: list[str] = []

    @event.listens_for(database, "before_cursor_execute")
    def note(*arguments: Any) -> None:
        limit = "SET LOCAL statement_timeout"  # each transaction says first how long it may take
        if current_thread().name != "follower" and not arguments[2].startswith(limit):
            asked.append(arguments[2])

    def queries(headers: dict[str, str] | None = None) -> int:
        client.get(address, headers=headers)  # what is kept in memory is there now
        asked.clear()
        assert client.get(address, headers=headers).status_code == 200
        return len(asked)

    engine.snapshots.follow()
    eventually(lambda: bool(engine.snapshots.private()))  # before that a page asks which there are
    try:
        dragged = {"HX-Request": "true", "HX-Trigger": "knobs"}
        before = [queries(), queries(dragged)]
        with Session(database) as session:
            session.add_all(CollectionRow(name=f"more-{n}", model="m") for n in range(9))
            session.commit()
        assert [queries(), queries(dragged)] == before
    finally:
        engine.snapshots.end()
    assert max(before) <= 7  # one names the default collection, one a document's neighbours


def test_what_one_engine_changed_another_sees_before_it_hears_of_it(
    database: Engine, engine: SearchEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = SharedTable()
    here, there = (SearchEngine(database, engine.data, changes=changes) for _ in range(2))
    assert there.snapshot("c").presets.keys() == {"wet"}
    monkeypatch.setattr(there.snapshots, "_catch_up", lambda: None)  # its notifications are late
    there.snapshots.follow()
    try:
        save_preset(here, "c", "dry", parse("concept:sea:-1"))
        assert there.snapshot("c").presets.keys() == {"wet", "dry"}
        save_preset(there, "c", "dry", parse("concept:sand:1"))
        delete_preset(here, "c", "dry")
        assert [each.snapshot("c").presets.keys() for each in (here, there)] == [{"wet"}] * 2
    finally:
        there.snapshots.end()
