"""What jobs may read and write."""

from pathlib import Path

import pytest

from indexer.jobs.places import Places
from search.errors import InvalidRequest


def test_a_path_below_an_allowed_folder_is_found(tmp_path: Path) -> None:
    places = Places.of([str(tmp_path), "s3://bucket/dumps"], tmp_path)
    assert places.find(str(tmp_path / "a" / "b.csv")) == str(tmp_path / "a" / "b.csv")
    assert places.find("all.dump") == str(tmp_path / "all.dump")
    assert places.find(str(tmp_path)) == str(tmp_path)
    assert places.find("s3://bucket/dumps/all.dump") == "s3://bucket/dumps/all.dump"


def test_a_data_folder_has_a_place_for_this(tmp_path: Path) -> None:
    places = Places.of([], tmp_path)
    assert (tmp_path / "exchange").is_dir()
    assert places.find("notes.md") == str(tmp_path / "exchange" / "notes.md")
    with pytest.raises(InvalidRequest, match="outside of what jobs may use"):
        places.find(str(tmp_path / "postgres"))


def test_everything_is_allowed_where_that_is_said() -> None:
    assert Places(("/",)).find("/etc/hosts") == "/etc/hosts"


@pytest.mark.parametrize(
    "given",
    [
        "/etc/passwd",
        "../outside.csv",
        "inside/../../outside.csv",
        "link/secret.csv",
        "/proc/self/environ",
        "a\0b",
        "file:///etc/passwd",
        "s3://other/all.dump",
        "s3://bucket/dumps-of-others/all.dump",
        "s3://bucket/dumps/../other.dump",
        "s3://bucket/dumps/%2e%2e/other.dump",
        "simplecache::s3://bucket/dumps/all.dump",
        "s3://bucket/dumps/x::file:///etc/passwd",
    ],
)
def test_what_is_outside_is_refused(tmp_path: Path, given: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path)
    places = Places((str(inside), "s3://bucket/dumps"))
    with pytest.raises(InvalidRequest, match="outside of what jobs may use"):
        places.find(given)
