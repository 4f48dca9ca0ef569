"""Every route of the description, for every kind of caller: whatever is sent, no answer breaks the contract.

CONTRACT_EXAMPLES=200 sends so many to each route, and other ones each time.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import URL, create_engine
from sqlalchemy.orm import Session

from api.app import create_app
from api.auth.keys import create_key
from indexer.collections import set_private
from indexer.presets.store import save_preset
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.query.steering import parse
from tests.support.building import build, write
from tests.support.notes import documents

pytestmark = pytest.mark.database

GIVEN = os.environ.get("CONTRACT_EXAMPLES")
EXAMPLES = int(GIVEN or 5)
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

THERE: dict[str, list[Any]] = {
    "collection": ["notes", "hidden", "empty"],
    "document": ["biology/mitosis", "sea/1"],
    "first": ["biology/mitosis"],
    "second": ["sea/2"],
    "id": ["sea/3"],
    "ids": [["sea/3", "sea/4"]],
    "like": [["biology/mitosis"]],
    "feature": [1, 7],
    "preset": ["cells"],
    "name": ["cells", "empty"],
    "q": ["cells", 'cells -"whales" lang:en'],
    "job": [1],
    "kind": ["verify", "reindex", "evaluate", "learn"],
    "judge": ["write"],
    "question": ["how do cells divide"],
}
"""Values of which there is something, by the names of parameters and fields: chance alone finds none. What
routes may rename or delete as a whole is "empty"."""


@pytest.fixture(scope="module")
def callers(
    new_database: Callable[[], contextlib.AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    small_embedder: Embedder,
) -> Iterator[tuple[FastAPI, dict[str, dict[str, str]]]]:
    """An application with a collection, two that have no index, one of them private, and what each kind of
    caller sends."""
    data = tmp_path_factory.mktemp("data")
    with new_database() as url:
        database = create_engine(url)
        build(database, data, small_embedder, "notes", documents())
        write(database, "empty", [])
        write(database, "hidden", [])
        set_private(database, "hidden", private=True)
        engine = SearchEngine(database, data)
        save_preset(engine, "notes", "cells", parse("concept:cells:1"), description="")
        with Session(database) as session:
            keys = {scope: create_key(session, scope, scope) for scope in ("search", "write", "admin")}
            keys["one collection"] = create_key(session, "one", "write", collections=["notes"])
            keys["a part"] = create_key(session, "part", "search", filters=["lang:en"])
            session.commit()
        keys["wrong"] = "rf_wrong"
        headers = {caller: {"Authorization": f"Bearer {key}"} for caller, key in keys.items()}
        yield create_app(engine), {"nobody": {}, **headers}
        database.dispose()


@st.composite
def met(draw: st.DrawFn, cases: "st.SearchStrategy[schemathesis.Case[Any]]") -> "schemathesis.Case[Any]":
    """Cases, in half of which some values are of something that is there."""
    case = draw(cases)
    parts: list[Any] = [case.path_parameters, case.query, case.body]
    for part in parts:
        for name in sorted(THERE.keys() & part.keys()) if isinstance(part, dict) else ():
            if draw(st.booleans()):
                part[name] = draw(st.sampled_from(THERE[name]))
    return case


def test_whatever_anybody_sends_no_answer_breaks_the_contract(
    callers: tuple[FastAPI, dict[str, dict[str, str]]],
) -> None:
    app, sent_by = callers
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == sum(len(methods) for methods in app.openapi()["paths"].values())
    # Whoever deletes or renames goes last.
    for operation in sorted(operations, key=lambda each: each.method.upper() in ("DELETE", "PATCH")):

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            derandomize=not GIVEN,
        )
        @given(met(operation.as_strategy()))
        def send(case: "schemathesis.Case[Any]") -> None:
            for headers in sent_by.values():
                response = case.call(headers=headers, timeout=120)
                case.validate_response(response, checks=CHECKS)
                waits = response.status_code == 503 and response.json()["error"]["code"] == "not_indexed"
                assert response.status_code < 500 or waits, response.text[:500]

        send()
