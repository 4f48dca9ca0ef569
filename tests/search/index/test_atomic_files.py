"""Files that are there whole or not at all, and are read only as they were written."""

from hashlib import sha256
from pathlib import Path

import pytest

from search.errors import IndexDamaged
from search.index.atomic_files import open_checked, write_file


def written(path: Path, content: bytes) -> str:
    return write_file(path, lambda temporary: temporary.write_bytes(content))


def read(path: Path, recorded: str) -> bytes:
    with open_checked(path, recorded) as file:
        return file.read()


def test_what_is_written_is_read_back_by_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "a.bin"
    first = written(path, b"one")
    assert first == sha256(b"one").hexdigest()
    assert read(path, first) == b"one"
    second = written(path, b"two")
    assert read(path, second) == b"two"
    assert [each.name for each in path.parent.iterdir()] == ["a.bin"]


@pytest.mark.parametrize("content", [b"", b"on", b"onE", b"one "])
def test_another_content_is_refused_by_the_files_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.bin"
    recorded = written(path, b"one")
    path.write_bytes(content)
    with pytest.raises(IndexDamaged, match=r"a\.bin is damaged"):
        read(path, recorded)


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexDamaged, match=r"a\.bin cannot be read: No such file"):
        read(tmp_path / "a.bin", sha256(b"").hexdigest())


def test_a_write_that_failed_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    recorded = written(path, b"one")

    def fail(temporary: Path) -> None:
        temporary.write_bytes(b"tw")
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_file(path, fail)
    assert read(path, recorded) == b"one"
    assert [each.name for each in tmp_path.iterdir()] == ["a.bin"]


def test_who_reads_a_file_that_is_replaced_goes_on_reading_the_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    with open_checked(path, written(path, b"one")) as file:
        written(path, b"two")
        assert file.read() == b"one"


def test_others_may_read_what_is_written(tmp_path: Path) -> None:
    path, plain = tmp_path / "a.bin", tmp_path / "plain"
    written(path, b"one")
    plain.write_bytes(b"one")
    assert path.stat().st_mode == plain.stat().st_mode


def test_two_that_write_the_same_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"

    def write(temporary: Path) -> None:
        temporary.write_bytes(b"one")
        written(path, b"two")  # another, begun later, is done first
        assert temporary.read_bytes() == b"one"

    recorded = write_file(path, write)
    assert read(path, recorded) == b"one"
