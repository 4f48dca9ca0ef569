"""How good a dictionary is, in figures.

Shape suffixes: N rows, D embedding width, F features, Q questions, R results of a question, A features of a
question.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.dictionary import Activations, Dictionary
from search.pursuit import CANDIDATES, NEAR, pursue

QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
RARE = 1e-4  # a feature that fewer than one text in ten thousand fires
TWIN = 0.9  # decoder rows of this cosine are the same feature
CARRIED = 20  # results of a question whose scores are split up,
ORDERED = 10  # and whose order is looked at
BLOCK = 512


def scorecard(dictionary: Dictionary, x_ND: NDArray[Any], trained_ND: NDArray[Any]) -> dict[str, Any]:
    """How good a dictionary is on held-out rows (N, D).

    `fvu`: fraction of variance unexplained; `l0`: mean active features; `dead`: share of features that
    fire on none of the held-out rows nor of `trained_ND`, `silent` on none of the held-out rows alone, `rare`
    on fewer than one row in 10,000 of both; `density`: quantiles over features of the share of held-out rows
    they fire on; `decoder_cosine`: median over features of the cosine to the nearest other one.
    """
    acts = dictionary.encode(x_ND)
    density_F = _density(acts, dictionary.features)
    elsewhere_F = _density(dictionary.encode(trained_ND), dictionary.features)
    rows, others = len(x_ND), len(trained_ND)
    together_F = (density_F * rows + elsewhere_F * others) / max(rows + others, 1)
    return {
        "rows": len(x_ND),
        "fvu": fvu(x_ND, dictionary.decode(acts)),
        "l0": float((acts.values_NK > 0).sum(axis=1).mean()),
        "dead": float(((density_F == 0) & (elsewhere_F == 0)).mean()),
        "rare": float((together_F < RARE).mean()),
        "silent": float((density_F == 0).mean()),
        "density": {str(q): float(np.quantile(density_F, q)) for q in QUANTILES},
        "decoder_cosine": float(np.median(nearest(dictionary.w_dec_FD))),
    }


def named_scorecard(dictionary: Dictionary, x_ND: NDArray[Any], own: int) -> dict[str, Any]:
    """How good a dictionary of names is on rows (N, D): how many `names`, with the collection's `own`; how
    many are near a row (`l0`); the share that no row is near (`dead`); the variance that the nearest names
    leave unexplained when they are fitted together (`fvu`)."""
    acts = dictionary.encode(x_ND)
    return {
        "rows": len(x_ND),
        "names": dictionary.features,
        "own": own,
        "fvu": fvu(x_ND, dictionary.decode(dictionary.refitted(x_ND, acts))),
        "l0": float((acts.values_NK > 0).sum(axis=1).mean()),
        "dead": float((_density(acts, dictionary.features) == 0).mean()),
    }


def fvu(x_ND: NDArray[Any], x_hat_ND: NDArray[Any]) -> float:
    """Fraction of variance unexplained: |x - x_hat|^2 / |x - mean(x)|^2. 0 when there is no variance."""
    x = x_ND.astype(np.float64)
    variance = float(((x - x.mean(axis=0)) ** 2).sum())
    return float(((x - x_hat_ND) ** 2).sum()) / variance if variance > 1e-9 * len(x) else 0.0


@dataclass(frozen=True)
class Explained:
    """What explanations account for: shares of the score of each question's first results, summed over
    questions. `carried` + `baseline` + `remainder` = 1; `shared` is the part of `carried` whose features are
    active in the result, too; `ordered` the share of pairs among the first ten that feature terms alone put
    in the order of the scores."""

    carried: float
    shared: float
    baseline: float
    remainder: float
    ordered: float


def explained(dictionary: Dictionary, x_ND: NDArray[Any], q_QD: NDArray[np.float32]) -> Explained:
    """How far features explain the ranking of N rows for some questions (see `Explained`).

    A question is explained as a search does (`search.pursuit`), by features that its first rows fire, without
    knowing any words.
    """
    texts_ND = x_ND.astype(np.float32)
    sums = np.zeros(5)
    ordered: list[bool] = []
    for q_D in q_QD:
        scores_N = texts_ND @ q_D
        best = np.argsort(-scores_N, kind="stable")[:CANDIDATES]
        firing_CF = dictionary.encode(texts_ND[best]).matrix(dictionary.features)
        fired = np.unique(firing_CF.indices)
        like = dictionary.w_dec_FD[fired] @ q_D
        near = fired[like >= NEAR]
        found = pursue(q_D, texts_ND[best], dictionary.w_dec_FD[near], like[like >= NEAR].astype(float) ** 2)
        features, acts_A = near[list(found)], np.array([*found.values()], dtype=np.float32)
        error_D = q_D - acts_A @ dictionary.w_dec_FD[features]
        best = best[:CARRIED]
        terms_RA = texts_ND[best] @ dictionary.w_dec_FD[features].T * acts_A
        shared_RA = firing_CF[: len(best), features].toarray() > 0
        baseline = np.full(len(best), error_D @ dictionary.b_D)
        parts = (terms_RA, terms_RA[shared_RA], baseline, texts_ND[best] @ error_D - baseline)
        sums += [*(part.sum() for part in parts), scores_N[best].sum()]
        ordered += _ordered(terms_RA.sum(axis=1)[:ORDERED], scores_N[best[:ORDERED]])
    carried, shared, baseline, remainder = (sums[:4] / max(sums[4], 1e-9)).tolist()
    return Explained(carried, shared, baseline, remainder, float(np.mean(ordered)) if ordered else 1.0)


def stability(
    one: NDArray[np.float32], other: NDArray[np.float32], firing_F: NDArray[Any]
) -> dict[str, float]:
    """How much of a dictionary another seed finds, from both decoders (F, D): `twins`, the share of features
    whose nearest one there has a cosine of at least .9, and the `median` of that cosine. `firing`: the share
    of twins among the features that a text fires, on the average (`firing_F`: how many texts fire each)."""
    cosine_F = np.concatenate([(block @ other.T).max(axis=1) for block in _blocks(one)])
    twins_F = cosine_F >= TWIN
    return {
        "twins": float(twins_F.mean()),
        "median": float(np.median(cosine_F)),
        "firing": float(firing_F @ twins_F / max(firing_F.sum(), 1)),
    }


def nearest(w_dec_FD: NDArray[np.float32]) -> NDArray[np.float32]:
    """The cosine of each feature's direction to the nearest other one (F)."""
    found, start = [], 0
    for block in _blocks(w_dec_FD):
        cosine_BF = block @ w_dec_FD.T
        cosine_BF[np.arange(len(block)), start + np.arange(len(block))] = -1
        found.append(cosine_BF.max(axis=1))
        start += len(block)
    return np.concatenate(found)


def _ordered(parts_R: NDArray[Any], scores_R: NDArray[Any]) -> list[bool]:
    pairs = combinations(range(len(scores_R)), 2)  # the first of a pair has the higher score
    return [bool(parts_R[a] > parts_R[b]) for a, b in pairs if scores_R[a] > scores_R[b]]


def _blocks(w_FD: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [w_FD[start : start + BLOCK] for start in range(0, len(w_FD), BLOCK)]


def _density(acts: Activations, features: int) -> NDArray[np.float64]:
    fired = acts.ids_NK[acts.values_NK > 0]
    return np.bincount(fired, minlength=features) / max(len(acts.ids_NK), 1)
