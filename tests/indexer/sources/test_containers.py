"""Archives hold documents as folders do; none of them fills the memory or leaves its place."""

import bz2
import gzip
import hashlib
import io
import lzma
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from indexer.sources import Note, containers
from indexer.sources.containers import MAX_RATIO
from indexer.sources.document import MAX_BYTES, Part, UnreadableError
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


def tape(members: Mapping[str, str | bytes | tarfile.TarInfo]) -> bytes:
    """A tape of these members; those that are described are links, devices and the like."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as file:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                file.addfile(content)
            else:
                info, held = tarfile.TarInfo(name), content.encode() if isinstance(content, str) else content
                info.size = len(held)
                file.addfile(info, io.BytesIO(held))
    return data.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "a.tar": bytes,
    "a.tar.gz": gzip.compress,
    "A.TGZ": gzip.compress,
    "a.tar.bz2": bz2.compress,
    "a.tar.xz": lzma.compress,
    "b.tar.gz": bytes,  # whatever its name says
}


@pytest.mark.parametrize("name", PACKED)
def test_a_tape_is_read_as_an_archive_is_however_it_is_packed(tmp_path: Path, name: str) -> None:
    inner = archive({"s.txt": "Cells divide."})
    members: dict[str, str | bytes | tarfile.TarInfo] = {
        "b.md": "# Bats\n\nBats hunt.",
        "deep/w.txt": "Whales sing.",
        "x.exe": "x",
        "i.zip": inner,
    }
    found = written(
        tmp_path, name, PACKED[name](tape({**members, ".git/a.md": "x", "e.md": "", "in.mbox": BOX}))
    )
    ids = [f"{name}/{each}" for each in ("b.md", "deep/w.txt", "i.zip/s.txt", "in.mbox/a@x")]
    assert [each.id for each in found.documents] == ids
    assert found.documents[1].meta == {"format": "txt", "path": [f"{name}/", f"{name}/deep/"]}
    assert found.notes == [Note(name, "passed over: 1 .exe")]
    assert found.failures == {f"{name}/e.md": "it is empty"}


def test_links_of_a_tape_lead_nowhere_and_no_path_out_of_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("Nobody reads this.")
    members: dict[str, str | tarfile.TarInfo] = {
        "../../up.txt": "Whales sing.",
        "/etc/abs.txt": "Bats hunt.",
        "link.txt": special("link.txt", tarfile.SYMTYPE, str(secret)),
        "hard.txt": special("hard.txt", tarfile.LNKTYPE, str(secret)),
        "pipe.txt": special("pipe.txt", tarfile.FIFOTYPE),
        "null.txt": special("null.txt", tarfile.CHRTYPE),
        "folder": special("folder", tarfile.DIRTYPE),
    }
    found = written(tmp_path, "a.tar", tape(members))
    assert [each.id for each in found.documents] == ["a.tar/up.txt", "a.tar/etc/abs.txt"]
    assert found.notes == [Note("a.tar", "passed over: 4 that are links or devices")]
    assert not found.failures


def test_a_tape_that_breaks_off_is_read_up_to_there(tmp_path: Path) -> None:
    noise = {f"{number}.txt": hashlib.sha512(bytes([number])).hexdigest() * 50 for number in range(20)}
    whole = gzip.compress(tape({"first.txt": "Whales sing.", **noise}))
    found = written(tmp_path, "a.tar.gz", whole[: len(whole) // 2])
    assert found.texts[0] == "Whales sing."
    assert "a.tar.gz/" in found.failures
    for data, reason in (
        (b"no tape at all" * 99, "no archive"),
        (gzip.compress(b"x" * 999), "no archive"),
        (tape({}), "it is empty"),
        (b"", "no archive"),
    ):
        assert reason in written(tmp_path, "b.tar.gz", data).failures["b.tar.gz/"]


def test_a_tape_that_unpacks_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "MAX_STREAM", 1 << 20)
    data = io.BytesIO(gzip.compress(tape({"a.txt": "Whales.", "b.bin": bytes(8 << 20), "c.txt": "Bats."})))
    parts = list[Part]()
    with pytest.raises(UnreadableError, match="it unpacks to more than"):
        parts.extend(containers.read_archive(data, ".tar.gz"))
    large = gzip.compress(tape({"large.txt": bytes(MAX_BYTES + 1), "c.txt": "Bats hunt."}))
    found = written(tmp_path, "a.tgz", large)
    assert found.failures == {"a.tgz/large.txt": "it unpacks to more than 64 MiB"}
    assert found.texts == ["Bats hunt."]


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_source_code_in_an_archive_is_read_where_code_is_asked_for(tmp_path: Path, name: str) -> None:
    members: dict[str, str | bytes] = {
        "p/m.py": "def f():\n    return 1\n",
        "p/a.go": "package a",
        "p/node_modules/x.js": "x",
        "p/a.min.js": "x",
        "README.md": "Whales sing.",
    }
    data = archive(members) if name == "a.zip" else gzip.compress(tape(members))
    found = written(tmp_path, name, data)
    assert [each.id for each in found.documents] == [f"{name}/README.md"]
    assert found.notes == [Note(name, "passed over: 2 .js, 1 .py, 1 .go")]
    found = read_source(tmp_path / name, "code")
    ids = sorted(each.id for each in found.documents)
    assert ids == [f"{name}/README.md", f"{name}/p/a.go", f"{name}/p/m.py/f"]
