"""Presets by the command line."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine as Database

from search.embedding.embedder import Embedder
from tests.support.building import build, document
from tests.support.commands import Shell, assert_one_line

pytestmark = pytest.mark.database


def test_a_preset_is_saved_used_shared_and_deleted(
    database: Database, tmp_path: Path, small_embedder: Embedder
) -> None:
    shell = Shell(database, tmp_path / "data")
    build(database, tmp_path / "data", small_embedder, "n", [document(number) for number in range(6)])
    here = ("--collection", "n")

    def search(*options: str) -> dict[str, object]:
        found: dict[str, object] = json.loads(
            shell.tried("search", "songs", *here, "--json", *options).stdout
        )
        return found

    steer = "12:1.5,concept:the sea:-1"
    told = shell.run("presets", "save", "academic", "--steer", steer, "--description", "Papers", *here)
    assert "Papers" in told
    assert "--steer 12:1.5,concept:the%20sea:-1" in told
    assert "academic" in shell.run("presets", "list", *here)
    assert "the sea" in shell.run("presets", "show", "academic", *here)
    assert search("--preset", "academic")["results"] == search("--steer", steer)["results"]
    assert "Steered by the preset academic" in shell.run("search", "songs", *here, "--preset", "academic")
    assert search()["preset"] is None
    assert "steered by academic" in shell.run("presets", "default", "academic", *here)
    assert search()["preset"] == "academic"
    assert "academic (default)" in shell.run("presets", "list", *here)
    assert search("--preset", "none")["preset"] is None
    shell.run("presets", "default", "none", *here)
    assert search()["preset"] is None

    file = tmp_path / "a.json"
    shell.run("presets", "export", "academic", *here, "--output", str(file))
    assert json.loads(shell.tried("presets", "export", "academic", *here).stdout) == json.loads(
        file.read_text()
    )
    assert_one_line(shell.tried("presets", "import", str(file), *here), "'academic' already")
    assert "Saved as again in n." in shell.run("presets", "import", str(file), *here, "--name", "again")
    file.write_text(file.read_text()[:-100])
    assert_one_line(shell.tried("presets", "import", str(file), *here), "is not JSON", "cut off")
    assert_one_line(shell.tried("presets", "import", str(tmp_path / "none.json"), *here), "none.json")
    told = shell.run("refine", "--like", "d1", "--like", "d2", "--unlike", "d5", *here)
    assert "--steer" in told or "No feature fires" in told
    assert_one_line(shell.tried("refine", "--like", "nobody", *here), "'nobody'")
    shell.run("presets", "delete", "academic", *here)
    assert_one_line(shell.tried("presets", "delete", "academic", *here), "'academic'", "again")
    assert_one_line(shell.tried("search", "songs", *here, "--preset", "academic"), "'academic'")
    assert_one_line(shell.tried("presets", "save", "a", "--steer", "12:1,12:-1", *here), "steered twice")
