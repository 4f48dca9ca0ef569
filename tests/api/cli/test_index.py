"""Documents and folders by the command line, as a process of its own."""

import hashlib
import os
import pty
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import Engine

from indexer.jobs.queue import list_jobs
from search.embedding.folding import composed
from search.engine.engine import SearchEngine
from search.query.request import SearchRequest
from tests.support.building import eventually
from tests.support.commands import Shell, assert_one_line, worker
from tests.support.forked import forked, running
from tests.support.odd_files import documents, refused, texts, write_odd_folder

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


def own_word(name: str) -> str:
    """A word that no other file has."""
    return "q" + "".join(chr(ord("a") + byte % 26) for byte in hashlib.sha256(name.encode()).digest()[:9])


def test_of_a_folder_of_odd_files_every_one_is_found_or_named(
    shell: Shell, database: Engine, tmp_path: Path
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    write_odd_folder(folder, own_word)
    given = [name for name, _ in (*texts(own_word), *documents(own_word))]
    told = shell.run("index", str(folder), "--collection", "n", "--exclude", "/drafts/")
    lost = len([*refused()])
    assert f"{len(given)} documents: {len(given)} new, 0 changed, 0 as before; {lost} skipped." in told
    assert "passed over: " in told
    asked = {name: SearchRequest(f'"{own_word(name)}"') for name in given}
    with SearchEngine(database, tmp_path / "data").reader("n") as reader:
        found = {name: reader.search(request).results for name, request in asked.items()}
    assert [name for name in given if [each.document.id for each in found[name]] != [composed(name)]] == []


def interrupted(shell: Shell, step: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command that gets Ctrl-C as soon as it says that it is at a step."""
    with running(*arguments, environment=shell.environment) as process:
        said = ""
        while step not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate()
        return subprocess.CompletedProcess(arguments, process.wait(), "", said + rest)


@pytest.mark.parametrize("step", ["reading documents", "embedding passages"])
def test_ctrl_c_leaves_nothing_half_live_and_the_next_run_completes(
    shell: Shell, tmp_path: Path, step: str
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(400):
        (folder / f"{number}.txt").write_text(f"Note {number}. " + "Whales sing at night. " * 200)
    index = ("index", str(folder), "--collection", "n")
    ended = interrupted(shell, step, *index)
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (130, "refract: stopped."), ended.stderr
    assert "Traceback" not in ended.stderr
    assert shell.tried("search", "whales", "--collection", "n").returncode == 1
    told = shell.run(*index)
    assert "400 documents" in told
    assert "is live: 400 documents" in told
    assert "all is sound" in shell.run("verify")


def test_a_watched_folder_is_followed(shell: Shell, notes: Path) -> None:
    shell.run("index", str(notes), "--collection", "n")
    command = ("index", str(notes), "--collection", "n", "--watch")
    with running(*command, environment=shell.environment) as process:
        while "Watching" not in (line := process.stderr.readline()):
            assert line, "it ended"
        (notes / "~$a.docx").write_bytes(bytes(162))
        (notes / ".new.md.swp").write_bytes(b"x")
        (notes / "new.md").write_text("Cells divide.")
        (notes / "b.md").unlink()
        eventually(lambda: shell.ids() == ["a.md", "deep/c.md", "new.md"])
        shutil.move(notes / "deep", notes / "far")
        eventually(lambda: shell.ids() == ["a.md", "far/c.md", "new.md"])
        process.terminate()
        process.communicate()


def test_a_reindex_may_change_passages_and_index(shell: Shell, notes: Path) -> None:
    shell.run("index", str(notes), "--collection", "n")
    told = shell.run("reindex", "--collection", "n", "--passage-tokens", "32", "--index", "rabitq")
    assert "Generation 2 is live" in told
    failed = shell.tried("reindex", "--collection", "n", "--model", "no/such-model")
    assert_one_line(failed, "no/such-model")
    assert "live" in shell.run("rollback", "--collection", "n")


def test_a_collection_keeps_some_dimensions(shell: Shell, notes: Path) -> None:
    index = ("index", str(notes), "--collection", "n")
    assert_one_line(shell.tried(*index, "--dimensions", "65"), "65 dimensions", "64", "1 to 64")
    assert shell.tried(*index, "--dimensions", "0").returncode == 2
    shell.run(*index, "--dimensions", "16")
    assert "16 dimensions" in shell.run("generations", "--collection", "n")
    assert len(shell.ids()) == 3
    shell.run(*index, "--dimensions", "16")
    shell.run(*index)
    assert_one_line(
        shell.tried(*index, "--dimensions", "32"), "keeps 16", "reindex --collection n --dimensions 32"
    )
    told = shell.run("reindex", "--collection", "n", "--dimensions", "64")
    assert "3 of 3 passages are embedded anew" in told
    assert "Generation 2 is live" in told
    assert "0 of 3 passages are embedded anew" in shell.run(
        "reindex", "--collection", "n", "--dimensions", "16"
    )


def test_what_is_embedded_anew_is_asked_for_on_a_terminal(shell: Shell, notes: Path) -> None:
    shell.run("index", str(notes), "--collection", "n")
    command = ("reindex", "--collection", "n", "--passage-tokens", "32")
    for answer, state in {"n": "Nothing was built", "y": "Generation 2 is live"}.items():
        assert state in on_a_terminal(shell, *command, answer=answer)


def on_a_terminal(shell: Shell, *arguments: str, answer: str) -> str:
    """What a command says to a person who answers this."""
    person, terminal = pty.openpty()
    try:
        os.write(person, f"{answer}\n".encode())
        done = forked(*arguments, environment={**shell.environment, "COLUMNS": "200"}, terminal=terminal)
    finally:
        os.close(terminal)
        os.close(person)
    return done.stdout + done.stderr


def test_files_of_one_name_in_two_folders_are_both_found(shell: Shell, notes: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.md").write_text("Bats hunt.")
    shell.run("index", str(notes), "--collection", "n")
    told = shell.run("index", str(other), "--collection", "n")
    assert "1 new" in told
    assert "other/a.md" in told
    for folder in (notes, other):
        assert "0 new, 0 changed" in shell.run("index", str(folder), "--collection", "n")
    assert shell.ids() == ["a.md", "b.md", "deep/c.md", "other/a.md"]


def test_a_run_that_comes_to_nothing_leaves_no_collection(shell: Shell, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "a.pdf").write_text("no PDF")
    failed = shell.tried("index", str(broken), "--collection", "n")
    assert failed.returncode == 1
    assert "skipped a.pdf" in failed.stderr
    assert "'n' was not made" in failed.stderr.splitlines()[-1]
    assert_one_line(shell.tried("search", "x", "--collection", "n"), "no collection 'n'", "refract index")


def test_standard_input_is_read_whatever_it_is(shell: Shell) -> None:
    here = ("--collection", "n")
    records = '{"id": "1", "text": "Whales sing."}\n{"id": "2", "text": "Bats hunt."}\n'
    assert "2 new" in shell.run("index", "-", *here, given=records.encode())
    changed = records.replace("sing", "dive").encode()
    assert "0 new, 1 changed, 1 as before" in shell.run("index", "-", *here, given=changed)
    page = b"<html><title>Owls</title><body><p>Owls see <b>well</b>.</p></body></html>"
    shell.run("add", "owls", *here, given=page)
    shell.run("add", "bread.md", "-", *here, given="# Bread\n\nIt is *baked*.".encode("utf-16"))
    shell.run("add", "brace", *here, given=b'{"a": "text that looks like a record"}')
    assert shell.ids() == ["1", "2", "brace", "bread.md", "owls"]
    told = shell.tried("documents", *here).stdout.splitlines()
    assert "owls\tOwls" in told
    assert "bread.md\tBread" in told
    assert "<b>" not in shell.tried("search", "owls", *here, "--json").stdout


def test_a_file_is_added_as_what_it_is(shell: Shell, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html><title>Owls</title><body><p>Owls see.</p></body></html>")
    shell.run("add", str(page), "--collection", "n")
    shell.run("add", "other", str(page), "--title", "Other", "--collection", "n")
    told = shell.tried("documents", "--collection", "n").stdout.splitlines()
    assert told == ["other\tOther", "page.html\tOwls"]
    assert_one_line(shell.tried("add", "x", str(tmp_path / "none.md"), "--collection", "n"), "none.md")
    (tmp_path / "empty.md").write_bytes(b"")
    assert_one_line(shell.tried("add", "x", str(tmp_path / "empty.md"), "--collection", "n"), "'x'", "empty")


def test_a_first_index_beside_a_worker_builds_once(shell: Shell, notes: Path, database: Engine) -> None:
    data = Path(shell.settings["REFRACT_DATA"])
    with worker(database, data):
        assert "Generation 1 is live" in shell.run("index", str(notes), "--collection", "n")
        (notes / "a.md").write_text("Whales dive.")
        assert "1 added to what is searched" in shell.run("index", str(notes), "--collection", "n")
    assert list_jobs(database) == []
    assert "generation 1 of n" in shell.run("search", "whales", "--collection", "n")
