"""Documents and folders by the command line, as a process of its own."""

import shutil
from pathlib import Path

import pytest

from tests.support.building import eventually
from tests.support.commands import Shell, assert_one_line, started

pytestmark = pytest.mark.slow


def test_a_folder_read_again_follows_what_changed_moved_and_went(shell: Shell, notes: Path) -> None:
    index = ("index", str(notes), "--collection", "n")
    assert "3 new" in shell.run(*index)
    assert "0 new, 0 changed, 3 as before" in shell.run(*index)
    (notes / "a.md").write_text("Whales dive.")
    shutil.move(notes / "b.md", notes / "deep" / "b.md")
    (notes / "deep" / "c.md").unlink()
    (notes / "broken.pdf").write_text("no PDF")
    told = shell.run(*index)
    assert "1 new, 1 changed, 0 as before; 1 skipped; 2 that are there no more deleted." in told
    assert "2 added to what is searched." in told
    assert shell.ids() == ["a.md", "deep/b.md"]


def test_what_cannot_be_read_this_time_stays(shell: Shell, notes: Path) -> None:
    shell.run("index", str(notes), "--collection", "n")
    (notes / "a.md").write_bytes(b"")
    assert "1 skipped" in shell.run("index", str(notes), "--collection", "n")
    assert shell.ids() == ["a.md", "b.md", "deep/c.md"]
    shutil.rmtree(notes)
    notes.mkdir()
    assert_one_line(shell.tried("index", str(notes), "--collection", "n"), "no file")
    assert len(shell.ids()) == 3


def test_documents_of_other_sources_stay(shell: Shell, notes: Path) -> None:
    shell.run("index", str(notes), "--collection", "n")
    shell.run("add", "by/hand", str(notes / "a.md"), "--collection", "n")
    (notes / "b.md").unlink()
    shell.run("index", str(notes), "--collection", "n", "--no-sync")
    assert shell.ids() == ["a.md", "b.md", "by/hand", "deep/c.md"]
    shell.run("index", str(notes), "--collection", "n")
    assert shell.ids() == ["a.md", "by/hand", "deep/c.md"]


def test_a_document_is_added_replaced_and_deleted(shell: Shell, notes: Path) -> None:
    text = notes / "a.md"
    assert "1 new" in shell.run("add", "one", str(text), "--title", "One", "--collection", "n")
    text.write_text("Robots write.")
    assert "1 changed" in shell.run("add", "one", str(text), "--title", "One", "--collection", "n")
    assert "1 deleted" in shell.run("delete", "one", "--collection", "n")
    assert_one_line(shell.tried("delete", "one", "--collection", "n"), "'one'")
    assert_one_line(shell.tried("delete", "one", "--collection", "x"), "no collection 'x'")
    too_long = "x" * 100_000
    assert_one_line(shell.tried("add", too_long, str(text), "--collection", "n"), "characters")


def test_a_watched_folder_is_followed(shell: Shell, notes: Path) -> None:
    shell.run("index", str(notes), "--collection", "n")
    with started("index", str(notes), "--collection", "n", "--watch", **shell.settings) as process:
        assert process.stderr is not None
        while "Watching" not in (line := process.stderr.readline()):
            assert line, "it ended"
        (notes / "new.md").write_text("Cells divide.")
        (notes / "b.md").unlink()
        eventually(lambda: shell.ids() == ["a.md", "deep/c.md", "new.md"])
        process.terminate()
        assert process.wait(30) is not None


def test_a_reindex_may_change_passages_and_index(shell: Shell, notes: Path) -> None:
    shell.run("index", str(notes), "--collection", "n")
    told = shell.run("reindex", "--collection", "n", "--passage-tokens", "32", "--index", "ivf")
    assert "Generation 2 is live" in told
    failed = shell.tried("reindex", "--collection", "n", "--model", "no/such-model")
    assert_one_line(failed, "no/such-model")
    assert "live" in shell.run("rollback", "--collection", "n")
