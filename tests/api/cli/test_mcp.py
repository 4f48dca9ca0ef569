"""Agents use the tools over standard input and output, of this machine's collections or of a server's."""

import os
import sys

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from tests.support.awaiting import finished
from tests.support.commands import assert_one_line, refract
from tests.support.notes import COLLECTION, Notes


def asked(*options: str, **settings: str) -> list[str]:
    """Ids of what a client finds that starts the command itself, or why it finds nothing."""
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "api.cli.main", "mcp", *options], env={**os.environ, **settings}
    )

    async def search() -> list[str]:
        async with Client(command) as client:
            found = await client.call_tool("search", {"query": "whales sing", "collection": COLLECTION})
            if found.is_error:
                return [str(found.content)]
            return [hit["id"] for hit in (found.structured_content or {})["results"]]

    return finished(search())


@pytest.mark.database
def test_an_agent_searches_here_and_a_server_elsewhere_alike(library: Notes) -> None:
    here = asked(**library.settings)
    assert here[0].startswith("sea/")
    assert asked("--url", library.url, REFRACT_KEY=library.keys["search"]) == here


@pytest.mark.database
def test_a_private_server_refuses_an_agent_without_a_key(library: Notes) -> None:
    (refused,) = asked("--url", library.url)
    assert "needs a key" in refused


@pytest.mark.slow
def test_what_is_no_address_is_one_line() -> None:
    assert_one_line(refract("mcp", "--url", "localhost:8000"), "'localhost:8000'")
