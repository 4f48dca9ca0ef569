"""Metadata in memory: which values there are, of what kind, and how many of any documents have each."""

import json
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, text

from indexer.documents import delete_documents
from indexer.sources import SourceDocument
from search.db.connection import open_session
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.filtering.doc_values import MOST_FIELDS, DocValues, read_doc_values
from search.filtering.field_values import LONGEST, MOST, same
from tests.support.building import build, write

pytestmark = pytest.mark.database

METAS: list[dict[str, Any]] = [
    {"year": 1990, "lang": "en", "when": "2020-05-17"},
    {"year": 1990.0, "lang": "EN", "tags": ["a", "b", "a"]},
    {"year": 2001, "lang": None, "ok": True, "deep": {"a": 1}},
    {"note": "x" * (LONGEST + 1), "page": "x" * (MOST + 1), "blank": "", "when": "soon"},
    {"authors": [{"name": "Doe", "born": 1950}, {"name": "Roe"}], "İl": "İzmir", "shelf": ["7", ["8"]]},
]


@pytest.fixture
def engine(database: Engine, tmp_path: Any, small_embedder: Embedder) -> SearchEngine:
    documents = [
        SourceDocument(str(number), f"Title {number}", f"Whale number {number} sings.", None, meta)
        for number, meta in enumerate(METAS)
    ]
    build(database, tmp_path, small_embedder, "c", documents)
    return SearchEngine(database, tmp_path)


def read(engine: SearchEngine, database: Engine, before: DocValues | None = None) -> DocValues:
    with open_session(database) as session:
        return read_doc_values(session, engine.snapshot("c"), before)


def counted(metadata: DocValues, rows: list[int]) -> dict[tuple[str, str], int]:
    counts_V = metadata.counts(metadata.documents_R[rows])
    return {value: int(counts_V[number]) for value, number in metadata.values.items() if counts_V[number]}


def test_values_are_counted_for_any_documents(engine: SearchEngine, database: Engine) -> None:
    metadata = read(engine, database)
    assert counted(metadata, [0, 1, 2, 3]) == {
        ("year", "1990"): 2,  # 1990.0 is the same number
        ("year", "2001"): 1,
        ("lang", "en"): 2,  # in whatever case
        ("tags", "a"): 1,  # once, however often it is said
        ("tags", "b"): 1,
        ("when", "2020-05-17"): 1,
        ("when", "soon"): 1,
        ("ok", "true"): 1,
        ("deep.a", "1"): 1,
        ("note", same("x" * (LONGEST + 1))): 1,
    }
    assert counted(metadata, [4]) == {
        ("authors.name", "doe"): 1,
        ("authors.name", "roe"): 1,
        ("authors.born", "1950"): 1,
        ("İl", "izmir"): 1,
        ("shelf", "7"): 1,
        ("shelf", "8"): 1,
    }
    assert metadata.several == {"tags", "authors.name", "shelf"}
    assert counted(metadata, [1, 3]) == {
        ("year", "1990"): 1,
        ("lang", "en"): 1,
        ("tags", "a"): 1,
        ("tags", "b"): 1,
        ("when", "soon"): 1,
        ("note", same("x" * (LONGEST + 1))): 1,
    }
    assert metadata.written[metadata.values["lang", "en"]] == ("en", "text", True)  # as it was first written


def test_fields_have_the_kinds_of_their_values(engine: SearchEngine, database: Engine) -> None:
    assert dict(read(engine, database).kinds) == {
        "year": {"number"},
        "lang": {"text"},
        "when": {"date", "text"},
        "tags": {"text"},
        "ok": {"boolean"},
        "deep": {"object"},
        "deep.a": {"number"},
        "note": {"text"},
        "page": {"text"},
        "blank": {"text"},
        "authors": {"object"},
        "authors.name": {"text"},
        "authors.born": {"number"},
        "İl": {"text"},
        "shelf": {"number"},
    }


def test_fields_and_values_of_documents_that_are_gone_are_forgotten(
    engine: SearchEngine, database: Engine, small_embedder: Embedder, tmp_path: Any
) -> None:
    first = read(engine, database)
    many = {"object": {f"field{number}": number for number in range(1500)}}
    write(database, "c", [SourceDocument("wide", "", "Whales dive.", None, many)])
    build(database, tmp_path, small_embedder, "c", [])
    wide = read(engine, database, first)
    assert "object.field7" in wide.kinds
    with open_session(database) as session:
        delete_documents(session, engine.snapshot("c").collection_id, ["wide"])
        session.commit()
    after = read(engine, database, wide)
    every = list(range(len(first.documents_R)))
    assert dict(after.kinds) == dict(first.kinds)
    assert counted(after, every) == counted(first, every)
    assert (after.several, after.has_RV.shape) == (first.several, first.has_RV.shape)


def test_of_a_document_that_was_stored_without_bounds_the_first_fields_are_known(
    engine: SearchEngine, database: Engine
) -> None:
    meta = json.dumps({f"field{number}": number for number in range(10 * MOST_FIELDS)})
    with database.begin() as connection:
        statement = "UPDATE documents SET meta = cast(:meta AS jsonb) WHERE external_id = '0'"
        connection.execute(text(statement), {"meta": meta})
    known = read(engine, database)
    assert len(known.kinds) <= MOST_FIELDS + 20
    assert ("lang", "en") in known.values  # those of others are there


def test_only_new_documents_are_read_again(
    engine: SearchEngine, database: Engine, small_embedder: Embedder, tmp_path: Any
) -> None:
    first = read(engine, database)
    assert read(engine, database, first) is first
    added = SourceDocument("new", "", "Whales dive.", None, {"lang": "de", "year": 1990})
    write(database, "c", [added])
    build(database, tmp_path, small_embedder, "c", [])
    both, anew = read(engine, database, first), read(engine, database)
    assert np.array_equal(both.documents_R, anew.documents_R)
    assert both.values["lang", "en"] == first.values["lang", "en"]  # numbers stay
    every = list(range(len(anew.documents_R)))
    assert counted(both, every) == counted(anew, every)
    assert counted(both, every)["lang", "de"] == 1
