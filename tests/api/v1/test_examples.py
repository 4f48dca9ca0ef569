"""The JSON API's description is valid OpenAPI, and its examples are what it describes."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from api.v1 import examples
from tools.reference import described_api

Schema = dict[str, Any]


@pytest.fixture(scope="module")
def described() -> Schema:
    return described_api()


def test_the_description_is_valid(described: Schema) -> None:
    assert described["openapi"].startswith("3.1")
    validate(described)


def exemplified(part: Any) -> Iterator[tuple[Schema, Any]]:
    """Yields every example below a part of the description, with the schema that it is to have."""
    if isinstance(part, dict):
        for given in part.get("examples", []) if isinstance(part.get("examples"), list) else []:
            yield {name: value for name, value in part.items() if name != "examples"}, given
        if "example" in part and "schema" in part:
            yield part["schema"], part["example"]
        for below in part.values():
            yield from exemplified(below)
    elif isinstance(part, list):
        for below in part:
            yield from exemplified(below)


def test_examples_have_the_form_of_what_they_are_examples_of(described: Schema) -> None:
    found = list(exemplified(described))
    assert len(found) > 15
    for schema, given in found:
        Draft202012Validator({**schema, "components": described["components"]}).validate(given)


def test_the_main_operations_have_examples(described: Schema) -> None:
    paths = described["paths"]
    for method in ("get", "post"):
        answer = paths["/v1/search"][method]["responses"]["200"]["content"]["application/json"]
        assert answer["schema"]["$ref"].endswith("/SearchResponse")
        assert "example" in answer
    for name in ("SearchIn", "DocumentsIn", "AnalyzeIn", "RefineIn", "Written", "ErrorEnvelope"):
        assert described["components"]["schemas"][name]["examples"], name


def test_the_example_of_an_answer_sums_up() -> None:
    answer = examples.SEARCH_ANSWER[200]["content"]["application/json"]["example"]
    (result,) = answer["results"]
    assert sum(term["value"] for term in result["terms"]) == pytest.approx(result["score"])
    assert result["passage"]["end"] == len(result["passage"]["text"])
