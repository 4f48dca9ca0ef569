"""Snapshots in memory: what changed is read again, what did not is kept, and a build is loaded before it is
live."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from indexer.build.builder import Build
from indexer.build.catch_up import CatchUp
from indexer.build.generations import roll_back
from indexer.documents import delete_documents
from indexer.labels.edit import edit_label
from indexer.presets.store import save_preset
from indexer.progress import Reporter
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.errors import CollectionNotFound, NotIndexed
from search.index.snapshot_manager import SnapshotManager
from search.query.request import SearchRequest
from search.query.steering import parse
from search.responses.collections import Progress
from tests.support.building import build, document, eventually, many, write

pytestmark = pytest.mark.database


@pytest.fixture
def number(database: Engine, tmp_path: Path, small_embedder: Embedder) -> int:
    build(database, tmp_path, small_embedder, "c", [document(each) for each in range(5)])
    return many(database, "c", 5)


@pytest.mark.usefixtures("number")
def test_what_did_not_change_is_the_same_object(database: Engine, tmp_path: Path) -> None:
    snapshots = SnapshotManager(database, tmp_path)
    assert snapshots.held("c") is None
    first = snapshots.of("c")
    assert snapshots.of("c") is first
    assert snapshots.held("c") is first


def test_two_installations_on_one_database_search_alike_and_leave_each_others_files_as_they_are(
    database: Engine, tmp_path: Path, number: int
) -> None:
    folders = [tmp_path, tmp_path / "other"]
    first, second = (SearchEngine(database, folder) for folder in folders)

    def answers() -> list[list[tuple[str, float]]]:
        asked = SearchRequest("Whale number 3")
        found = (engine.search(asked, collection="c").results for engine in (first, second))
        return [[(each.document.id, each.score) for each in results] for results in found]

    before, after = answers()
    assert before == after != []
    written = [path for path in (tmp_path / "generations").rglob("*") if path.is_file()]
    assert written
    for path in written:
        assert (folders[1] / path.relative_to(tmp_path)).read_bytes() == path.read_bytes()
    with Session(database) as session:
        delete_documents(session, number, [before[0][0]])
        session.commit()
    changed, too = answers()
    assert changed == too
    assert {id for id, _ in changed} == {id for id, _ in before[1:]}


def test_each_change_makes_a_new_snapshot_that_shares_the_rest(
    database: Engine, tmp_path: Path, small_embedder: Embedder, number: int
) -> None:
    snapshots = SnapshotManager(database, tmp_path)
    first = snapshots.of("c")
    edit_label(database, "c", 7, "my own words")
    labelled = snapshots.of("c")
    assert labelled.labels[7].shown == "my own words" != first.labels[7].shown
    assert labelled.index is first.index
    save_preset(SearchEngine(database, tmp_path), "c", "mine", parse("7:1"))
    assert set(snapshots.of("c").presets) == {"mine"} != set(labelled.presets)
    write(database, "c", [document(5)])
    CatchUp(database, first.generation, small_embedder).run(Reporter(database))
    with Session(database) as session:
        delete_documents(session, number, ["d0", "d1"])
        session.commit()
    changed = snapshots.of("c")
    assert (first.documents, changed.documents) == (5, 4)  # who holds the first still searches what it was
    assert changed.labels is snapshots.of("c").labels
    assert changed.generation == first.generation


def test_a_flip_there_and_back_is_followed(
    database: Engine, tmp_path: Path, small_embedder: Embedder, number: int
) -> None:
    snapshots = SnapshotManager(database, tmp_path)
    first = snapshots.of("c")
    built = Build(database, tmp_path, small_embedder, Reporter(database)).run(number, passage_tokens=24)
    second = snapshots.of("c")
    assert second.generation == built.generation != first.generation
    assert second.passages > first.passages
    assert roll_back(database, "c") == first.generation
    assert snapshots.of("c").generation == first.generation


def test_while_changes_are_followed_an_access_asks_nothing_and_sees_them_soon(
    database: Engine, tmp_path: Path, small_embedder: Embedder, number: int
) -> None:
    snapshots = SnapshotManager(database, tmp_path)
    snapshots.follow()
    try:
        first = snapshots.of("c")
        edit_label(database, "c", 7, "my own words")
        eventually(lambda: snapshots.of("c").labels[7].shown == "my own words")
        ahead: list[int] = []

        def watch(progress: Progress) -> None:
            """A build waits, when it is ready, until it is loaded."""
            if progress.step == "checking the index" and not ahead:
                eventually(lambda: bool(snapshots._ahead))
                ahead.extend(snapshots._ahead)

        Build(database, tmp_path, small_embedder, Reporter(database, watch)).run(number)
        eventually(lambda: snapshots.of("c").generation != first.generation)
        assert ahead == [snapshots.of("c").generation]
        eventually(lambda: not snapshots._ahead)
        roll_back(database, "c")
        eventually(lambda: snapshots.of("c").generation == first.generation)
        with database.begin() as connection:
            connection.execute(text("UPDATE collections SET name = 'other'"))
        write(database, "other", [document(9)])
        eventually(lambda: snapshots.held("c") is None and snapshots.held("other") is not None)
    finally:
        snapshots.end()


def test_what_is_not_there_or_has_no_index_is_told(database: Engine, tmp_path: Path) -> None:
    snapshots = SnapshotManager(database, tmp_path)
    with pytest.raises(CollectionNotFound):
        snapshots.of("c")
    write(database, "c", [document(1)])
    with pytest.raises(NotIndexed):
        snapshots.of("c")
