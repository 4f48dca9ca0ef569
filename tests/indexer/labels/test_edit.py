"""Labels by hand in a real collection: written, taken away, into files and out of them, and shown at once."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine, event, select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.cli.main import app
from indexer.labels.edit import Change, HandLabel, edit_label, import_labels, list_hand_labels
from indexer.labels.file_format import LabelLine, label_line, read_label_lines
from indexer.sources import SourceDocument
from search.db.models import DictionaryRow, FeatureRow, GenerationRow
from search.dictionary.labels import NAME, NO_LABEL
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.errors import FeatureNotFound, LabelError
from search.index.passage_store import read_dictionary
from tests.support.apps import app_of
from tests.support.building import build

BAD_LINES = [
    (b"{nonsense", "not JSON"),
    (b"[1]", "no JSON object"),
    (b"\xff\xfe{}", "not UTF-8"),
    (b'{"feature": "1", "label": "x"}', "whole number"),
    (b'{"feature": true, "label": "x"}', "whole number"),
    (b'{"label": "x"}', 'neither a "name" nor a "feature"'),
    (b'{"name": "", "label": "x"}', "the name is empty"),
    (b'{"name": 5, "label": "x"}', "the name is to be text"),
    (b'{"feature": 1}', 'no "label"'),
    (b'{"feature": 1, "label": "  "}', "the label is empty"),
    (b'{"feature": 1, "label": 5}', "text"),
    (b'{"feature": 1, "label": "a\\u0000b"}', r"U\+0000"),
    (b'{"feature": 1, "label": "a\\nb"}', r"U\+000A"),
    (b'{"feature": 1, "label": "a\\ud800b"}', r"U\+D800"),
    (b'{"feature": 1, "label": "' + b"x" * 81 + b'"}', "81 characters"),
]


@pytest.mark.parametrize(("line", "word"), BAD_LINES)
def test_a_bad_line_is_refused_by_file_and_number(tmp_path: Path, line: bytes, word: str) -> None:
    path = tmp_path / "labels.jsonl"
    good = b'\xef\xbb\xbf{"feature": 1, "label": "good"}\n\n'
    path.write_bytes(good + line + b"\n")
    with pytest.raises(LabelError, match=rf"labels\.jsonl, line 3: .*{word}") as error:
        read_label_lines(path)
    assert "A line is like" in error.value.hint


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="No such file"):
        read_label_lines(tmp_path / "gone")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(label_line(3, "enzyme", "“ferments”") + label_line(4, "", "no name"), encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8").splitlines()[0]) == {
        "feature": 3,
        "name": "enzyme",
        "label": "“ferments”",
    }
    assert read_label_lines(path) == [
        LabelLine(f"{path}, line 1", "enzyme", "“ferments”"),
        LabelLine(f"{path}, line 2", 4, "no name"),
    ]


@pytest.fixture(scope="module")
def store(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    embedder: Embedder,
    documents: list[SourceDocument],
) -> Iterator[tuple[Engine, Path]]:
    """Two small collections of this module's own: its tests write into them."""
    data = tmp_path_factory.mktemp("labels")
    with new_database() as url:
        database = create_engine(url)
        short = [replace(document, text=document.text[:300]) for document in documents[:40]]
        for name in ("c", "other"):
            build(database, data, embedder, name, short[: 40 if name == "c" else 10])
        yield database, data
        database.dispose()


@pytest.fixture
def empty(store: tuple[Engine, Path]) -> Iterator[tuple[Engine, Path]]:
    """The same, and no label by hand in them."""
    yield store
    with Session(store[0]) as session:
        by_hand = {name: list_hand_labels(session, name) for name in ("c", "other")}
    for name, labels in by_hand.items():
        for each in labels:
            edit_label(store[0], name, each.feature, None)


def by_hand(database: Engine, name: str = "c") -> list[HandLabel]:
    with Session(database) as session:
        return list_hand_labels(session, name)


@pytest.mark.database
def test_a_label_edit_reads_no_passage_and_a_handful_of_rows(empty: tuple[Engine, Path]) -> None:
    database, _ = empty
    statements: list[str] = []
    rows: list[int] = []

    def heard(_: object, cursor: Any, statement: str, *__: object) -> None:
        statements.append(statement)
        rows.append(cursor.rowcount)

    event.listen(database, "after_cursor_execute", heard)
    try:
        edit_label(database, "c", 7, "my own words")
    finally:
        event.remove(database, "after_cursor_execute", heard)
    assert statements
    assert not [each for each in statements if re.search(r"(FROM|JOIN) (passages|documents)", each)]
    assert sum(rows) <= 12


@pytest.mark.database
def test_a_label_by_hand_is_shown_at_once_and_the_name_stands_again(empty: tuple[Engine, Path]) -> None:
    database, data = empty
    engine = SearchEngine(database, data)
    before = engine.snapshot("c")
    name = before.labels[7]
    change = edit_label(database, "c", 7, "  my own words ")
    assert (change.old, change.new.text) == (name, "my own words")
    seen = engine.snapshot("c")
    assert (seen.labels[7].shown, seen.labels[7].origin) == ("my own words", "hand")
    assert seen.index is before.index
    assert engine.snapshot("c") is seen
    assert by_hand(database) == [HandLabel(7, name.text, "my own words")]
    with TestClient(app_of(engine)) as client:
        page = client.get("/features/7", params={"collection": "c"}).text
    assert "<h1>my own words</h1>" in page
    assert "written by hand" in page
    assert "test the label" not in page
    assert edit_label(database, "c", 7, None) == Change(7, change.new, name)
    assert engine.snapshot("c").labels[7] == name
    assert name.origin == NAME
    with pytest.raises(LabelError, match=f"{name.text}.* was not written by hand"):
        edit_label(database, "c", 7, None)


