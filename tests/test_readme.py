"""What README and the guide tell people to type is typed here, on a small collection of notes."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.auth.keys import create_key
from api.cli.main import app
from indexer.sources import SourceDocument
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from tests.support.apps import app_of
from tests.support.building import build

pytestmark = pytest.mark.database

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "docs" / "getting-started.md",
    *sorted((ROOT / "docs" / "guide").glob("*.md")),
]
BLOCKS = [
    block
    for page in PAGES
    for of, block in re.findall(r"^```(.*?)\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    if not of
]
LINES = [line for block in BLOCKS for line in block.replace("\\\n", " ").splitlines()]
COMMANDS = [shlex.split(line, comments=True)[1:] for line in LINES if line.startswith("refract ")]
REQUESTS = [line for line in LINES if line.startswith("curl ")]
ASKING = {
    "search",
    "compare",
    "why-not",
    "analyze",
    "refine",
    "presets",
    "generations",
    "verify",
    "scorecard",
}
ELSEWHERE = {
    *(
        "audit",
        "collections",
        "doctor",
        "documents",
        "index",
        "serve",
        "add",
        "delete",
        "reindex",
        "jobs",
        "rollback",
        "dump",
        "restore",
        "backup",
        "labels",
        "keys",
        "events",
        "webhooks",
        "judgements",
        "repairs",
        "evaluate",
        "insights",
        "learn",
    ),
}
"""Commands whose own tests run them: they take long, change much, or serve."""

NOTES = {
    "notes/1": "Cells divide by mitosis: chromosomes are copied, then pulled apart into two new cells.",
    "notes/2": "A proof by induction has a base case and a step from each number to the next one.",
    "notes/3": "Stem cells can become cells of any kind; ageing slows them down.",
    "notes/7": "In meiosis a cell divides twice, so that sperm and egg have half of the chromosomes.",
}
DOCUMENTS = [
    SourceDocument(name, f"Note {name}", text, None, {"lang": "en", "year": 2000 + place})
    for place, (name, text) in enumerate(NOTES.items())
] + [SourceDocument(f"other/{n}", f"Other {n}", f"Whale number {n} sings.", None, {}) for n in range(12)]


@pytest.fixture(scope="module")
def store(
    new_database: Any, tmp_path_factory: pytest.TempPathFactory, embedder: Embedder
) -> Iterator[tuple[Engine, Path]]:
    data = tmp_path_factory.mktemp("readme")
    with new_database() as url:
        database = create_engine(url)
        for name in ("notes", "papers"):
            build(database, data, embedder, name, DOCUMENTS)
        yield database, data
        database.dispose()


def test_every_command_is_run_here_or_elsewhere() -> None:
    assert {command[0] for command in COMMANDS} == ASKING | ELSEWHERE
    assert len(REQUESTS) > 12


def test_the_commands_that_ask(
    store: tuple[Engine, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, data = store
    monkeypatch.setenv("DATABASE_URL", database.url.render_as_string(hide_password=False))
    monkeypatch.setenv("REFRACT_DATA", str(data))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note.txt").write_text("Cells divide.")
    for command in COMMANDS:
        if command[0] in ASKING:
            ran = CliRunner().invoke(app, command)
            assert (ran.exit_code, ran.exception) == (0, None), f"{command}: {ran.output}"
    assert (tmp_path / "a.json").stat().st_size > 500


def test_the_requests(store: tuple[Engine, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database, data = store
    monkeypatch.chdir(tmp_path)
    with Session(database) as session:
        key = create_key(session, "readme", "admin")
        session.commit()
    with TestClient(app_of(SearchEngine(database, data)), raise_server_exceptions=False) as client:
        for line in REQUESTS:
            answer = _curl(client, line, key)
            assert answer.status_code < 300, f"{line}: {answer.text}"
            assert answer.json(), line


def _curl(client: TestClient, line: str, key: str) -> Any:
    """Sends what a command line of curl says, and writes what it is told to write."""
    words = iter(shlex.split(line.replace("$KEY", key))[1:])
    method, headers, body, url, output = None, {}, None, "", ""
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            given = next(words)
            body = Path(given[1:]).read_text() if given.startswith("@") else given
        elif word == ">":
            output = next(words)
        else:
            url = word.removeprefix("http://127.0.0.1:8000")
    answer = client.request(method or ("POST" if body else "GET"), url, headers=headers, content=body)
    if output:
        Path(output).write_text(answer.text)
    return answer
