"""Suggestions while typing: topics and titles of what is there, now."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from indexer.labels.edit import edit_label
from indexer.sources import SourceDocument
from search.browse.suggestions import MOST, suggest
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.errors import InvalidPage
from tests.support.building import build, document, work_off, write
from tests.support.notes import documents
from tests.support.reading import read

pytestmark = pytest.mark.database


def titles(engine: SearchEngine, typed: str) -> list[str]:
    found = read(engine, "c", suggest, typed).suggestions
    return [each.text for each in found if each.kind == "title"]


def test_titles_follow_the_documents(database: Engine, tmp_path: Path, small_embedder: Embedder) -> None:
    odd = SourceDocument("odd", "Tide\n  <b>tables</b> " + "long " * 100, "Bread.", None, {})
    build(database, tmp_path, small_embedder, "c", [*(document(n) for n in range(12)), odd])
    engine = SearchEngine(database, tmp_path)
    assert len(titles(engine, "title")) == MOST
    assert titles(engine, "title 1") == ["Title 1", "Title 10", "Title 11"]
    assert titles(engine, "TABLES")[0].startswith("Tide <b>tables</b> long")
    write(database, "c", [SourceDocument("new", "Title of the new one", "It is new.", None, {})])
    work_off(database, tmp_path)
    assert titles(engine, "title of") == ["Title of the new one"]
    write(database, "c", [SourceDocument("new", "Another name", "It is new.", None, {})])
    work_off(database, tmp_path)
    assert titles(engine, "title of") == []
    assert titles(engine, "") == titles(engine, "x" * 10_000) == titles(engine, "(.*)+$") == []


def test_topics_are_those_that_tell_something_here(engine: SearchEngine) -> None:
    with engine.reader("manual") as reader:
        snapshot = reader.snapshot
        telling = int(max(snapshot.telling.nonzero()[0], key=lambda f: snapshot.passages_F[f]))
        silent = int((snapshot.passages_F == 0).nonzero()[0][0])
        told, untold = (suggest(reader, snapshot.labels[f].text) for f in (telling, silent))
    assert telling in [each.feature for each in told.suggestions]
    assert silent not in [each.feature for each in untold.suggestions]
    assert len({each.text.casefold() for each in told.suggestions}) == len(told.suggestions)


def test_a_label_by_hand_is_suggested_at_once(
    database: Engine, tmp_path: Path, small_embedder: Embedder
) -> None:
    build(database, tmp_path, small_embedder, "c", documents())
    engine = SearchEngine(database, tmp_path)
    with engine.reader("c") as reader:
        feature = next(iter(reader.snapshot.telling.nonzero()[0].tolist()))
    assert read(engine, "c", suggest, "quite unheard").suggestions == []
    edit_label(database, "c", feature, "Quite unheard of")
    engine.snapshots.renew("c")
    assert [each.feature for each in read(engine, "c", suggest, "quite unheard").suggestions] == [feature]


@pytest.mark.parametrize("limit", [0, MOST + 1])
def test_a_limit_out_of_range_is_refused(engine: SearchEngine, limit: int) -> None:
    with pytest.raises(InvalidPage):
        read(engine, "manual", suggest, "a", limit=limit)
