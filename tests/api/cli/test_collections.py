"""Collections and their documents by the command line."""

import json
from pathlib import Path

import pytest

from tests.support.commands import Shell, assert_one_line

pytestmark = pytest.mark.slow


def test_a_collection_is_renamed_described_copied_and_deleted(shell: Shell, notes: Path) -> None:
    shell.settings["COLUMNS"] = "120"  # a description in one line
    shell.run("index", str(notes), "--collection", "tset")
    shell.run("collections", "rename", "tset", "n")
    assert shell.ids() == ["a.md", "b.md", "deep/c.md"]
    shell.run("collections", "describe", "n", "Notes [on] whales")
    assert "has its title" in shell.run("collections", "describe", "n", "--title", "Whales")
    shell.run("collections", "copy", "n", "copy")
    told = shell.run("collections", "list")
    assert "Whales: Notes [on] whales" in told
    assert "empty" in told
    assert "--after copy" in shell.run("collections", "list", "--limit", "1")
    (info,) = json.loads(shell.tried("collections", "list", "--after", "copy", "--json").stdout)
    assert (info["name"], info["documents"]) == ("n", 3)
    assert (info["title"], info["description"]) == ("Whales", "Notes [on] whales")
    # Where nobody can be asked, nothing is deleted.
    assert_one_line(shell.tried("collections", "delete", "n"), "'n' was not deleted", "--yes")
    assert len(shell.ids()) == 3
    assert "3 documents" in shell.run("collections", "delete", "n", "--yes")
    assert_one_line(shell.tried("search", "whales", "--collection", "n"), "no collection 'n'", "copy")
    shell.run("collections", "delete", "copy", "--yes")
    assert json.loads(shell.tried("collections", "list", "--json").stdout) == []


def test_what_cannot_be_done_with_a_collection_is_one_line(shell: Shell, notes: Path) -> None:
    shell.run("index", str(notes), "--collection", "n")
    run = shell.tried
    assert_one_line(run("collections", "rename", "n", "Not a name"), "'Not a name' cannot name a collection")
    assert_one_line(run("collections", "copy", "n", "n"), "'n' already")
    assert_one_line(run("collections", "delete", "none", "--yes"), "no collection 'none'")
    assert_one_line(run("collections", "describe", "n", "x" * 600), "600 characters")
    assert_one_line(run("collections", "describe", "n"), "nothing to say")
    assert_one_line(run("index", str(notes), "--collection", "Not a name"), "'Not a name' cannot name")


def test_all_documents_are_listed(shell: Shell, notes: Path) -> None:
    shell.run("index", str(notes), "--collection", "n")
    lines = shell.tried("documents", "--collection", "n").stdout.splitlines()
    assert lines == ["a.md\ta", "b.md\tb", "deep/c.md\tc"]
    told = shell.tried("documents", "--collection", "n", "--after", "a.md", "--limit", "1", "--json").stdout
    assert json.loads(told) == {"id": "b.md", "title": "b", "url": None}
