"""A dump that somebody edited by hand gets nothing in but what a dump holds, and is refused in one line."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine, text
from sqlalchemy.orm import Session

from indexer.backup.dump import dump
from indexer.backup.manifest import MANIFEST
from indexer.backup.restore import restore
from indexer.labels.edit import edit_label
from indexer.presets.store import save_preset
from indexer.progress import Reporter
from search.db.models import DocumentRow, FamilyRow, FeatureMatchRow, KeyRow
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.errors import SourceError
from search.query.steering import parse
from tests.support.building import build, document, write

pytestmark = [pytest.mark.database, pytest.mark.sql]

Rows = list[dict[str, str]]
Edit = Callable[[Rows], None]


@pytest.fixture(scope="module")
def whole(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    small_embedder: Embedder,
) -> Iterator[Path]:
    """A dump with something of every kind."""
    data = tmp_path_factory.mktemp("whole")
    with new_database() as url:
        database = create_engine(url)
        build(database, data, small_embedder, "c", [document(number) for number in range(3)])
        write(database, "beside", [document(9)])
        edit_label(database, "c", 7, "by hand")
        save_preset(SearchEngine(database, data), "c", "wet", parse("5:1"))
        with Session(database) as session:
            session.add(KeyRow(name="k", scope="search", sha256=b"k" * 32))
            session.add(FamilyRow(dictionary_id=1, family=1, name="all", features=[1, 2], weights=[1.0, 0.5]))
            values = {"old_dictionary": 9, "old_feature": 1, "feature": 2, "confidence": 0.5}
            session.add(FeatureMatchRow(dictionary_id=1, **values))
            session.query(DocumentRow).update({"url": "https://x/1"})
            session.commit()
        path = data / "whole.dump"
        dump(database, path, Reporter(database))
        database.dispose()
        yield path


@pytest.fixture(scope="module")
def target(new_database: Callable[[], AbstractContextManager[URL]]) -> Iterator[Engine]:
    """An empty database, which stays one: what is refused leaves nothing."""
    with new_database() as url:
        database = create_engine(url)
        yield database
        database.dispose()


def edited(whole: Path, path: Path, table: str, edit: Edit, **manifest: Any) -> Path:
    """A copy of a dump with other rows in a table, and all sums right."""
    with zipfile.ZipFile(whole) as before, zipfile.ZipFile(path, "w") as after:
        told = json.loads(before.read(MANIFEST)) | manifest
        for member in told["members"]:
            content = before.read(member["name"])
            if member["table"] == table:
                lines = content.decode().splitlines()
                rows = [dict(zip(member["columns"], line.split("\t"), strict=True)) for line in lines]
                edit(rows)
                content = "".join("\t".join(row.values()) + "\n" for row in rows).encode()
                member |= {"rows": len(rows), "size": len(content)}
                member["sha256"] = hashlib.sha256(content).hexdigest()
            after.writestr(member["name"], content)
        after.writestr(MANIFEST, json.dumps(told))
    return path


def with_table(whole: Path, path: Path, table: str, row: dict[str, str]) -> Path:
    """A copy of a dump with a row for a table besides."""
    content = ("\t".join(row.values()) + "\n").encode()
    member = {"name": "more.copy", "table": table, "columns": [*row], "rows": 1, "size": len(content)}
    with zipfile.ZipFile(whole) as before, zipfile.ZipFile(path, "w") as after:
        told = json.loads(before.read(MANIFEST))
        for each in told["members"]:
            after.writestr(each["name"], before.read(each["name"]))
        after.writestr("more.copy", content)
        told["members"].append({**member, "sha256": hashlib.sha256(content).hexdigest()})
        after.writestr(MANIFEST, json.dumps(told))
    return path


def refused(database: Engine, path: Path) -> str:
    """Why a dump is not restored, in one line; nothing is left of it."""
    with pytest.raises(SourceError) as error:
        restore(database, path.parent, path, Reporter(database))
    assert "\n" not in str(error.value)
    with database.connect() as connection:
        for table in ("collections", "documents", "keys", "sessions", "passages"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 0
    return str(error.value)


def as_they_are(rows: Rows) -> None:
    del rows


def put(column: str, value: str) -> Edit:
    def edit(rows: Rows) -> None:
        rows[0][column] = value

    return edit


def hex_of(column: str, change: Callable[[bytes], bytes]) -> Edit:
    """Changes the bytes of a column."""

    def edit(rows: Rows) -> None:
        rows[0][column] = "\\\\x" + change(bytes.fromhex(rows[0][column].removeprefix("\\\\x"))).hex()

    return edit


def test_what_was_not_edited_is_restored(whole: Path, database: Engine, tmp_path: Path) -> None:
    path = edited(whole, tmp_path / "same.dump", "keys", as_they_are)
    restore(database, tmp_path, path, Reporter(database))
    assert SearchEngine(database, tmp_path).default_collection() == "c"


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("sessions", {"sha256": "\\\\x00", "expires_at": "2030-01-01"}),
        ("job_reports", {"job_id": "1"}),
        ("alembic_version", {"version_num": "0001"}),
        ("pg_authid", {"oid": "77777", "rolname": "mallory", "rolsuper": "t"}),
        ("pg_catalog.pg_authid", {"rolname": "mallory"}),
        ("jobs.procrastinate_jobs", {"task_name": "dump"}),
        ("passages_1", {"id": "1"}),
        ("feature_stats", {"id": "1"}),
        ("", {"id": "1"}),
        ('keys"; DROP TABLE keys; --', {"id": "1"}),
    ],
)
def test_a_table_that_no_dump_holds_is_refused(
    whole: Path, target: Engine, tmp_path: Path, table: str, row: dict[str, str]
) -> None:
    assert "does not fit" in refused(target, with_table(whole, tmp_path / "more.dump", table, row))


@pytest.mark.parametrize(
    ("table", "edit", "told"),
    [
        ("collections", put("name", "../../<img src=x>"), "collection's name"),
        ("collections", put("name", "c\\nd"), "collection's name"),
        ("collections", put("title", "two\\nlines"), "title"),
        ("collections", put("description", "two\\nlines"), "description"),
        ("collections", put("first_build", '{"passage_tokens": "many"}'), "first build"),
        ("collections", put("first_build", '{"shell": "x"}'), "first build"),
        ("collections", put("id", "-5"), ""),
        ("documents", put("url", "javascript:alert(1)"), "a link is 'javascript:alert(1)'"),
        ("documents", put("url", "file:///etc/passwd"), "a link"),
        ("documents", put("external_id", ""), "document's id"),
        ("documents", put("meta", "[1]"), "metadata"),
        ("documents", put("meta", "{"), "json"),
        ("documents", put("text", "short"), "a place in a document"),
        ("documents", put("seq", str((1 << 63) - 1)), "change_seq"),
        ("dictionaries", put("card", '{"active": "x"}'), ""),
        ("dictionaries", hex_of("weights", lambda b: b[:-8]), "dictionary"),
        ("generations", put("state", "retired"), "not live"),
        ("generations", put("passages", "99"), "number of passages"),
        ("generations", put("passages", "-1"), "number of passages"),
        ("generations", put("recipe", '{"model": 5}'), ""),
        ("generations", put("id", "77"), ""),
        ("features", put("feature", str(0x7FFFFFFF)), "features name feature 2147483647"),
        ("features", put("feature", "-1"), "features name feature -1"),
        ("families", put("features", "{1,2147483647}"), "families name feature"),
        ("families", put("features", "{1}"), "weights of a family"),
        ("families", put("weights", "{1,NaN}"), "weights of a family"),
        ("families", put("parent", "1"), "family 1 is part of 1"),
        ("families", put("parent", "5"), "family 1 is part of 5"),
        ("feature_matches", put("feature", "99999999"), "feature_matches name feature"),
        ("feature_matches", put("confidence", "NaN"), "confidence"),
        ("presets", put("steering", "concept"), "preset"),
        ("presets", put("steering", "5:nan"), "preset"),
        ("keys", put("scope", "root"), "scope"),
        ("passages", hex_of("feature_ids", lambda b: b"\xff\xff\xff\x7f" + b[4:]), "beyond"),
        ("passages", hex_of("feature_ids", lambda b: b"\xff" * 4 + b[4:]), "beyond"),
        ("passages", hex_of("feature_ids", lambda b: b[:-4]), "another size"),
        ("passages", hex_of("embedding", lambda b: b[:-2]), "another size"),
        ("passages", hex_of("embedding", lambda b: b"\xff\x7f" + b[2:]), "is none"),
        ("passages", hex_of("activations", lambda b: b"\x00\x00\xc0\x7f" + b[4:]), "is none"),
        ("passages", hex_of("activations", lambda b: b"\x00\x00\x80\xbf" + b[4:]), "is none"),
        ("passages", put("embedding", "\\N"), "another size"),
        ("passages", put("id", "500"), "number of passages"),
        ("passages", put("stop", "2000000000"), "place in a document"),
        ("passages", put("start", "-1"), "place in a document"),
        ("passages", put("document_id", "4"), "place in a document"),
        ("passages", put("generation_id", "2"), ""),
    ],
)
def test_a_value_that_no_refract_writes_is_refused(
    whole: Path, target: Engine, tmp_path: Path, table: str, edit: Edit, told: str
) -> None:
    reason = refused(target, edited(whole, tmp_path / "edited.dump", table, edit))
    assert "does not fit this database" in reason
    assert told in reason


@pytest.mark.parametrize(
    "changes",
    [
        {"sequences": {"no_such_seq": 5}},
        {"sequences": {"pg_catalog.x": 5}},
        {"sequences": {"change_seq": 0}},
        {"sequences": {"change_seq": -5}},
        {"sequences": {"change_seq": (1 << 62) + 5}},
        {"sequences": {"change_seq": 1 << 80}},
        {"sequences": {"change_seq": "5"}},
        {"sequences": {"change_seq": None}},
        {"sequences": {"change_seq": [5]}},
        {"sequences": [5]},
        {"sequences": 5},
        {"revision": ""},
        {"revision": 5},
        {"revision": ["0001"]},
        {"format": -1},
        {"format": True},
        {"embeddings": "yes"},
        {"collections": "c"},
        {"collections": ["another"]},
        {"version": 5},
    ],
)
def test_a_manifest_that_no_refract_writes_is_refused(
    whole: Path, target: Engine, tmp_path: Path, changes: dict[str, Any]
) -> None:
    refused(target, edited(whole, tmp_path / "told.dump", "", as_they_are, **changes))


def test_sequences_go_on_behind_what_is_there_whatever_the_dump_says(
    whole: Path, database: Engine, tmp_path: Path
) -> None:
    path = edited(whole, tmp_path / "low.dump", "", as_they_are, sequences={"change_seq": 1})
    restore(database, tmp_path, path, Reporter(database))
    write(database, "c", [document(50)])
    write(database, "after", [document(51)])


def test_more_rows_than_are_told_of_are_refused(whole: Path, target: Engine, tmp_path: Path) -> None:
    """Behind the mark that ends them the server reads no more."""

    def end(rows: Rows) -> None:
        rows.insert(1, dict.fromkeys(rows[0], ""))
        rows[1] = {"id": "\\."}

    refused(target, edited(whole, tmp_path / "end.dump", "documents", end))


def test_what_would_fill_the_disk_is_refused(target: Engine, tmp_path: Path) -> None:
    path = tmp_path / "bomb.dump"
    size = 2 << 30
    member = {"name": "d.copy", "table": "documents", "columns": ["id"], "rows": 0, "size": size}
    told = {
        "format": 1,
        "version": "0.1.0",
        "revision": "0006",
        "made_at": "",
        "embeddings": True,
        "collections": [],
        "sequences": {},
        "members": [{**member, "sha256": "0" * 64}],
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, json.dumps(told))
        archive.writestr("d.copy", b"0")
    assert "would become 2,147,483,648" in refused(target, path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, b" " * (64 << 20) + json.dumps(told).encode())
    assert "is not what Refract writes" in refused(target, path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:  # more than it says
        archive.writestr(MANIFEST, json.dumps(told | {"members": [{**member, "size": 9, "sha256": ""}]}))
        archive.writestr("d.copy", b"0" * (64 << 20))
    assert "not what was written" in refused(target, path)
