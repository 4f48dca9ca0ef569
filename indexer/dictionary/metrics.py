"""The metrics say how good a dictionary is, in figures.

Shape suffixes: N rows, D embedding width, F features, Q questions, R results of a question, A features of a
question.
"""

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.dictionary.autoencoder import Dictionary
from search.responses.collections import Explained, Scorecard
from search.scoring.pursuit import CANDIDATES, NEAR, pursue

CARRIED = 20  # results of a question whose scores are split up,
ORDERED = 10  # and whose order is looked at


def scorecard(dictionary: Dictionary, x_ND: NDArray[Any]) -> Scorecard:
    """Measures how good a dictionary is on rows (N, D), but for what it explains."""
    acts = dictionary.encode(x_ND)
    fired_F = np.bincount(acts.ids_NK[acts.values_NK > 0], minlength=dictionary.features)
    return Scorecard(
        rows=len(x_ND),
        names=dictionary.features,
        own=dictionary.card.training.own_names,
        fvu=fvu(x_ND, dictionary.decode(dictionary.refitted(x_ND, acts))),
        l0=float((acts.values_NK > 0).sum(axis=1).mean()),
        dead=float((fired_F == 0).mean()),
    )


def fvu(x_ND: NDArray[Any], x_hat_ND: NDArray[Any]) -> float:
    """Computes the fraction of variance unexplained: |x - x_hat|^2 / |x - mean(x)|^2. 0 when there is no
    variance."""
    x = x_ND.astype(np.float64)
    variance = float(((x - x.mean(axis=0)) ** 2).sum())
    return float(((x - x_hat_ND) ** 2).sum()) / variance if variance > 1e-9 * len(x) else 0.0


def explained(dictionary: Dictionary, x_ND: NDArray[Any], q_QD: NDArray[np.float32]) -> Explained:
    """Measures how far features explain the ranking of N rows for some questions (see `Explained`).

    A question is explained as a search does (`search.scoring.pursuit`), by features that its first rows fire,
    without knowing any words.
    """
    texts_ND = x_ND.astype(np.float32)
    sums = np.zeros(5)
    ordered: list[bool] = []
    scores_QN = q_QD @ texts_ND.T
    best_QC = np.argsort(-scores_QN, axis=1, kind="stable")[:, :CANDIDATES]
    rows_R, place_QC = np.unique(best_QC, return_inverse=True)
    firing_RF = dictionary.encode(texts_ND[rows_R]).matrix(dictionary.features)  # once, not for each question
    for q_D, scores_N, best, places_C in zip(
        q_QD, scores_QN, best_QC, place_QC.reshape(best_QC.shape), strict=True
    ):
        firing_CF = firing_RF[places_C]
        fired = np.unique(firing_CF.indices)
        like = dictionary.w_dec_FD[fired] @ q_D
        near = fired[like >= NEAR]
        likely_1V = like[None, like >= NEAR].astype(np.float64) / 2  # so that none is taken for being seen
        found = pursue(q_D, texts_ND[best], dictionary.w_dec_FD[near], likely_1V)
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
    return Explained(
        carried=carried,
        shared=shared,
        baseline=baseline,
        remainder=remainder,
        ordered=float(np.mean(ordered)) if ordered else 1.0,
    )


def _ordered(parts_R: NDArray[Any], scores_R: NDArray[Any]) -> list[bool]:
    pairs = combinations(range(len(scores_R)), 2)  # the first of a pair has the higher score
    return [bool(parts_R[a] > parts_R[b]) for a, b in pairs if scores_R[a] > scores_R[b]]
