"""Keeps the vectors that were read lately from a server: a search finds some, and then works out of the same
ones what each is found for.

Shape suffixes: P vectors, D their width.
"""

from collections.abc import Callable
from threading import Lock

import cachetools
import numpy as np
from numpy.typing import NDArray

from search.index.faiss_index import FloatArray, IntArray

RECENT_BYTES = 32 << 20


class RecentVectors:
    """Holds vectors by row, as many as fit; those that were asked for least lately make room. It is safe to
    use from several threads."""

    def __init__(self, width: int, most_bytes: int = RECENT_BYTES) -> None:
        self._width = width
        self._held: cachetools.LRUCache[int, NDArray[np.float16]] = cachetools.LRUCache(
            most_bytes // (2 * width)
        )
        self._lock = Lock()

    def keep(self, rows: IntArray, x_PD: FloatArray) -> None:
        """Takes note of the vectors of some rows; they are float16 values."""
        narrow_PD = x_PD.astype(np.float16)
        with self._lock:
            for row, x_D in zip(rows.tolist(), narrow_PD, strict=True):
                # A copy: a part would keep all the others in memory.
                self._held[row] = x_D.copy()

    def of(self, rows: IntArray, read: Callable[[IntArray], FloatArray]) -> FloatArray:
        """Gives the vectors (P, D) of rows, no two the same and ascending; those that are not held are
        read."""
        x_PD = np.empty((len(rows), self._width), np.float32)
        with self._lock:
            found = [self._held.get(row) for row in rows.tolist()]
        lacking = np.array([x_D is None for x_D in found], bool)
        if not lacking.all():
            x_PD[~lacking] = [x_D for x_D in found if x_D is not None]
        if lacking.any():
            x_PD[lacking] = read(rows[lacking])
            self.keep(rows[lacking], x_PD[lacking])
        return x_PD
