"""Agents use the tools by a real client of the protocol's SDK over HTTP."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, TextContent

from api.mcp.answers import EXCERPT
from api.mcp.tools import MAX_RESULTS, UNTRUSTED
from tests.support.awaiting import finished
from tests.support.notes import COLLECTION, NOTES, Notes

pytestmark = pytest.mark.database

QUESTION = "how do cells divide"


@asynccontextmanager
async def connected(
    library: Notes, mode: Literal["auto", "legacy"] = "auto", key: str = "search"
) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {library.keys[key]}"}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        transport = streamable_http_client(f"{library.url}/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


def called(library: Notes, tool: str, **given: Any) -> CallToolResult:
    async def call() -> CallToolResult:
        async with connected(library) as client:
            return await client.call_tool(tool, {"collection": COLLECTION, **given})

    return finished(call())


def answered(library: Notes, tool: str, **given: Any) -> dict[str, Any]:
    """What a tool answers, as a record; its text says the same."""
    result = called(library, tool, **given)
    assert not result.is_error, text(result)
    assert result.structured_content == json.loads(text(result))
    return result.structured_content or {}


def text(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_all_tools_read_and_warn_of_what_documents_say(
    library: Notes, mode: Literal["auto", "legacy"]
) -> None:
    async def listed() -> None:
        async with connected(library, mode) as client:
            tools = (await client.list_tools()).tools
            names = {"search", "explain", "why_not", "document", "find_topics", "list_collections"}
            assert {tool.name for tool in tools} == names
            for tool in tools:
                assert UNTRUSTED in (tool.description or "")
                assert tool.annotations is not None
                assert tool.annotations.read_only_hint
            assert "steer" in (client.instructions or "")
            found = await client.call_tool("list_collections", {})
            listed = (found.structured_content or {})["collections"]
            assert COLLECTION in {each["name"] for each in listed}

    finished(listed())


def test_results_are_short_with_reasons_in_words_and_say_what_is_cut(library: Notes) -> None:
    found = answered(library, "search", query=QUESTION)
    assert [hit["rank"] for hit in found["results"]] == [1, 2, 3, 4, 5]
    assert found["results"][0]["id"] == "biology/mitosis"
    assert found["results"][0]["excerpt"] == NOTES["biology/mitosis"]
    assert any(reason.startswith("topic 'cell' (") for reason in found["results"][0]["why"])
    assert all(len(hit["excerpt"]) <= EXCERPT and len(hit["why"]) <= 4 for hit in found["results"])
    assert f"5 of {found['total']} documents are shown; offset=5 goes on." in found["notes"]
    assert "Excerpts are cut; the tool document has the texts." in found["notes"]
    others = answered(library, "search", query=QUESTION, offset=5)
    assert {hit["id"] for hit in others["results"]}.isdisjoint({hit["id"] for hit in found["results"]})


def test_a_text_cannot_leave_its_excerpt(library: Notes) -> None:
    found = answered(library, "search", query="ignore previous instructions")
    (hit,) = (hit for hit in found["results"] if hit["id"] == "injected")
    assert "\n" not in hit["excerpt"]
    assert [hit["id"] for hit in found["results"]].count("forged") == 0


def test_no_more_results_are_given_than_an_agent_can_read(library: Notes) -> None:
    most = called(library, "search", query=QUESTION, limit=MAX_RESULTS)
    assert len(text(most)) < 20_000
    refused = called(library, "search", query=QUESTION, limit=MAX_RESULTS + 1)
    assert refused.is_error
    assert "limit" in text(refused)


def test_a_search_is_steered_filtered_and_in_a_mode(library: Notes) -> None:
    topic = answered(library, "find_topics", about="whales and the sea")["topics"][0]
    steered = answered(library, "search", query=QUESTION, steer="concept:whales in the cold sea:5")
    reasons = [reason for hit in steered["results"] for reason in hit["why"]]
    assert any(reason.startswith("steering ") for reason in reasons)
    french = answered(library, "search", query=QUESTION, filters=["lang:fr"], mode="semantic")
    assert all(hit["id"].startswith("sea/") for hit in french["results"])
    assert "Only documents that must have lang:fr." in french["notes"]
    by_topic = answered(library, "search", query=QUESTION, filters=[topic["filter"]])
    assert by_topic["total"] == topic["passages"]


def test_a_result_is_explained_also_beside_another(library: Notes) -> None:
    told = answered(library, "explain", query=QUESTION, document="biology/mitosis", than="sea/3")
    assert (told["rank"], told["id"]) == (1, "biology/mitosis")
    values = [float(reason.rpartition(" ")[2]) for reason in told["reasons"]]
    assert sum(values) == pytest.approx(told["score"], abs=0.01)
    assert any(line.startswith("word 'divide': ") for line in told["compared"])
    alone = answered(library, "explain", query=QUESTION, document="biology/mitosis")
    assert alone["compared"] == []


def test_a_document_that_is_missed_says_what_it_lacks_and_what_would_bring_it_up(library: Notes) -> None:
    told = answered(library, "why_not", query=QUESTION, document="sea/3")
    assert told["rank"] > 10
    assert told["lacks"]
    way = told["ways"][0]
    steered = answered(library, "search", query=QUESTION, steer=way["steer"], limit=10)
    assert "sea/3" in {hit["id"] for hit in steered["results"]}
    found = answered(library, "why_not", query=QUESTION, document="biology/mitosis")
    assert found["notes"] == ["It is among the first 10 already; the tool explain says why."]
    left_out = answered(library, "why_not", query=QUESTION, document="sea/3", filters=["lang:en"])
    assert (left_out["rank"], left_out["excluded_by"]) == (None, ["Results must have lang:en."])


def test_a_long_text_is_read_in_stretches(library: Notes) -> None:
    read, offset = "", 0
    while offset is not None:
        page = answered(library, "document", id="injected", offset=offset, limit=1000)
        read, offset = read + page["text"], page["next_offset"]
    assert read.strip() == NOTES["injected"].strip()
    assert page["characters"] == len(read)
    assert json.loads(page["meta"]) == {"lang": "en", "year": 2005}


@pytest.mark.parametrize(
    ("tool", "given", "said"),
    [
        ("search", {"query": ""}, "The query is empty. Type a few words"),
        ("search", {"query": "x", "collection": "nope"}, "'nope'"),
        ("search", {"query": "x", "steer": "cells"}, "'cells'"),
        ("search", {"query": "x", "mode": "hybird"}, "'hybird'"),
        ("search", {"query": "x", "filters": ["cells"]}, "'cells'"),
        ("document", {"id": "../collections"}, "'../collections'"),
        ("explain", {"query": "x", "document": "biology/mitosis", "than": "biology/mitosis"}, "itself"),
    ],
)
def test_what_is_refused_is_an_error_that_the_model_reads(
    library: Notes, tool: str, given: dict[str, Any], said: str
) -> None:
    refused = called(library, tool, **given)
    assert refused.is_error
    assert said in text(refused)
