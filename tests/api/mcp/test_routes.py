"""Agents reach the tools at /mcp: who may, from where, and what else is refused."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from starlette.testclient import TestClient

from api.app import create_app
from api.mcp.routes import MAX_BODY
from search.engine.engine import SearchEngine

MESSAGE: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}
ACCEPT = {"Accept": "application/json, text/event-stream"}
HERE = "http://127.0.0.1:8000"


def client(folder: Path, **options: Any) -> TestClient:
    """An application whose database does not answer: nothing here needs it."""
    gone = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    return TestClient(create_app(SearchEngine(gone, folder), **options), base_url=HERE, headers=ACCEPT)


def test_each_message_is_answered_by_itself_however_often_the_application_starts(tmp_path: Path) -> None:
    asked = client(tmp_path)
    for _ in range(2):
        with asked:
            greeted = asked.post("/mcp", json=MESSAGE)
            assert greeted.json()["result"]["serverInfo"]["name"] == "refract"
            assert "mcp-session-id" not in greeted.headers
            assert len(asked.post("/mcp", json=LIST).json()["result"]["tools"]) == 6


def test_a_private_server_asks_agents_for_a_key(tmp_path: Path) -> None:
    with client(tmp_path, private=True) as asked:
        refused = asked.post("/mcp", json=MESSAGE)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert refused.json()["error"]["code"] == "unauthorized"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 400),
        ({"Host": "search.example.org"}, 200),
        ({"Host": "search.example.org", "Origin": "https://search.example.org"}, 200),
        ({"Origin": HERE}, 200),
        ({"Origin": "https://agents.example"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_hosts_and_origins_are_those_of_the_application(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    with client(tmp_path, hosts={"search.example.org"}, origins=["https://agents.example"]) as asked:
        assert asked.post("/mcp", json=MESSAGE, headers=headers).status_code == status


def test_nothing_is_held_open_or_read_without_a_bound(tmp_path: Path) -> None:
    with client(tmp_path) as asked:
        assert asked.get("/mcp").status_code == asked.delete("/mcp").status_code == 405
        assert asked.post("/mcp", content=b" " * (MAX_BODY + 1)).status_code == 413
        assert asked.post("/mcp", content=b"{").status_code == 400


def test_a_database_that_is_gone_is_an_error_that_the_model_reads(tmp_path: Path) -> None:
    call = {**LIST, "method": "tools/call", "params": {"name": "list_collections", "arguments": {}}}
    with client(tmp_path) as asked:
        result = asked.post("/mcp", json=call).json()["result"]
    assert result["isError"]
    assert "database" in result["content"][0]["text"]
