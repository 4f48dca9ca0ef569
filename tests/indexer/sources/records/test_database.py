"""The rows of a table or query are documents; nothing is written, and no password shown."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from indexer.sources import SourceDocument, open_source
from indexer.sources.records.database import source_name
from search.errors import SourceError


@pytest.fixture
def address(tmp_path: Path) -> str:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute(
            'CREATE TABLE "odd name" (id INTEGER, title TEXT, body TEXT, price NUMERIC, raw BLOB)'
        )
        rows = [
            (1, "Whales", "Whales sing.", 2.5, b"x"),
            (2, None, "Bats 100% hunt: loud.", 3, None),
            (3, "x", None, 1, None),
        ]
        connection.executemany('INSERT INTO "odd name" VALUES (?, ?, ?, ?, ?)', rows)
    connection.close()
    return f"sqlite:///{tmp_path / 'a.db'}"


def read(address: str, **options: Any) -> list[Any]:
    return list(open_source(address, **options))


def test_rows_of_a_table_are_documents(address: str) -> None:
    whales, bats, nothing = read(address, table="odd name")
    assert whales == SourceDocument("1", "Whales", "Whales sing.", meta={"price": 2.5})
    assert (bats.id, bats.text, bats.meta) == ("2", "Bats 100% hunt: loud.", {"price": 3})
    assert (nothing.name, "it has no text" in nothing.reason) == ("row 3", True)


def test_a_query_is_taken_as_it_is_written(address: str) -> None:
    query = """SELECT id, body AS text, 'a:b%s' AS tag, id FROM "odd name" WHERE body LIKE '%: loud.'"""
    (found,) = read(address, query=query)
    assert (found.id, found.text, found.meta) == ("2", "Bats 100% hunt: loud.", {"tag": "a:b%s", "id_2": 2})


def test_columns_are_named(address: str) -> None:
    query = 'SELECT id, title AS called, body AS words FROM "odd name" WHERE id = 1'
    (found,) = read(address, query=query, title_column="called", text_column="words")
    assert (found.title, found.text) == ("Whales", "Whales sing.")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "not said"),
        ({"table": "a", "query": "b"}, "twice"),
        ({"table": "nowhere"}, "no such table: nowhere"),
        ({"query": "SELEC"}, "syntax error"),
        ({"query": 'SELECT id FROM "odd name"'}, "no column for the text"),
        ({"table": "odd name", "id_column": "key"}, "no column 'key'"),
        ({"query": 'DELETE FROM "odd name"'}, "readonly"),
        ({"query": 'DROP TABLE "odd name"'}, "readonly"),
    ],
)
def test_what_cannot_be_read_says_why_and_changes_nothing(
    address: str, options: dict[str, str], reason: str
) -> None:
    with pytest.raises(SourceError, match=reason):
        read(address, **options)
    assert len(read(address, table="odd name")) == 3


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no database"):
        read(f"sqlite:///{tmp_path / 'b.db'}", table="a")
    assert not (tmp_path / "b.db").exists()


@pytest.mark.parametrize(
    "address", ["mssql+pyodbc://doe:s3cret@h/d", "oracle://doe:s3cret@h/d", "nosuch://doe:s3cret@h/d"]
)
def test_a_missing_driver_is_named_with_what_to_install(address: str) -> None:
    with pytest.raises(SourceError, match="pip install") as raised:
        read(address, table="a")
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://doe:s3cret@127.0.0.1:1/d?password=s3cret",
        "postgresql://doe:s3cret@[h/d",
        "postgres://doe:s3cret@h:x/d",
    ],
)
def test_no_password_is_shown(address: str) -> None:
    with pytest.raises(SourceError) as raised:
        read(address, table="a")
    assert "s3cret" not in str(raised.value)


def test_sources_are_named_without_their_password() -> None:
    named = source_name("postgresql://doe:s3cret@h/d?password=s3cret", None, "notes")
    assert named == "postgresql://doe:***@h/d/notes"
    assert source_name("sqlite:///a.db", "SELECT 1", None) != source_name("sqlite:///a.db", "SELECT 2", None)


@pytest.mark.database
def test_values_of_all_types_are_metadata_and_nothing_can_be_written(database: Engine) -> None:
    address = database.url.render_as_string(hide_password=False)
    query = """
        SELECT n AS id, 'Whale ' || n AS text, 1.50::numeric AS price, date '2024-05-01' AS day,
        '{"a": [1]}'::jsonb AS extra, array['x', 'y'] AS tags, 'a'::bytea AS raw, true AS good,
        'b6a2b7a0-0000-0000-0000-000000000000'::uuid AS key, 'NaN'::numeric AS odd, '100%' AS share
        FROM generate_series(1, 1200) AS n
    """
    found = read(address, query=query)
    assert (len(found), found[0].id, found[-1].text) == (1200, "1", "Whale 1200")
    assert found[0].meta == {
        "price": 1.5, "day": "2024-05-01", "extra": {"a": [1]}, "tags": ["x", "y"], "good": True,
        "key": "b6a2b7a0-0000-0000-0000-000000000000", "odd": None, "share": "100%",
    }  # fmt: skip
    with pytest.raises(SourceError):
        read(
            address,
            query="WITH gone AS (DELETE FROM collections RETURNING name) SELECT name AS text FROM gone",
        )
    with database.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
