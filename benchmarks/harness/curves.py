"""A curve of steering shows how precise a method is at what it costs in relevance.

Shape suffixes: Q questions, R results.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.steering_methods import RESULTS, Corpus, Method

KEPT = 0.6
ALSO_KEPT = (0.9, 0.8, 0.7)


@dataclass(frozen=True)
class Point:
    """Holds one strength of one method: the mean relevance kept, and the mean precision."""

    strength: float
    kept: float
    precision: float


def curve(corpus: Corpus, method: Method) -> list[Point]:
    """Computes relevance kept and precision at each strength, over all questions and books."""
    base_Q = best_relevance(corpus.relevance_QN)
    points = []
    for strength in method.strengths:
        kept, precision = [], []
        for book in range(len(corpus.members)):
            results_QR = method.steer(book, strength)
            kept.append(np.take_along_axis(corpus.relevance_QN, results_QR, 1).mean(axis=1) / base_Q)
            precision.append((corpus.books.book_N[results_QR] == book).mean())
        points.append(Point(strength, float(np.mean(kept)), float(np.mean(precision))))
    return points


def precision_at(points: list[Point], kept: float) -> float | None:
    """Reads the precision where a curve falls to that share of relevance, None if it never does."""
    for before, after in pairwise(points):
        if after.kept <= kept <= before.kept:
            part = (before.kept - kept) / max(before.kept - after.kept, 1e-12)
            return before.precision + part * (after.precision - before.precision)
    return None


def best_relevance(relevance_QN: NDArray[np.float32]) -> NDArray[np.float32]:
    """Computes the mean relevance of the unsteered results of each question."""
    best_Q: NDArray[np.float32] = np.sort(relevance_QN, axis=1)[:, -RESULTS:].mean(axis=1)
    return best_Q
