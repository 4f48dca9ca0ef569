"""Collections as a whole: renamed, described, copied, deleted, whoever is at them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from indexer.build.builder import Build
from indexer.build.generations import list_generations
from indexer.collections import (
    MAX_DESCRIPTION,
    MAX_TITLE,
    About,
    copy_collection,
    delete_collection,
    describe_collection,
    rename_collection,
)
from indexer.documents import ingest
from indexer.jobs.queue import get_job, start_job
from indexer.pipeline import make_searchable
from indexer.presets.store import list_presets, save_preset
from indexer.progress import Reporter
from search.browse.collections import collection_info, collections
from search.db.locks import build_lock, reading_lock, shared
from search.db.lookup import find_collection
from search.embedding.embedder import Embedder, load_embedder
from search.engine.engine import SearchEngine
from search.errors import Busy, CollectionNotFound, InvalidRequest
from search.query.request import SearchRequest
from search.query.steering import parse
from tests.support.building import build, document, many, write
from tests.support.reading import read

pytestmark = [pytest.mark.database, pytest.mark.sql]


@pytest.fixture
def engine(database: Engine, tmp_path: Path, small_embedder: Embedder) -> SearchEngine:
    """An engine on two collections of five documents, "a" and "b"."""
    for name in ("a", "b"):
        build(database, tmp_path, small_embedder, name, [document(number) for number in range(5)])
    return SearchEngine(database, tmp_path)


def found(engine: SearchEngine, collection: str) -> int:
    return engine.search(SearchRequest("whales"), collection=collection).total


def names(engine: SearchEngine) -> list[str]:
    return [info.name for info in collections(engine)]


def rows(database: Engine) -> dict[str, int]:
    tables = ("documents", "passages", "generations", "dictionaries", "presets", "features", "families")
    with database.connect() as connection:
        return {
            name: int(connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one())
            for name in tables
        }


def test_a_renamed_collection_is_the_same_one(engine: SearchEngine) -> None:
    save_preset(engine, "a", "wet", parse("concept:the sea:1"))
    assert found(engine, "a") == 5
    rename_collection(engine.database, "a", "new-name")
    assert names(engine) == ["b", "new-name"]
    assert found(engine, "new-name") == 5
    assert [preset.name for preset in read(engine, "new-name", list_presets)] == ["wet"]
    with pytest.raises(CollectionNotFound, match="'a'"):
        found(engine, "a")


@pytest.mark.parametrize(
    "change",
    [
        lambda database: rename_collection(database, "a", "b"),
        lambda database: copy_collection(database, "a", "b"),
        lambda database: rename_collection(database, "a", "No name"),
        lambda database: copy_collection(database, "a", ""),
        lambda database: rename_collection(database, "a", "-x"),
        lambda database: describe_collection(database, "a", About(description="x" * (MAX_DESCRIPTION + 1))),
        lambda database: describe_collection(database, "a", About(description="nul\0")),
        lambda database: describe_collection(database, "a", About(title="x" * (MAX_TITLE + 1))),
        lambda database: describe_collection(database, "a", About(title="\ud800")),
    ],
)
def test_what_cannot_be_done_changes_nothing(database: Engine, change: Callable[[Engine], None]) -> None:
    for name in ("a", "b"):
        write(database, name, [document(1)])
    with pytest.raises(InvalidRequest):
        change(database)
    with Session(database) as session:
        assert (find_collection(session, "a").title, find_collection(session, "a").description) == ("", "")
        assert find_collection(session, "b").description == ""


def test_a_description_is_one_line(database: Engine, tmp_path: Path) -> None:
    write(database, "a", [document(1)])
    describe_collection(database, "a", About(description="  Notes on\n whales "))
    engine = SearchEngine(database, tmp_path)
    assert collection_info(engine, "a").description == "Notes on whales"
    joined = "By \N{WOMAN}\u200d\N{ROCKET}"  # a joiner, as Persian needs too, is no control character
    describe_collection(database, "a", About(description=joined))
    assert collection_info(engine, "a").description == joined
    describe_collection(database, "a", About(description=""))
    assert collection_info(engine, "a").description == ""


def test_what_is_not_said_stays(database: Engine, tmp_path: Path) -> None:
    write(database, "a", [document(1)])
    describe_collection(database, "a", About("A  title", "Whales"))
    describe_collection(database, "a", About(description="Seas"))
    info = collection_info(SearchEngine(database, tmp_path), "a")
    assert (info.title, info.description) == ("A title", "Seas")
    describe_collection(database, "a", About(title=""))
    info = collection_info(SearchEngine(database, tmp_path), "a")
    assert (info.title, info.description) == ("", "Seas")


def test_a_copy_has_the_settings_and_nothing_else(
    engine: SearchEngine, small_embedder: Embedder, tmp_path: Path
) -> None:
    with Session(engine.database) as session:
        number = find_collection(session, "a").id
    reporter = Reporter(engine.database)
    narrow = load_embedder(small_embedder.space.model, "float32", dimensions=16)
    Build(engine.database, tmp_path, narrow, reporter).run(number, passage_tokens=32, index="rabitq")
    describe_collection(engine.database, "a", About("On whales", "Whales"))
    copy_collection(engine.database, "a", "copy")
    info = collection_info(engine, "copy")
    assert (info.state, info.documents) == ("empty", 0)
    assert (info.title, info.description) == ("On whales", "Whales")
    copied = many(engine.database, "copy", 3)
    make_searchable(engine.database, tmp_path, copied, reporter)
    with Session(engine.database) as session:
        recipe = list_generations(session, "copy")[0].recipe
    assert (recipe.model, recipe.dimensions) == (small_embedder.space.model, 16)
    assert (recipe.passage_tokens, recipe.index) == (32, "rabitq")


def test_a_deleted_collection_leaves_nothing_and_others_stay(engine: SearchEngine, tmp_path: Path) -> None:
    save_preset(engine, "a", "wet", parse("concept:the sea:1"))
    before = rows(engine.database)
    folders = set((tmp_path / "generations").iterdir())
    assert found(engine, "a") == found(engine, "b") == 5
    assert delete_collection(engine.database, tmp_path, "a") == 5
    after = rows(engine.database)
    assert {name: count * 2 for name, count in after.items() if name != "presets"} == {
        name: count for name, count in before.items() if name != "presets"
    }
    assert after["presets"] == 0
    assert len(set((tmp_path / "generations").iterdir())) == len(folders) - 1
    assert names(engine) == ["b"]
    assert found(engine, "b") == 5
    with pytest.raises(CollectionNotFound, match="'a'"):
        found(engine, "a")
    with pytest.raises(CollectionNotFound):
        delete_collection(engine.database, tmp_path, "a")


def test_a_name_that_was_deleted_may_be_used_again(
    engine: SearchEngine, small_embedder: Embedder, tmp_path: Path
) -> None:
    assert found(engine, "a") == 5
    delete_collection(engine.database, tmp_path, "a")
    build(engine.database, tmp_path, small_embedder, "a", [document(number) for number in range(2)])
    assert found(engine, "a") == 2


def test_a_search_under_way_ends_with_its_answer(engine: SearchEngine, tmp_path: Path) -> None:
    with engine.reader("a") as reader:
        with pytest.raises(Busy, match="being read"):
            delete_collection(engine.database, tmp_path, "a")
        assert reader.search(SearchRequest("whales")).total == 5
    assert delete_collection(engine.database, tmp_path, "a") == 5


def test_who_follows_changes_finds_a_deleted_collection_no_more(engine: SearchEngine, tmp_path: Path) -> None:
    assert found(engine, "a") == 5
    engine.snapshots.follow()
    try:
        delete_collection(engine.database, tmp_path, "a")
        with pytest.raises(CollectionNotFound):
            found(engine, "a")
        assert found(engine, "b") == 5
    finally:
        engine.snapshots.end()


@pytest.mark.parametrize("lock", [build_lock, reading_lock])
def test_a_collection_that_is_being_built_or_read_into_is_left_alone(
    database: Engine, tmp_path: Path, lock: Callable[[int], str]
) -> None:
    number = write(database, "a", [document(1)])
    with shared(database, lock(number)):
        with pytest.raises(Busy, match="built or read into"):
            delete_collection(database, tmp_path, "a")
        with pytest.raises(Busy, match="built or read into"):
            rename_collection(database, "a", "b")
    assert delete_collection(database, tmp_path, "a") == 1


def set_state(database: Engine, job: int, state: str) -> None:
    with database.begin() as connection:
        connection.execute(text("SET LOCAL search_path = jobs"))  # triggers name tables without a schema
        connection.execute(
            text(
                "UPDATE procrastinate_jobs SET status = CAST(:state AS procrastinate_job_status) "
                "WHERE id = :id"
            ),
            {"id": job, "state": state},
        )


def test_jobs_that_wait_are_cancelled_and_one_that_runs_refuses(database: Engine, tmp_path: Path) -> None:
    write(database, "a", [document(1)])
    number = start_job(database, "reindex", "a")
    with pytest.raises(Busy, match=f"Job {number}"):
        rename_collection(database, "a", "b")
    set_state(database, number, "doing")
    with pytest.raises(Busy, match=f"Job {number}"):
        delete_collection(database, tmp_path, "a")
    waiting = start_job(database, "verify", "a")
    set_state(database, number, "failed")
    delete_collection(database, tmp_path, "a")
    assert get_job(database, waiting).state == "cancelled"


def test_documents_that_come_for_a_deleted_collection_are_refused(database: Engine, tmp_path: Path) -> None:
    number = write(database, "a", [document(1)])
    delete_collection(database, tmp_path, "a")
    with pytest.raises(CollectionNotFound, match="deleted meanwhile"):
        ingest(database, number, [document(2)], Reporter(database))


def test_collections_are_listed_page_by_page(database: Engine, tmp_path: Path) -> None:
    for name in ("b", "a-b", "a", "a0", "c"):
        write(database, name, [document(1)])
    engine = SearchEngine(database, tmp_path)
    seen: list[str] = []
    while page := collections(engine, after=seen[-1] if seen else "", limit=2):
        seen += [info.name for info in page]
    assert seen == sorted(seen) == ["a", "a-b", "a0", "b", "c"]
