"""The measures say how good rankings are, question by question, by `ir_measures` (MacAvaney et al. 2022).

Whoever imports this waits a fifth of a second for that: only what evaluates does.
"""

from collections.abc import Mapping, Sequence

import ir_measures
import numpy as np
from ir_measures import RR, R, Success, nDCG
from numpy.typing import NDArray

BLOCK = 1_000_000  # values that are resampled at once

MOST_RELEVANT = 4  # the highest grade of judgements
NDCG_AT_10 = nDCG(gains={grade: 2**grade - 1 for grade in range(MOST_RELEVANT + 1)}) @ 10
"""Normalised discounted cumulative gain with gain 2^rel - 1 (Burges et al. 2005); where relevance is 0 or 1
it is the same as with linear gain."""

RECALL_AT_100 = R @ 100

MEASURES = {"nDCG@10": NDCG_AT_10, "recall@100": RECALL_AT_100, "MRR": RR, "success@1": Success @ 1}
"""What an evaluation measures, by what it is called; the first one decides."""

Judged = Mapping[str, Mapping[str, int]]
Rankings = Mapping[str, Sequence[str]]
"""Documents by their ids, best first, for each question. Ties keep that order: Refract breaks equal scores by
the passage's number."""


def measured(measure: ir_measures.Measure, rankings: Rankings, judged: Judged) -> list[float]:
    """Measures each judged question, in their order; 0 if nothing was found."""
    return all_measured({"it": measure}, rankings, judged)["it"]


def all_measured(
    measures: Mapping[str, ir_measures.Measure], rankings: Rankings, judged: Judged
) -> dict[str, list[float]]:
    """Measures each judged question by several measures, in their order; 0 if nothing was found."""
    run = {
        question: {document: float(-place) for place, document in enumerate(ranking)}
        for question, ranking in rankings.items()
    }
    found = {
        (one.measure, one.query_id): float(one.value)
        for one in ir_measures.iter_calc(list(measures.values()), judged, run)
    }
    return {
        name: [found.get((measure, question), 0.0) for question in judged]
        for name, measure in measures.items()
    }


def bootstrap_interval(
    values: Sequence[float], *, rounds: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Computes the 95% interval of the mean: the values are resampled with replacement. Of paired
    differences, it is the interval of the mean difference."""
    sample: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    rng = np.random.default_rng(seed)
    at_once = max(1, BLOCK // len(sample))
    means = np.concatenate(
        [
            sample[rng.integers(len(sample), size=(min(at_once, rounds - start), len(sample)))].mean(axis=1)
            for start in range(0, rounds, at_once)
        ]
    )
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
