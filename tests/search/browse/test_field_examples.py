"""Conditions that search tips show are of fields that the collection has, and find documents of it."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from indexer.sources import SourceDocument
from search.browse.field_examples import FieldExamples, field_examples
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.query.filters import format_filter
from search.query.request import SearchRequest
from tests.support.building import build
from tests.support.reading import read

pytestmark = pytest.mark.database


def examples(database: Engine, data: Path, embedder: Embedder, meta: list[dict[str, Any]]) -> FieldExamples:
    documents = [
        SourceDocument(str(n), f"Note {n}", f"Owls of {n} islands.", None, each)
        for n, each in enumerate(meta)
    ]
    build(database, data, embedder, "c", documents)
    return read(SearchEngine(database, data), "c", field_examples)


def shown(found: FieldExamples) -> list[str | None]:
    return [
        None if each is None else format_filter(each) for each in (found.one, found.several, found.between)
    ]


def test_each_form_is_shown_with_a_field_that_has_it_and_finds_something(
    database: Engine, tmp_path: Path, small_embedder: Embedder
) -> None:
    kinds = ["page", "page", "letter", "letter", "page", "long " * 30]
    meta = [{"kind": kinds[n % 6], "file": f"f{n}", "year": 1990 + n} for n in range(12)]
    found = examples(database, tmp_path, small_embedder, [*meta, {}])
    assert shown(found) == ["kind:page", "kind:page,letter", "year:1993..1998"]
    engine = SearchEngine(database, tmp_path)
    for condition in (found.one, found.several, found.between):
        assert condition is not None
        assert engine.search(SearchRequest("owls", filters=(condition,)), collection="c").results


def test_of_a_collection_without_fields_there_are_none(
    database: Engine, tmp_path: Path, small_embedder: Embedder
) -> None:
    assert examples(database, tmp_path, small_embedder, [{}, {}]) == FieldExamples()


def test_a_field_of_one_value_has_no_range_and_no_choice(
    database: Engine, tmp_path: Path, small_embedder: Embedder
) -> None:
    found = examples(database, tmp_path, small_embedder, [{"lang": "en", "year": 2001}] * 3)
    assert shown(found) == ["lang:en", None, None]