@pytest.mark.database
def test_features_that_are_not_and_labels_that_cannot_be(empty: tuple[Engine, Path]) -> None:
    for feature in (-1, 10**6):
        with pytest.raises(FeatureNotFound, match="0 to"):
            edit_label(empty[0], "c", feature, "x")
    with pytest.raises(LabelError, match="empty"):
        edit_label(empty[0], "c", 0, " ")
    assert by_hand(empty[0]) == []


@pytest.mark.database
def test_a_file_means_the_same_names_in_another_collection(
    empty: tuple[Engine, Path], tmp_path: Path
) -> None:
    database, data = empty
    name = SearchEngine(database, data).snapshot("c").labels[11].text
    edit_label(database, "c", 11, "mine")
    edit_label(database, "c", 3, "mine too")
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(label_line(e.feature, e.name, e.label) for e in by_hand(database)))
    lines = read_label_lines(path)
    told = import_labels(database, "other", lines, dry_run=True)
    assert by_hand(database, "other") == []
    assert import_labels(database, "other", lines) == told
    assert [(change.feature, change.new.text) for change in told] == [(3, "mine too"), (11, "mine")]
    assert by_hand(database, "other") == by_hand(database)
    assert import_labels(database, "other", lines) == []
    (replaced,) = import_labels(database, "other", [LabelLine("f", name.upper(), "other words")])
    assert (replaced.old.text, replaced.new.text) == ("mine", "other words")
    assert import_labels(database, "other", [LabelLine("f", 11, "other words")]) == []
    assert SearchEngine(database, data).snapshot("other").labels[11].shown == "other words"


@pytest.mark.database
@pytest.mark.parametrize(
    ("feature", "word"),
    [
        (-1, "there is no feature -1"),
        (10**6, "there is no feature 1000000"),
        ("no such name at all", "no feature of this collection has the name 'no such name at all'"),
        (4, "feature 4 has a label in f, line 1 already"),
    ],
)
def test_of_a_file_that_does_not_fit_nothing_is_taken(
    empty: tuple[Engine, Path], feature: str | int, word: str
) -> None:
    lines = [LabelLine("f, line 1", 4, "good"), LabelLine("f, line 2", feature, "bad")]
    with pytest.raises(LabelError, match=f"f, line 2: {word}") as error:
        import_labels(empty[0], "c", lines)
    assert error.value.hint
    assert by_hand(empty[0]) == []


@pytest.mark.database
def test_labels_of_learned_features_are_read_and_written_over(
    database: Engine,
    tmp_path: Path,
    embedder: Embedder,
    documents: list[SourceDocument],
) -> None:
    build(database, tmp_path, embedder, "c", documents[:3])
    with Session(database) as session:
        live = session.scalars(select(GenerationRow).where(GenerationRow.state == "live")).one()
        kept = session.get_one(DictionaryRow, live.dictionary_id)
        learned = replace(read_dictionary(session, kept.id), names=())  # as earlier versions made them
        kept.weights, kept.card = learned.to_bytes(), learned.stored_card()
        for feature, reliable in ((1, True), (2, False)):
            row = FeatureRow(
                dictionary_id=live.dictionary_id, feature=feature, label="old", reliable=reliable
            )
            row.score = 0.7
            session.add(row)
        kept.labels_version += 1
        session.commit()
    engine = SearchEngine(database, tmp_path)
    labels = engine.snapshot("c").labels
    assert [label.shown for label in labels[:3]] == [NO_LABEL, "old", NO_LABEL]
    assert (labels[1].score, labels[1].origin) == (0.7, "offline")
    edit_label(database, "c", 1, "mine")
    assert by_hand(database) == [HandLabel(1, "", "mine")]
    assert json.loads(label_line(1, "", "mine")) == {"feature": 1, "label": "mine"}
    edit_label(database, "c", 1, None)
    assert engine.snapshot("c").labels[1].shown == NO_LABEL
    with pytest.raises(LabelError, match="has the name 'old'"):
        import_labels(database, "c", [LabelLine("f", "old", "x")])


@pytest.mark.database
def test_the_commands_say_what_they_did(
    empty: tuple[Engine, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, data = empty
    monkeypatch.setenv("DATABASE_URL", database.url.render_as_string(hide_password=False))
    monkeypatch.setenv("REFRACT_DATA", str(data))
    path = str(tmp_path / "mine.jsonl")

    def labels(*arguments: str) -> str:
        ran = CliRunner().invoke(app, ["labels", *arguments])
        assert ran.exit_code == 0, ran.output
        return " ".join(ran.output.split())

    assert "→ “my words”" in labels("edit", "7", "my words", "--collection", "c")
    assert "1 label by hand." in labels("export", "--collection", "c", "--output", path)
    assert '"label": "my words"' in labels("export", "--collection", "c")
    told = labels("import", path, "--collection", "other", "--dry-run")
    assert "→ “my words”" in told
    assert "1 would be written, 0 as before." in told
    assert "1 written, 0 as before." in labels("import", path, "--collection", "other")
    assert "Nothing changes: 1 as before." in labels("import", path, "--collection", "other")
    assert "“my words” →" in labels("edit", "7", "--clear", "--collection", "c")
    assert "0 labels by hand." in labels("export", "--collection", "c", "--output", path)
