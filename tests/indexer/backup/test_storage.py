"""Files that are whole or not there, on this machine and at addresses."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.backup.storage import Place
from search.errors import ConfigurationError

S3 = os.environ.get("REFRACT_TEST_S3", "")
"""A bucket that tests may write to (s3://name), with the usual AWS variables beside it."""

LARGE = 12 << 20
"""More than a store takes in one piece."""


@pytest.fixture(params=["path", "memory", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "path":
        yield Place(str(tmp_path))
    elif request.param == "memory":
        yield Place(f"memory://{uuid.uuid4()}")
    elif S3:
        yield Place(f"{S3}/{uuid.uuid4()}")
    else:
        pytest.skip("REFRACT_TEST_S3 names no bucket")


def test_a_file_that_was_written_is_read_at_any_place(folder: Place) -> None:
    place, content = folder.below("a.dump"), os.urandom(LARGE)
    assert not place.exists()
    with place.written() as file:
        file.write(content[:1000])
        file.write(content[1000:])
    assert (place.exists(), place.size(), folder.names()) == (True, LARGE, ["a.dump"])
    with place.opened() as file:
        assert file.read() == content
        file.seek(-10, os.SEEK_END)
        assert file.read(5) == content[-10:-5]
        assert file.seek(7) == 7
        assert file.read(3) == content[7:10]
    place.remove()
    assert not place.exists()
    assert folder.names() == []


@pytest.mark.parametrize("size", [10, LARGE])
def test_a_file_that_is_cut_off_is_not_there(folder: Place, size: int) -> None:
    place = folder.below("a.dump")

    class Stopped(Exception):
        pass

    def write() -> None:
        with place.written() as file:
            file.write(os.urandom(size))
            raise Stopped

    with pytest.raises(Stopped):
        write()
    assert not place.exists()
    assert folder.names() == []


def test_what_is_not_there_is_told(folder: Place) -> None:
    with pytest.raises(FileNotFoundError), folder.below("none.dump").opened():
        pass
    assert folder.below("none").names() == []


@pytest.mark.parametrize("address", ["nosuch://a/b", "simplecache::memory://a", "s3://", "s3:///"])
def test_an_address_that_cannot_be_used_is_one_line(address: str) -> None:
    with pytest.raises((ConfigurationError, FileNotFoundError)) as error, Place(address).opened():
        pass
    assert "\n" not in str(error.value)


def test_a_password_is_not_repeated() -> None:
    place = Place("sftp://me:secret@host/dumps")
    assert str(place.below("a.dump")) == "sftp://host/dumps/a.dump"
    assert place.below("a.dump").name == "a.dump"
