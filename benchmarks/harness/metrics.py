"""How good a ranking is.

Ties keep the order in which the ranking was given: Refract breaks equal scores by the passage's number.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


def ndcg(ranking: Sequence[str], judged: Mapping[str, int], depth: int = 10) -> float:
    """Normalised discounted cumulative gain with gain 2^rel - 1 (Burges et al. 2005); where relevance is 0 or
    1 it is the same as with linear gain. The ideal ranking is over all judged documents."""
    gained = _discounted([judged.get(document, 0) for document in ranking[:depth]])
    best = _discounted(sorted(judged.values(), reverse=True)[:depth])
    return gained / best if best else 0.0


def recall(ranking: Sequence[str], judged: Mapping[str, int], depth: int = 100) -> float:
    """Share of the relevant documents (rel > 0) that are among the first `depth`."""
    relevant = {document for document, relevance in judged.items() if relevance > 0}
    return len(relevant.intersection(ranking[:depth])) / len(relevant) if relevant else 0.0


def bootstrap_interval(
    values: Sequence[float], *, rounds: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """95% interval of the mean: the values resampled with replacement. Of paired differences, it is the
    interval of the mean difference."""
    sample: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    rng = np.random.default_rng(seed)
    means = sample[rng.integers(len(sample), size=(rounds, len(sample)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _discounted(relevances: Sequence[int]) -> float:
    return sum((2.0**relevance - 1) / math.log2(place + 2) for place, relevance in enumerate(relevances))
