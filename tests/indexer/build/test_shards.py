"""Shards are cut once, taken by one after the other, and stored once."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from indexer.build.passage_rows import create_partition
from indexer.build.retention import drop_generation
from indexer.build.shards import Shard, Shards
from indexer.documents import ensure_collection
from search.db.models import GenerationRow, PassageRow
from search.db.recipe import Recipe
from search.settings import DEFAULT_MODEL
from tests.support.building import document, write

pytestmark = [pytest.mark.database, pytest.mark.sql]


@pytest.fixture
def shards(database: Engine) -> Shards:
    """Five passages in shards of two."""
    number = write(database, "c", [document(0)])
    with Session(database) as session:
        assert ensure_collection(session, "c", DEFAULT_MODEL).id == number
        recipe = Recipe(model="m", precision="float32", max_tokens=256)
        generation = GenerationRow(collection_id=number, recipe=recipe, seq=1)
        session.add(generation)
        session.flush()
        create_partition(session, generation.id)
        for each in range(5):
            row = {"generation_id": generation.id, "id": each, "document_id": 1, "start": 0, "end": 1}
            session.add(PassageRow(**row, sha256=b""))
        found = Shards(database, generation.id, "a step")
        found.cut(session, [4, 3, 2, 1, 0], 2)
    return found


def embeddings(shards: Shards) -> list[bytes | None]:
    with Session(shards.database) as session:
        return list(session.scalars(select(PassageRow.embedding).order_by(PassageRow.id)))


def test_a_step_is_cut_once(shards: Shards) -> None:
    with Session(shards.database) as session:
        shards.cut(session, [0, 1, 2, 3, 4], 1)
    assert shards.take() == Shard(0, [4, 3])
    assert shards.take() == Shard(1, [2, 1])
    assert shards.take() == Shard(2, [0])


def test_what_others_have_begun_comes_last_and_only_to_who_asks(shards: Shards) -> None:
    taken = [shards.take() for _ in range(3)]
    assert shards.take() is None
    assert [shards.take(again=True) for _ in range(3)] == taken
    assert shards.take(again=True) == taken[0]  # the one begun the longest ago
    assert taken[1] is not None
    shards.give_back(taken[1])
    assert shards.take() == taken[1]


def test_what_is_stored_first_stays(shards: Shards) -> None:
    shard = shards.take()
    assert shard is not None
    assert shards.store(shard, ("embedding",), [(4, b"4"), (3, b"3")])
    assert not shards.store(shard, ("embedding",), [(4, b"x"), (3, b"x")])
    assert embeddings(shards) == [None, None, None, b"3", b"4"]
    state = shards.state()
    assert (state.passages, state.done, state.left, state.untaken) == (5, 2, 2, 2)


def test_who_comes_back_to_a_generation_that_is_gone_stores_nothing(shards: Shards, tmp_path: Path) -> None:
    shard = shards.take()
    assert shard is not None
    with Session(shards.database) as session:
        drop_generation(session, tmp_path, shards.generation)
    assert not shards.store(shard, ("embedding",), [(4, b"4"), (3, b"3")])
    assert shards.take(again=True) is None
    assert shards.state().left == 0
