"""The collection that requests go to that name none stays the same."""

from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexer.collections import copy_collection, delete_collection, rename_collection
from indexer.default_collection import choose_default, ensure_default
from search.db.models import CollectionRow
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.errors import CollectionNotFound
from tests.support.building import build, document

pytestmark = [pytest.mark.database, pytest.mark.sql]

FIVE = [document(number) for number in range(5)]


def test_the_default_is_the_first_that_could_be_searched_until_another_is_chosen(
    database: Engine, tmp_path: Path, small_embedder: Embedder
) -> None:
    engine = SearchEngine(database, tmp_path)
    assert engine.default_collection() == "default"  # before there is any
    build(database, tmp_path, small_embedder, "manual", FIVE)
    for name in ("a", "default"):  # whoever may write makes others, of whatever name
        build(database, tmp_path, small_embedder, name, FIVE)
        assert engine.default_collection() == "manual"
    rename_collection(database, "manual", "zz")
    assert engine.default_collection() == "zz"
    choose_default(database, "default")
    assert engine.default_collection() == "default"
    copy_collection(database, "default", "copy")
    assert engine.default_collection() == "default"
    with pytest.raises(CollectionNotFound, match="'none'"):
        choose_default(database, "none")
    delete_collection(database, tmp_path, "default")
    assert engine.default_collection() == "zz"  # the oldest that can be searched
    build(database, tmp_path, small_embedder, "zz", FIVE)
    assert engine.default_collection() == "zz"


def test_a_collection_that_cannot_be_searched_is_no_default_by_itself(
    database: Engine, tmp_path: Path
) -> None:
    with Session(database) as session:
        session.add(CollectionRow(name="waiting", model="m"))
        session.flush()
        ensure_default(session)
        session.commit()
    assert SearchEngine(database, tmp_path).default_collection() == "default"
