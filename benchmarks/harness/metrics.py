"""The metrics say how good rankings are, question by question, by `ir_measures` (MacAvaney et al. 2022)."""

from collections.abc import Mapping, Sequence

import ir_measures
import numpy as np
from ir_measures import R, nDCG
from numpy.typing import NDArray

MOST_RELEVANT = 4  # the highest grade of the collections at hand
NDCG_AT_10 = nDCG(gains={grade: 2**grade - 1 for grade in range(MOST_RELEVANT + 1)}) @ 10
"""Normalised discounted cumulative gain with gain 2^rel - 1 (Burges et al. 2005); where relevance is 0 or 1
it is the same as with linear gain."""

RECALL_AT_100 = R @ 100

Judged = Mapping[str, Mapping[str, int]]
Rankings = Mapping[str, Sequence[str]]
"""Documents by their ids, best first, for each question. Ties keep that order: Refract breaks equal scores by
the passage's number."""


def measured(measure: ir_measures.Measure, rankings: Rankings, judged: Judged) -> list[float]:
    """Measures each judged question, in their order; 0 if nothing was found."""
    run = {
        question: {document: float(-place) for place, document in enumerate(ranking)}
        for question, ranking in rankings.items()
    }
    found = {one.query_id: one.value for one in measure.iter_calc(judged, run)}
    return [float(found.get(question, 0.0)) for question in judged]


def bootstrap_interval(
    values: Sequence[float], *, rounds: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Computes the 95% interval of the mean: the values are resampled with replacement. Of paired
    differences, it is the interval of the mean difference."""
    sample: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    rng = np.random.default_rng(seed)
    means = sample[rng.integers(len(sample), size=(rounds, len(sample)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
