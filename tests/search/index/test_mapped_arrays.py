"""Arrays in a file that is mapped: what was written, without a copy, and not to be written to."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from search.errors import IndexDamaged
from search.index.mapped_arrays import TYPES, Arrays, map_arrays, save_arrays

RNG = np.random.default_rng(0)


@pytest.fixture
def arrays() -> Arrays:
    many = {name: RNG.integers(0, 100, 7).astype(kind) for name, kind in TYPES.items()}
    return many | {"table": RNG.random((3, 5)).astype(np.float32).T, "nothing": np.zeros((0, 4), np.int64)}


def test_arrays_come_back_as_they_were(arrays: Arrays, tmp_path: Path) -> None:
    path = tmp_path / "arrays"
    mapped = map_arrays(path, save_arrays(path, arrays), arrays)
    assert mapped.keys() == arrays.keys()
    for name, array in arrays.items():
        assert mapped[name].dtype == array.dtype
        assert mapped[name].flags.aligned
        np.testing.assert_array_equal(mapped[name], array)
    with pytest.raises(ValueError, match="read-only"):
        mapped["table"][0, 0] = 1


def test_the_file_is_one_that_a_library_reads(arrays: Arrays, tmp_path: Path) -> None:
    path = tmp_path / "arrays"
    save_arrays(path, arrays)
    read = load_file(path)
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)


def test_what_is_mapped_stays_though_the_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "arrays"
    first = map_arrays(path, save_arrays(path, {"a": np.arange(100_000)}), "a")
    second = map_arrays(path, save_arrays(path, {"a": np.zeros(10, np.int64)}), "a")
    path.unlink()
    np.testing.assert_array_equal(first["a"], np.arange(100_000))
    assert not second["a"].any()


@pytest.mark.parametrize("change", [-1, 1])
def test_a_file_of_another_size_than_it_tells_is_refused(tmp_path: Path, change: int) -> None:
    path = tmp_path / "arrays"
    save_arrays(path, {"a": np.arange(10)})
    content = path.read_bytes()[:-1] if change < 0 else path.read_bytes() + b"0"
    path.write_bytes(content)
    with pytest.raises(IndexDamaged, match="its size is not the one it tells"):
        map_arrays(path, hashlib.sha256(content).hexdigest(), "a")


@pytest.mark.parametrize("names", ["", "b", "ab"])
def test_a_file_with_other_arrays_is_refused(tmp_path: Path, names: str) -> None:
    path = tmp_path / "arrays"
    sha256 = save_arrays(path, {"a": np.arange(10)})
    with pytest.raises(IndexDamaged, match="another version"):
        map_arrays(path, sha256, names)
