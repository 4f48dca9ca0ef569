"""Files that are there whole or not at all, and are read only as they were written."""

from hashlib import sha256
from pathlib import Path

import pytest

from search.errors import IndexDamaged
from search.index.atomic_files import read_file, write_file


def test_what_is_written_is_read_back_by_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "a.bin"
    first = write_file(path, b"one")
    assert first == sha256(b"one").hexdigest()
    assert read_file(path, first) == b"one"
    second = write_file(path, b"two")
    assert read_file(path, second) == b"two"
    assert [each.name for each in path.parent.iterdir()] == ["a.bin"]


@pytest.mark.parametrize("content", [b"", b"on", b"onE", b"one "])
def test_another_content_is_refused_by_the_files_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.bin"
    recorded = write_file(path, b"one")
    path.write_bytes(content)
    with pytest.raises(IndexDamaged, match=r"a\.bin is damaged"):
        read_file(path, recorded)


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexDamaged, match=r"a\.bin cannot be read: No such file"):
        read_file(tmp_path / "a.bin", sha256(b"").hexdigest())


def test_a_write_that_failed_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    recorded = write_file(path, b"one")
    (tmp_path / "a.bin.part").mkdir()  # nothing can be written under the temporary name
    with pytest.raises(OSError, match=r"a\.bin\.part"):
        write_file(path, b"two")
    assert read_file(path, recorded) == b"one"
