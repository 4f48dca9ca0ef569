"""Searches the index of a generation in segments: what it was built with, and what was added since.

A generation is built once and then keeps up with its documents: passages of new ones are added behind those
it was built with, and those that are no longer live are passed over (see `search.index.live_docs`).

Shape suffixes: M all passages of a generation, N those that are visible, D embedding width.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from search.index.faiss_index import FaissIndex, FloatArray, IntArray, VectorIndex


@dataclass(frozen=True, eq=False)
class SegmentedIndex:
    """Searches the index of a generation together with that of the passages added since, without those
    hidden.

    Passages are numbered 0 to N - 1 in the order of `number_N`, their numbers in the generation. It is exact
    where the base index is.
    """

    base: VectorIndex
    added: FaissIndex | None
    number_N: IntArray

    def __len__(self) -> int:
        return len(self.number_N)

    def search(
        self, q_QD: FloatArray, k: int, allowed_N: NDArray[np.bool_] | None = None
    ) -> tuple[FloatArray, IntArray]:
        """Finds scores and passages (Q, at most k), best first, of those passages that are allowed."""
        allowed = self._visible if allowed_N is None else self._halves(self.number_N[allowed_N])
        scores, ids = self.base.search(q_QD, k, allowed[0])
        if self.added is not None:
            more, later = self.added.search(q_QD, k, allowed[1])
            scores, ids = _merged(scores, ids, more, later + len(self.base))
        return scores[:, :k], ids[:, :k] if self._all else np.searchsorted(self.number_N, ids[:, :k])

    @property
    def width(self) -> int:
        return self.base.width

    @property
    def exact(self) -> bool:
        return self.base.exact

    def only(self, number_N: IntArray) -> "SegmentedIndex":
        """The same segments, of which passages of these numbers alone are visible."""
        return replace(self, number_N=number_N)

    def vectors(self, ids: IntArray) -> FloatArray:
        """Gives the stored vectors (len(ids), D)."""
        number_N = self.number_N[np.asarray(ids, dtype=np.int64)]
        if self.added is None:
            return self.base.vectors(number_N)
        later = number_N >= len(self.base)
        x_ND = np.empty((len(number_N), self.base.width), np.float32)
        x_ND[~later] = self.base.vectors(number_N[~later])
        x_ND[later] = self.added.vectors(number_N[later] - len(self.base))
        return x_ND

    @cached_property
    def _all(self) -> bool:
        """Whether all passages are visible, so that they are numbered as in their generation."""
        return len(self) == len(self.base) + (len(self.added) if self.added is not None else 0)

    @cached_property
    def _visible(self) -> tuple[NDArray[np.bool_] | None, NDArray[np.bool_] | None]:
        return self._halves(self.number_N)

    def _halves(self, numbers: IntArray) -> tuple[NDArray[np.bool_] | None, NDArray[np.bool_] | None]:
        """Splits numbers into the vectors of each of the two indexes that may be found; None: all."""
        sizes = len(self.base), len(self.added) if self.added is not None else 0
        allowed_M = np.zeros(sum(sizes), np.bool_)
        allowed_M[numbers] = True
        first, second = allowed_M[: sizes[0]], allowed_M[sizes[0] :]
        return None if first.all() else first, None if second.all() else second


def _merged(
    scores: FloatArray, ids: IntArray, more: FloatArray, later: IntArray
) -> tuple[FloatArray, IntArray]:
    scores, ids = np.concatenate([scores, more], axis=1), np.concatenate([ids, later], axis=1)
    order = np.lexsort((ids, -scores), axis=1)
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1)
