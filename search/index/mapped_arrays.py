"""Keeps arrays in a file that is mapped into memory: however many processes read it, there is one copy of it.

The file is one of safetensors: how long its header is, the header with the type, shape and place of each
array, and the arrays one after another. (That library reads a file into memory, and writes one that nobody
else may read.)
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import IndexDamaged
from search.index.atomic_files import open_checked, write_file

TYPES = {
    "U8": np.uint8,
    "U16": np.uint16,
    "U32": np.uint32,
    "I32": np.int32,
    "I64": np.int64,
    "U64": np.uint64,
    "F32": np.float32,
}

NAMES = {np.dtype(kind): name for name, kind in TYPES.items()}
ALIGNED = 64  # bytes

Arrays = dict[str, NDArray[Any]]


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> str:
    """Writes arrays, by name, into a file; gives its SHA-256."""
    return write_file(path, lambda temporary: _write(temporary, arrays))


def _write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    widest_first = sorted(arrays, key=lambda name: -arrays[name].itemsize)  # so that each begins at its own
    ends = np.cumsum([0, *(arrays[name].nbytes for name in widest_first)]).tolist()
    places = {
        name: {
            "dtype": NAMES[arrays[name].dtype],
            "shape": arrays[name].shape,
            "data_offsets": ends[at : at + 2],
        }
        for at, name in enumerate(widest_first)
    }
    header = json.dumps(places).encode()
    header += b" " * (-(8 + len(header)) % ALIGNED)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for name in widest_first:
            file.write(np.ascontiguousarray(arrays[name]).data)


def map_arrays(path: Path, sha256: str, names: Iterable[str]) -> Arrays:
    """Maps what `save_arrays` wrote, arrays of these names: they cannot be written to.

    Raises:
        IndexDamaged: the file is missing, is not the one that was written, has not the size it tells, or
            holds something else.
    """
    with open_checked(path, sha256) as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        begin = 8 + size
        ends = (place["data_offsets"][1] for place in header.values())
        if os.fstat(file.fileno()).st_size != begin + max(ends, default=0):
            raise IndexDamaged(f"The index file {path} is damaged: its size is not the one it tells.")
        if header.keys() != set(names):
            raise IndexDamaged(f"The index file {path} was written by another version of Refract.")
        return {name: _mapped(file, begin, **place) for name, place in header.items()}


def _mapped(file: Any, begin: int, *, dtype: str, shape: list[int], data_offsets: list[int]) -> NDArray[Any]:
    kind = TYPES[dtype]
    if 0 in shape:  # nothing cannot be mapped
        return np.zeros(shape, kind)
    # A mapping for each array: of a view of a larger one scipy makes a copy of its own.
    return np.asarray(np.memmap(file, kind, "r", begin + data_offsets[0], tuple(shape)))
