"""Vectors that were read lately are not read again, and are what was read."""

import numpy as np

from search.index.faiss_index import FloatArray, IntArray
from search.index.recent_vectors import RecentVectors

X_ND = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float16).astype(np.float32)


class Reading:
    def __init__(self) -> None:
        self.rows: list[int] = []

    def __call__(self, rows: IntArray) -> FloatArray:
        self.rows += rows.tolist()
        return X_ND[rows]


def test_only_what_is_not_there_is_read() -> None:
    recent, read = RecentVectors(4), Reading()
    recent.keep(np.array([7, 3]), X_ND[[7, 3]])
    for rows in (np.array([1, 3, 7, 9]), np.array([3]), np.zeros(0, np.int64), np.array([1, 2, 9])):
        np.testing.assert_array_equal(recent.of(rows, read), X_ND[rows])
    assert read.rows == [1, 9, 2]


def test_what_was_asked_for_least_lately_makes_room() -> None:
    recent, read = RecentVectors(4, most_bytes=3 * 4 * 2), Reading()
    for row in (1, 2, 3, 1, 4, 1, 2):
        recent.of(np.array([row]), read)
    assert read.rows == [1, 2, 3, 4, 2]
    np.testing.assert_array_equal(recent.of(np.arange(50), read), X_ND)
