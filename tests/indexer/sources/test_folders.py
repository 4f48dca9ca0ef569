"""Folders: what is read of them, what is left out, and what the report says of it."""

from pathlib import Path

import pytest

from indexer.sources import Note, SourceDocument, open_source
from search.errors import SourceError


def filled(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("Whales sing.")
    return folder


def ids(folder: Path, *exclude: str) -> list[str]:
    return [item.id for item in open_source(folder, exclude=exclude) if isinstance(item, SourceDocument)]


def notes(folder: Path, *exclude: str) -> list[str]:
    return [item.text for item in open_source(folder, exclude=exclude) if isinstance(item, Note)]


def test_gitignore_files_are_heeded_as_git_heeds_them(tmp_path: Path) -> None:
    names = [
        "a.md",
        "node_modules/x/README.md",
        "build/out.md",
        "docs/build/out.md",
        "docs/draft.md",
        "docs/keep.md",
    ]
    filled(tmp_path, *names, "docs/deep/draft.md", "a.log.txt", "keep.log.txt")
    (tmp_path / ".gitignore").write_text(
        "# made\nnode_modules/\n/build\n*.log.txt\n!keep.log.txt\ndraft.md\n!\n"
    )
    (tmp_path / "docs" / "deep" / ".gitignore").write_text("!draft.md\n")
    assert ids(tmp_path) == [
        "a.md",
        "docs/build/out.md",
        "docs/deep/draft.md",
        "docs/keep.md",
        "keep.log.txt",
    ]
    assert notes(tmp_path) == ["left out by .gitignore or excluded: 2 files and 2 folders"]


def test_patterns_of_the_user_come_first(tmp_path: Path) -> None:
    filled(tmp_path, "a.md", "b.md", "vendor/c.md", "vendor/LICENSE.txt", "deep/vendor/d.md")
    (tmp_path / ".gitignore").write_text("b.md\n")
    assert ids(tmp_path, "vendor/", "!b.md") == ["a.md", "b.md"]
    assert ids(tmp_path, "/vendor/*.md") == ["a.md", "deep/vendor/d.md", "vendor/LICENSE.txt"]


@pytest.mark.parametrize("pattern", ["!", "[", "a[b", "x[]", "[!]", "", "  ", "# all"])
def test_what_is_no_pattern_is_named(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(SourceError, match="is no pattern") as told:
        open_source(filled(tmp_path, "a.md"), exclude=["*.log", pattern])
    assert repr(pattern) in str(told.value)


@pytest.mark.parametrize("pattern", [r"\[a\].md", "[[]a].md", "[]x[]a[]].md"])
def test_brackets_are_lists_of_letters_or_escaped(tmp_path: Path, pattern: str) -> None:
    assert ids(filled(tmp_path, "[a].md", "b.md"), pattern) == ["b.md"]


def test_files_of_other_kinds_are_counted_by_their_kind(tmp_path: Path) -> None:
    filled(tmp_path, "a.md", "b.PNG", "c.png", "deep/d.mp4", "Makefile", ".hidden.png", "~$x.docx", "x.md~")
    assert notes(tmp_path) == ["passed over: 2 .png, 1 without an ending, 1 .mp4"]
    filled(tmp_path, *(f"x.k{number}" for number in range(20)))
    (told,) = notes(tmp_path)
    assert told.endswith(", 11 of other kinds")


def test_a_folder_without_files_to_read_says_what_it_holds(tmp_path: Path) -> None:
    filled(tmp_path, "b.png", "c.md")
    with pytest.raises(SourceError, match=r"no file that can be read \(passed over: 1 .png\) \(left out by"):
        open_source(tmp_path, exclude=["*.md"])


def test_documents_know_the_folders_that_they_are_in(tmp_path: Path) -> None:
    filled(tmp_path, "a.md", "projects/b.md", "projects/sea/c.md")
    found = {
        item.id: item.meta.get("path") for item in open_source(tmp_path) if isinstance(item, SourceDocument)
    }
    assert found == {
        "a.md": None,
        "projects/b.md": ["projects/"],
        "projects/sea/c.md": ["projects/", "projects/sea/"],
    }
