"""A folder of odd files, as people have them: nothing is lost, and the report adds up."""

import re
from pathlib import Path

import pytest

from indexer.sources import Failure, Item, Note, SourceDocument, open_source
from tests.support.hostile import SECRET, write_all
from tests.support.hostile import files as hostile_files
from tests.support.odd_files import IGNORED, KINDS, OTHERS, documents, refused, texts, write_odd_folder

pytestmark = pytest.mark.slow

MARKER = "Whales sing at night."


def said(_: str) -> str:
    return MARKER


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("odd")
    write_odd_folder(root, said)
    return root


@pytest.fixture(scope="module")
def items(folder: Path) -> list[Item]:
    return list(open_source(folder, exclude=["/drafts/"]))


def test_every_text_is_found_whole(items: list[Item]) -> None:
    given = [name for name, _ in (*texts(said), *documents(said))]
    found = {item.id: " ".join(item.text.split()) for item in items if isinstance(item, SourceDocument)}
    assert len(given) >= 150
    assert [name for name in given if MARKER not in found.get(name, "")] == []
    assert sorted(found) == sorted(given)


def test_everything_else_is_named_with_a_reason(items: list[Item]) -> None:
    failed = {item.name: item.reason for item in items if isinstance(item, Failure)}
    assert sorted(failed) == sorted(name for name, _ in refused())
    assert all(len(reason) > 10 for reason in failed.values())


def test_the_report_adds_up(folder: Path, items: list[Item]) -> None:
    notes = {item.text for item in items if isinstance(item, Note) and item.name == f"{folder.name}/"}
    other, ignored = sorted(notes, reverse=True)
    assert sum(int(count) for count in re.findall(r"(\d+) \.", other)) == len(OTHERS)
    assert ignored == "left out by .gitignore or excluded: 1 file and 2 folders"
    read = sum(isinstance(item, SourceDocument) for item in items)
    failed = sum(isinstance(item, Failure) for item in items)
    on_disk = sum(path.is_file() for path in folder.rglob("*"))
    unseen = 3  # .git/a.md, ~$a.docx, .gitignore
    assert read + failed + len(OTHERS) + len(IGNORED) + unseen == on_disk


def test_what_was_assumed_is_noted(items: list[Item]) -> None:
    noted = {item.name for item in items if isinstance(item, Note)}
    for encoding in ("utf-16-le", "cp1252", "latin-1"):
        assert {f"encodings/{encoding}.{kind}" for kind in KINDS} <= noted
    assert {"front/broken.md", "front/torn.md", "front/bomb.md", "book.epub", "amp.docx", "page.pdf"} <= noted


def test_what_is_made_to_harm_is_read_or_named_and_brings_in_nothing(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    (folder := tmp_path / "hostile").mkdir()
    names = write_all(folder, hostile_files(tmp_path / "secret"))
    (folder / "zz.txt").write_text(MARKER)
    items = list(open_source(folder))
    read = {item.id: item.text for item in items if isinstance(item, SourceDocument)}
    failed = {item.name: item.reason for item in items if isinstance(item, Failure)}
    assert sorted(read.keys() | failed.keys()) == sorted([*names, "zz.txt"])
    assert read["zz.txt"] == MARKER
    assert [name for name, text in read.items() if SECRET in text or len(text) > 1_000_000] == []
    assert all(len(reason) > 10 for reason in failed.values())
