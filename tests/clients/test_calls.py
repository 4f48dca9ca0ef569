"""The client's calls are those of the JSON API: the same addresses, parameters, bodies and answers."""

import dataclasses
import json
import re
from typing import Any, get_args, get_origin

import pytest

from refract_client import calls
from refract_client.bulk import Batches, Document
from refract_client.calls import Call
from tools.reference import described_api

ASKED: Any = {
    "collection": "c",
    "steer": "1:1",
    "dictionary": 1,
    "preset": "p",
    "mode": "semantic",
    "filter": ["a:b"],
    "as_typed": True,
}
PAGE: Any = {"limit": 3, "offset": 2, "collection": "c"}
CALLS: dict[str, Call[Any]] = {
    "/v1/search": calls.search(
        "q", limit=1, offset=1, facets=True, values_of=["kind"], min_score=0.1, **ASKED
    ),
    "/v1/compare": calls.compare("q", "a", "b", **ASKED),
    "/v1/why-not": calls.why_not("q", "a", **ASKED),
    "/v1/features": calls.features("q", **PAGE),
    "/v1/features/{feature}": calls.feature(7, collection="c"),
    "/v1/map": calls.feature_map(collection="c"),
    "/v1/concepts": calls.concepts("q", **PAGE),
    "/v1/refine": calls.refine(["a"], ["b"], q="q", collection="c"),
    "/v1/analyze": calls.analyze("text", limit=3, collection="c"),
    "/v1/words": calls.words("a", "q", feature=[1], passage=[2], steer="1:1", dictionary=1, **PAGE),
    "/v1/suggest": calls.suggest("q", limit=3, collection="c"),
    "/v1/documents": calls.documents("q", after="a", limit=3, collection="c"),
    "/v1/documents/{document}": calls.document("a/b", collection="c"),
    "PUT /v1/documents/{document}": calls.write_document(
        "a", "text", title="t", url="u", meta={"a": 1}, collection="c"
    ),
    "DELETE /v1/documents/{document}": calls.delete_document("a", collection="c"),
    "/v1/documents/delete": calls.delete_documents(["a"], collection="c"),
    "/v1/events": calls.events(after=1, wait=2, kind=["job.done"], collection="c", limit=3),
    "/v1/collections": calls.collections(after="a", limit=3),
    "/v1/presets": calls.presets(collection="c"),
    "/v1/presets/{name}": calls.preset("a b", collection="c"),
    "/v1/jobs": calls.jobs(collection="c", limit=3),
    "/v1/jobs/{job}": calls.job(7),
    "POST /v1/jobs": calls.start_job("reindex", collection="c"),
    "/v1/jobs/{job}/cancel": calls.cancel_job(7),
}
"""Each call with all that can be given, by its address, and by its method where that has several."""


def operation(described: dict[str, Any], name: str, call: Call[Any]) -> dict[str, Any]:
    found: dict[str, Any] = described["paths"][name.rpartition(" ")[2]][call.method.lower()]
    return found


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return described_api()


def resolved(described: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "discriminator" in schema:
        return resolved(described, {"$ref": schema["discriminator"]["mapping"]["reindex"]})
    found: dict[str, Any] = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def content(part: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = part["content"]["application/json"]["schema"]
    return found


def test_every_call_is_looked_at() -> None:
    made = {
        name for name, each in vars(calls).items() if callable(each) and each.__module__ == calls.__name__
    }
    public = {name for name in made if not name.startswith("_")} - {"Call", "Asked"}
    assert len(CALLS) == len(public)


@pytest.mark.parametrize("name", CALLS)
def test_a_call_has_the_address_and_all_parameters_of_its_operation(
    described: dict[str, Any], name: str
) -> None:
    call = CALLS[name]
    pattern = re.sub(r"\{\w+\}", "[^/]+", name.rpartition(" ")[2])
    assert re.fullmatch(pattern, call.path)
    parameters = operation(described, name, call).get("parameters", [])
    assert set(call.params) == {each["name"] for each in parameters if each["in"] == "query"}


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if call.body])
def test_a_body_has_all_fields(described: dict[str, Any], name: str) -> None:
    call = CALLS[name]
    fields = resolved(described, content(operation(described, name, call)["requestBody"]))["properties"]
    sent = json.loads(call.body or b"")
    assert set(sent) <= set(fields)
    assert set(sent) == set(fields) or name == "POST /v1/jobs"


@pytest.mark.parametrize("name", CALLS)
def test_an_answer_is_the_record_of_that_name(described: dict[str, Any], name: str) -> None:
    call = CALLS[name]
    (answer,) = (
        each for status, each in operation(described, name, call)["responses"].items() if status[0] == "2"
    )
    schema, record = content(answer), call.answer
    if get_origin(record) is list:
        schema, (record,) = schema["items"], get_args(record)
    assert schema["$ref"].rpartition("/")[2] == record.__name__
    assert set(resolved(described, schema)["properties"]) == {
        field.name for field in dataclasses.fields(record)
    }


def test_a_batch_of_documents_has_all_fields(described: dict[str, Any]) -> None:
    batches = Batches("c")
    batches.add(Document("a", "text"))
    call = batches.rest()
    assert call is not None
    body = resolved(described, content(operation(described, call.path, call)["requestBody"]))
    sent = json.loads(call.body or b"")
    assert set(sent) == set(body["properties"])
    assert set(sent["documents"][0]) == set(described["components"]["schemas"]["DocumentIn"]["properties"])


def test_what_the_client_leaves_to_the_command_line_is_named(described: dict[str, Any]) -> None:
    """Administration, and what search by GET does already. A new operation is a call, or stands here."""
    named = {(call.method.lower(), name.rpartition(" ")[2]) for name, call in CALLS.items()}
    there = {
        f"{method} {path}"
        for path, of in described["paths"].items()
        for method in of
        if path.startswith("/v1/") and (method, path) not in named
    }
    assert there - {"post /v1/documents"} == {
        "get /v1/generations",
        "post /v1/rollback",
        "patch /v1/collections/{name}",
        "delete /v1/collections/{name}",
        "post /v1/collections/{name}/copy",
        "post /v1/jobs/{job}/accept",
        "post /v1/jobs/{job}/retry",
        "post /v1/jobs/estimate",
        "get /v1/audit",
        "get /v1/audit/export",
        "get /v1/webhooks",
        "post /v1/webhooks",
        "patch /v1/webhooks/{webhook}",
        "delete /v1/webhooks/{webhook}",
        "post /v1/webhooks/{webhook}/test",
        "get /v1/webhooks/{webhook}/deliveries",
        "get /v1/judgements",
        "post /v1/judgements",
        "delete /v1/judgements",
        "get /v1/insights",
        "get /v1/insights/questions.csv",
        "delete /v1/insights",
        "post /v1/edit",
        "get /v1/repairs",
        "post /v1/repairs",
        "delete /v1/repairs/{number}",
        "put /v1/presets/{name}",
        "delete /v1/presets/{name}",
        "get /v1/presets/{name}/file",
        "post /v1/presets/import",
        "post /v1/search",
    }
