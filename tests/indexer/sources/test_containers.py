"""Archives hold documents as folders do; none of them fills the memory or leaves its place."""

from pathlib import Path

import pytest

from indexer.sources import Note
from indexer.sources.containers import MAX_RATIO
from tests.support.office import archive
from tests.support.sources import read_source, written

pytestmark = pytest.mark.slow

BOX = "From a Wed May  1 10:00:00 2024\nMessage-ID: <a@x>\nSubject: Sea\n\nOwls see.\n"


def test_the_files_of_an_archive_are_documents_by_their_paths(tmp_path: Path) -> None:
    found = written(
        tmp_path, "a.zip", archive({"b.md": "# Bats\n\nBats hunt.", "deep/w.txt": "Whales sing."})
    )
    bats, whales = found.documents
    assert (bats.id, bats.title, bats.text, bats.meta["format"]) == ("a.zip/b.md", "Bats", "Bats hunt.", "md")
    assert (whales.id, whales.title, whales.meta["path"]) == (
        "a.zip/deep/w.txt",
        "w",
        ["a.zip/", "a.zip/deep/"],
    )


def test_archives_and_mailboxes_in_an_archive_are_read_and_deeper_ones_named(tmp_path: Path) -> None:
    third = archive({"t.txt": "Cells divide."})
    second = archive({"s.txt": "Bats hunt.", "third.zip": third})
    found = written(tmp_path, "a.zip", archive({"second.zip": second, "in.mbox": BOX}))
    assert [each.id for each in found.documents] == ["a.zip/second.zip/s.txt", "a.zip/in.mbox/a@x"]
    assert [each.meta["format"] for each in found.documents] == ["txt", "mbox"]
    assert found.failures.keys() == {"a.zip/second.zip/third.zip/"}


def test_other_kinds_are_counted_and_what_is_hidden_passed_over(tmp_path: Path) -> None:
    inner = archive({"c.exe": "x", ".git/a.txt": "x"})
    files: dict[str, str | bytes] = {
        "a.txt": "Whales sing.",
        "b.exe": "x",
        "LICENSE": "x",
        "~$a.docx": "x",
        "__MACOSX/._a.txt": "x",
        "i.zip": inner,
    }
    found = written(tmp_path, "a.zip", archive(files))
    assert found.texts == ["Whales sing."]
    assert found.notes == [Note("a.zip", "passed over: 2 .exe, 1 without an ending")]
    assert not found.failures


@pytest.mark.parametrize(
    "name", ["../../etc/a.txt", "/etc/a.txt", "..\\..\\etc\\a.txt", "./etc//a.txt", "etc/b/../a.txt"]
)
def test_no_path_leads_out_of_an_archive(tmp_path: Path, name: str) -> None:
    found = written(tmp_path, "a.zip", archive({name: "Whales sing."}))
    assert [each.id for each in found.documents] == ["a.zip/etc/a.txt"]


def encrypted(data: bytes) -> bytes:
    """The same archive whose members say that they are."""
    local, central = data.index(b"PK\3\4"), data.index(b"PK\1\2")
    changed = bytearray(data)
    changed[local + 6] |= 1
    changed[central + 8] |= 1
    return bytes(changed)


def test_members_that_cannot_be_read_cost_themselves(tmp_path: Path) -> None:
    bomb = archive({"bomb.txt": bytes(MAX_RATIO << 12), "b.txt": "Bats hunt."})
    assert "times its size" in (found := written(tmp_path, "a.zip", bomb)).failures["a.zip/bomb.txt"]
    assert found.texts == ["Bats hunt."]
    locked = written(tmp_path, "a.zip", encrypted(archive({"a.txt": "Whales.", "b.txt": "Bats hunt."})))
    assert "it is encrypted" in locked.failures["a.zip/a.txt"]
    assert locked.texts == ["Bats hunt."]
    damaged = archive({"a.pdf": "no PDF", "b.txt": "Bats hunt.", "c.zip": "PK no", "d.md": ""})
    found = written(tmp_path, "a.zip", damaged)
    assert found.failures.keys() == {"a.zip/a.pdf", "a.zip/c.zip/", "a.zip/d.md"}
    assert found.texts == ["Bats hunt."]


def test_bytes_are_counted_as_they_come_and_not_as_they_are_claimed(tmp_path: Path) -> None:
    data = archive({"a.txt": b"whale " * 1_000, "b.txt": "Bats hunt."})
    lying = bytearray(data)
    at = data.index(b"PK\1\2") + 24
    lying[at : at + 4] = (5).to_bytes(4, "little")
    found = written(tmp_path, "a.zip", bytes(lying))
    assert "Bats hunt." in found.texts


def test_what_breaks_off_or_is_no_archive_says_so(tmp_path: Path) -> None:
    assert "it is no archive" in written(tmp_path, "a.zip", b"PK\3\4 no").failures["a.zip/"]
    whole = archive({"a.txt": "Whales sing."})
    assert "it is no archive" in written(tmp_path, "a.zip", whole[:-30]).failures["a.zip/"]
    assert not read_source(tmp_path).documents
