"""Trials: does a name tell the passages that fire a feature from those that do not?

Shape suffixes: N passages, D embedding width, F features, C candidate names.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from search.dictionary import Dictionary

HALF_ROWS = 20_000
CASES = 60  # passages of each kind in one trial

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Half:
    """One half of the passages: row numbers in the collection, vectors, activations by feature."""

    rows: IntArray
    x_ND: FloatArray
    acts_NF: csc_matrix

    def firing(self, feature: int) -> tuple[IntArray, FloatArray]:
        """The passages (rows of this half) that fire a feature, and how strongly."""
        at = slice(self.acts_NF.indptr[feature], self.acts_NF.indptr[feature + 1])
        return self.acts_NF.indices[at], self.acts_NF.data[at]


@dataclass(frozen=True)
class Trial:
    """Vectors of passages that fire a feature, how strongly they do, and vectors of others."""

    firing_ND: FloatArray
    activation_N: FloatArray
    others_ND: FloatArray

    def auc(self, names_CD: FloatArray, *, weighted: bool = False) -> FloatArray:
        """For each name: how often a firing passage is nearer to it than another one (a tie counts half).

        Firing passages count alike, or by how strongly they fire.
        """
        if not len(self.firing_ND) or not len(self.others_ND):
            return np.full(len(names_CD), 0.5, np.float32)
        firing_CN1 = (names_CD @ self.firing_ND.T)[:, :, None]
        others_C1N = (names_CD @ self.others_ND.T)[:, None, :]
        wins_CN = ((firing_CN1 > others_C1N).mean(axis=2) + (firing_CN1 >= others_C1N).mean(axis=2)) / 2
        weights_N = self.activation_N if weighted else np.ones_like(self.activation_N)
        return np.asarray(wins_CN @ weights_N / weights_N.sum(), dtype=np.float32)


def halves(x_ND: NDArray[Any], acts: csr_matrix, seed: int) -> tuple[Half, Half]:
    """Two disjoint random samples of the passages, of at most HALF_ROWS each."""
    order = np.random.default_rng(seed).permutation(acts.shape[0])
    middle = len(order) // 2
    first, second = (np.sort(part[:HALF_ROWS]) for part in (order[:middle], order[middle:]))
    return _half(first, x_ND, acts), _half(second, x_ND, acts)


def _half(rows: IntArray, x_ND: NDArray[Any], acts: csr_matrix) -> Half:
    return Half(rows, x_ND[rows].astype(np.float32), acts[rows].tocsc())


def trials(block: IntArray, half: Half, dictionary: Dictionary, seed: int) -> Iterator[Trial]:
    """For each feature passages from its whole range of activations, and as many that do not fire it:
    half of those the nearest to its direction, half at random."""
    near_FN = dictionary.w_dec_FD[block] @ half.x_ND.T
    for near_N, feature in zip(near_FN, block.tolist(), strict=True):
        rows, values = half.firing(feature)
        ranked = np.argsort(values, kind="stable")
        spread = ranked[np.unique(np.linspace(0, len(ranked) - 1, min(CASES, len(ranked))).astype(int))]
        near_N[rows] = -np.inf
        silent = np.flatnonzero(near_N > -np.inf)
        others = _others(near_N, silent, np.random.default_rng((seed, feature)))
        yield Trial(half.x_ND[rows[spread]], values[spread], half.x_ND[others])


def _others(near_N: FloatArray, silent: IntArray, rng: np.random.Generator) -> IntArray:
    if len(silent) <= CASES:
        return silent
    hard = silent[np.argpartition(-near_N[silent], CASES // 2)[: CASES // 2]]
    return np.union1d(hard, rng.choice(silent, CASES // 2, replace=False))
