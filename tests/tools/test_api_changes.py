"""A change of the JSON API does not go unseen, and one that breaks clients is told from an addition."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tools.api_changes import Changes, changes
from tools.reference import api_changes

Schema = dict[str, Any]

RESULT = {
    "type": "object",
    "properties": {
        "score": {"type": "number"},
        "kind": {"type": "string", "enum": ["word", "feature"]},
        "url": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Result"}},
    },
    "required": ["score"],
}
QUESTION = {
    "type": "object",
    "properties": {"q": {"type": "string", "maxLength": 10}, "mode": {"enum": ["a", "b"]}},
    "required": ["q"],
}


def described() -> Schema:
    def content(name: str) -> Schema:
        return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}

    limit = {"name": "limit", "in": "query", "required": False, "schema": {"type": "integer", "maximum": 9}}
    operation = {"parameters": [limit], "responses": {"200": content("Result"), "404": {}}}
    asked = {"requestBody": content("Question"), "responses": {"200": content("Result")}}
    return {
        "paths": {"/v1/search": {"get": operation, "post": asked}},
        "components": {"schemas": copy.deepcopy({"Result": RESULT, "Question": QUESTION})},
    }


def operation(of: Schema) -> Schema:
    found: Schema = of["paths"]["/v1/search"]["get"]
    return found


def fields(of: Schema, name: str) -> Schema:
    found: Schema = of["components"]["schemas"][name]["properties"]
    return found


def required(of: Schema, name: str) -> list[str]:
    found: list[str] = of["components"]["schemas"][name]["required"]
    return found


TEXT: Schema = {"type": "string"}
PARAMETER: Schema = {"name": "lang", "in": "query", "schema": TEXT}

BREAKING: list[tuple[Callable[[Schema], object], str]] = [
    (lambda of: of["paths"].pop("/v1/search"), "GET /v1/search is gone"),
    (lambda of: operation(of)["parameters"].pop(), "GET /v1/search parameter limit is gone"),
    (
        lambda of: operation(of)["parameters"].append({**PARAMETER, "required": True}),
        "GET /v1/search parameter lang is new and required",
    ),
    (
        lambda of: operation(of)["parameters"][0].update(required=True),
        "GET /v1/search parameter limit is required now",
    ),
    (
        lambda of: operation(of)["parameters"][0]["schema"].update(maximum=5),
        "GET /v1/search parameter limit has maximum 5 now",
    ),
    (
        lambda of: operation(of)["parameters"][0]["schema"].update(type="string"),
        "GET /v1/search parameter limit is never integer any more",
    ),
    (lambda of: operation(of)["responses"].pop("200"), "GET /v1/search never answers 200 any more"),
    (lambda of: fields(of, "Result").pop("score"), "Result (read) field score is gone"),
    (
        lambda of: fields(of, "Result")["score"].update(type="string"),
        "Result (read) field score may be string now",
    ),
    (
        lambda of: fields(of, "Result")["kind"]["enum"].append("name"),
        "Result (read) field kind may be 'name' now",
    ),
    (lambda of: required(of, "Result").clear(), "Result (read) field score may be left out now"),
    (lambda of: fields(of, "Question").pop("mode"), "Question (sent) field mode is gone"),
    (lambda of: required(of, "Question").append("mode"), "Question (sent) field mode is required now"),
    (
        lambda of: fields(of, "Question")["q"].update(maxLength=5),
        "Question (sent) field q has maxLength 5 now",
    ),
    (
        lambda of: fields(of, "Question")["q"].update(minLength=1),
        "Question (sent) field q has minLength 1 now",
    ),
    (
        lambda of: fields(of, "Question")["mode"]["enum"].pop(),
        "Question (sent) field mode is never 'b' any more",
    ),
    (
        lambda of: of["paths"]["/v1/search"]["post"].pop("requestBody"),
        "POST /v1/search takes no body any more",
    ),
]
ADDED: list[tuple[Callable[[Schema], object], str]] = [
    (lambda of: of["paths"].update({"/v1/new": {"get": {"responses": {}}}}), "GET /v1/new is new"),
    (lambda of: operation(of)["parameters"].append(PARAMETER), "GET /v1/search parameter lang is new"),
    (lambda of: operation(of)["responses"].pop("404"), "GET /v1/search never answers 404 any more"),
    (lambda of: fields(of, "Result").update(new=TEXT), "Result (read) field new is new"),
    (lambda of: required(of, "Result").append("kind"), "Result (read) field kind is required now"),
    (lambda of: fields(of, "Result")["url"]["anyOf"].pop(), "Result (read) field url is never null any more"),
    (lambda of: fields(of, "Question").update(new=TEXT), "Question (sent) field new is new"),
    (lambda of: required(of, "Question").clear(), "Question (sent) field q may be left out now"),
    (
        lambda of: fields(of, "Question")["mode"]["enum"].append("c"),
        "Question (sent) field mode may be 'c' now",
    ),
]


def after(change: Callable[[Schema], object]) -> Changes:
    changed = described()
    change(changed)
    return changes(described(), changed)


@pytest.mark.parametrize(("change", "line"), BREAKING, ids=[line for _, line in BREAKING])
def test_what_breaks_clients_is_named(change: Callable[[Schema], object], line: str) -> None:
    assert line in after(change).breaking


@pytest.mark.parametrize(("change", "line"), ADDED, ids=[line for _, line in ADDED])
def test_what_is_added_breaks_nobody(change: Callable[[Schema], object], line: str) -> None:
    assert after(change) == Changes(added=[line], breaking=[])


def test_words_that_only_people_read_change_nothing() -> None:
    def reworded(of: Schema) -> None:
        operation(of)["description"] = "Better said"
        fields(of, "Result")["score"]["title"] = "Score"
        fields(of, "Question")["q"]["maxLength"] = 20

    assert after(reworded) == Changes([], [])


def test_the_description_that_is_kept_is_that_of_the_program() -> None:
    """Written anew by python -m tools.reference, which refuses what breaks clients unless that is meant."""
    assert api_changes() == Changes([], [])
