"""Embeddings on disk: a folder of float16 shards that are written whole, resumed, and read memory-mapped.

    shards.json          the vector space, the width, what the texts are
    00000.npy, ...       (rows, width) each; a shard is there completely or not at all

Shape suffixes: N rows, D embedding width.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from search.errors import DictionaryError

SHARD_ROWS = 16_384
MANIFEST = "shards.json"

Embed = Callable[[Sequence[str]], NDArray[np.float16]]


@dataclass(frozen=True)
class Shards:
    """The rows of a folder as one (N, D) array that stays on disk: `len(x)`, `x[slice]` and `x[ids]`."""

    parts: tuple[NDArray[np.float16], ...]
    starts: NDArray[np.int64]
    manifest: dict[str, Any]

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Opens what `write_shards` wrote.

        Raises:
            DictionaryError: no shards, or one that is cut, of another width, or holds what is no number.
        """
        try:
            manifest = dict(json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise DictionaryError(f"No embeddings can be read from {folder}: {error}.") from None
        parts = tuple(_read(path, int(manifest["width"])) for path in _files(folder))
        if not parts:
            raise DictionaryError(f"{folder} holds no embeddings yet.", hint="Embed texts into it first.")
        starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
        return cls(parts, starts, manifest)

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __getitem__(self, rows: "slice | NDArray[np.int64]") -> NDArray[np.float16]:
        ids = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else np.asarray(rows)
        found = np.empty((len(ids), int(self.manifest["width"])), np.float16)
        part_N = np.searchsorted(self.starts, ids, side="right") - 1
        for part in np.unique(part_N):
            here = part_N == part
            found[here] = self.parts[part][ids[here] - self.starts[part]]
        return found


def write_shards(
    folder: Path,
    texts: Iterable[str],
    embed: Embed,
    *,
    manifest: dict[str, Any],
    on_rows: Callable[[int], None] = lambda _: None,
) -> Shards:
    """Embeds texts into a folder, going on after the last whole shard that is there.

    `manifest` says what makes the rows comparable (`width` and the vector space) and what the texts are; a
    folder with another one is refused. `on_rows(n)` hears of the rows found and of each shard's as they come.

    Raises:
        DictionaryError: the folder holds embeddings of other texts or another model.
    """
    _claim(folder, manifest)
    done = len(_files(folder))
    iterator = iter(texts)
    for _ in islice(iterator, done * SHARD_ROWS):
        pass
    on_rows(done * SHARD_ROWS)
    for number, chunk in enumerate(_chunks(iterator, SHARD_ROWS), start=done):
        order = sorted(range(len(chunk)), key=lambda i: -len(chunk[i]))  # alike lengths: little padding
        x_ND = np.empty((len(chunk), int(manifest["width"])), np.float16)
        x_ND[order] = embed([chunk[i] for i in order])
        _write(folder / f"{number:05}.npy", x_ND)
        on_rows(len(chunk))
    return Shards.open(folder)


def _claim(folder: Path, manifest: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MANIFEST
    if not path.exists():
        path.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    elif json.loads(path.read_text(encoding="utf-8")) != manifest:
        raise DictionaryError(
            f"{folder} holds embeddings of other texts, or of another model.", hint="Choose an empty folder."
        )


def _write(path: Path, x_ND: NDArray[np.float16]) -> None:
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.save(file, x_ND)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9][0-9][0-9][0-9][0-9].npy"))


def _read(path: Path, width: int) -> NDArray[np.float16]:
    try:
        part: NDArray[np.float16] = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise DictionaryError(
            f"The shard {path} is damaged: {error}.", hint="Delete it and embed again."
        ) from None
    if part.ndim != 2 or part.shape[1] != width or part.dtype != np.float16:
        raise DictionaryError(
            f"The shard {path} is {part.dtype}{list(part.shape)}, not float16 and {width} wide.",
            hint="Delete it and embed again.",
        )
    bad = np.flatnonzero(~np.isfinite(part).all(axis=1))
    if len(bad):
        raise DictionaryError(
            f"Row {bad[0]} of the shard {path} holds what is no number.", hint="Delete it and embed again."
        )
    return part


def _chunks(items: Iterator[str], size: int) -> Iterator[list[str]]:
    while chunk := list(islice(items, size)):
        yield chunk
