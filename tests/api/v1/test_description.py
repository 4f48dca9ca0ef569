"""The API's description: what is really answered, in a form that generated clients read."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from api.app import create_app
from api.limits import READING_POSTS
from search.engine.engine import SearchEngine

NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/none"


def operations(*, private: bool) -> dict[tuple[str, str], dict[str, Any]]:
    described = described_as(private=private)
    return {
        (method.upper(), path): operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }


def described_as(*, private: bool) -> dict[str, Any]:
    engine = SearchEngine(create_engine(NOWHERE), Path("nowhere"))
    return create_app(engine, private=private).openapi()


def test_every_address_names_the_errors_that_any_may_answer_with() -> None:
    for (method, path), operation in operations(private=False).items():
        if not path.startswith("/v1"):
            continue
        named = operation["responses"].keys()
        assert {"400", "429", "503"} <= named, (method, path)
        assert "422" not in named, (method, path)
        assert ({"408", "413"} <= named) == ("requestBody" in operation), (method, path)


def test_no_choice_is_written_as_a_constant() -> None:
    written = json.dumps(described_as(private=False))
    assert '"const"' not in written
    assert '"enum": ["off"]' in written
    assert "HTTPValidationError" not in written


def test_where_searching_is_private_every_address_names_the_key_but_health() -> None:
    open_to_all = [path for (_, path), each in operations(private=True).items() if "security" not in each]
    assert open_to_all == ["/healthz", "/readyz"]


def test_what_takes_a_body_from_anybody_is_a_question() -> None:
    """Those have the shorter time limit."""
    sent = {
        path
        for (_, path), each in operations(private=False).items()
        if "requestBody" in each and "security" not in each
    }
    assert sent == {path for path in READING_POSTS if path.startswith("/v1")}


@pytest.mark.parametrize("list_field", ["like", "unlike"])
def test_lists_have_a_bound(list_field: str) -> None:
    fields = described_as(private=False)["components"]["schemas"]["RefineIn"]["properties"]
    assert fields[list_field]["maxItems"] == 1000
