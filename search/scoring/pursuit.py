"""Chooses the names that explain a question: a few whose directions, together, give the scores of its first
answers.

For any coefficients a, q = sum_f a_f w_f + e(q) with e the rest, so the score of every passage is a sum of
terms exactly (see `search.dictionary.attribution`). They are chosen greedily in two passes. First come names
that readers would see in the first answers, each for how many answers it is one more name for, as far as the
names before it do not say the same; their coefficients are fitted to the scores y,

    min_{a >= 0} |y - A a|^2        y = X q,  A = X W'

Then come names that explain what these leave, r = y - A a,

    min_{a' >= 0} |r - A a'|^2 + SPREAD * |c(r) - c(A) a'|^2        c subtracts the mean

a step taking the name with the largest gain times how much it is favoured. The second part asks that terms
tell the candidates apart, not only that they add up to what all have in common. (Orthogonal matching pursuit,
Pati et al. 1993, with the coefficients kept from being negative.)

Shape suffixes: C candidates, P the first of them, D embedding width, V names near the question, T terms.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from search.index.agreement import SHARED

MOST_TERMS = 6
CANDIDATES = 100
NEAR = 0.25
"""A name has at least this cosine to a question that it explains."""

MOST_NEAR = 200
LOOKED_AT = 5
"""Readers are to see names in so many first answers."""

WANTED = (1.0, 0.7, 0.3, 0.1, 0.05, 0.02, 0.0)
"""One more name is worth so much to an answer that shows none, one, two … already."""

WORTH = 0.02
"""A name that is worth less, on the average of the answers, is not taken for being seen."""

SAME = 0.5
"""A name that points just as one before it does is worth so much less."""

FAVOUR = 2.0
SPREAD = 2.0
ENOUGH = 1e-4
"""A step that explains a smaller share than this is not taken."""

SEEN_RIDGE, RIDGE = 0.1, 3e-3

FloatArray = NDArray[np.float32]


def pursue(
    q_D: FloatArray, x_CD: FloatArray, w_VD: FloatArray, likely_PV: NDArray[np.float64]
) -> dict[int, float]:
    """Finds the coefficients of the names (by row of `w_VD`) that explain a question best, the largest
    contribution first; `x_CD` are the vectors of its first answers, `likely_PV` how likely readers see each
    name in those that come first."""
    if not len(w_VD) or not len(x_CD):
        return {}
    y_C = (x_CD @ q_D).astype(np.float64)
    a_CV = (x_CD @ w_VD.T).astype(np.float64)
    seen, weights = _seen(y_C, a_CV, w_VD, likely_PV[:LOOKED_AT])
    left_C = y_C - a_CV[:, seen] @ weights
    rest, weights_of_rest = _explaining(left_C, a_CV, likely_PV.mean(axis=0) ** FAVOUR, seen)
    terms, weights_T = [*seen, *rest], np.concatenate([weights, weights_of_rest])
    worth_T = weights_T * np.abs(a_CV[:, terms].mean(axis=0))
    return {terms[at]: float(weights_T[at]) for at in np.argsort(-worth_T, kind="stable").tolist()}


def _seen(
    y_C: NDArray[np.float64], a_CV: NDArray[np.float64], w_VD: FloatArray, likely_PV: NDArray[np.float64]
) -> tuple[list[int], NDArray[np.float64]]:
    """Chooses the names that readers are to see, and gives their coefficients, all positive."""
    likely_PV = np.where(likely_PV >= SHARED, likely_PV, 0.0)
    same_V = np.zeros(len(w_VD))
    shown_P = np.zeros(len(likely_PV), np.int64)
    ridge = SEEN_RIDGE * float(y_C @ y_C)
    terms: list[int] = []
    weights_T = np.zeros(0)
    while len(terms) < MOST_TERMS:
        wanted_P = np.array(WANTED)[shown_P]
        worth_V = (likely_PV * wanted_P[:, None]).mean(axis=0) * (1 - SAME * same_V)
        worth_V[terms] = 0
        best = int(np.argmax(worth_V))
        if worth_V[best] < WORTH:
            break
        trial_T = _fitted(y_C, a_CV[:, [*terms, best]], ridge)
        if not (trial_T > 0).all():
            likely_PV[:, best] = 0
            continue
        terms, weights_T = [*terms, best], trial_T
        shown_P += likely_PV[:, best] > 0
        same_V = np.maximum(same_V, (w_VD @ w_VD[best]).clip(0, 1))
    return terms, weights_T


def _explaining(
    y_C: NDArray[np.float64], a_CV: NDArray[np.float64], favour_V: NDArray[np.float64], taken: list[int]
) -> tuple[list[int], NDArray[np.float64]]:
    """Chooses the names, besides those taken, that explain what is left of the scores, and gives their
    coefficients, all positive."""
    spread = np.sqrt(SPREAD)
    y = np.concatenate([y_C, spread * (y_C - y_C.mean())])
    columns_V = np.concatenate([a_CV, spread * (a_CV - a_CV.mean(axis=0))])
    whole = float(y @ y)
    length_V = np.maximum(np.linalg.norm(columns_V, axis=0), 1e-9)
    terms: list[int] = []
    weights_T, left, rest = np.zeros(0), whole, y
    while len(terms) < min(MOST_TERMS - len(taken), columns_V.shape[1]):
        gain_V = (columns_V.T @ rest) / length_V * favour_V
        gain_V[[*taken, *terms]] = -np.inf
        best = int(np.argmax(gain_V))
        if gain_V[best] <= 0:
            break
        tried = [*terms, best]
        trial_T = _fitted(y, columns_V[:, tried], RIDGE * whole)
        rest_now = y - columns_V[:, tried] @ trial_T
        left_now = float(rest_now @ rest_now)
        if left - left_now < ENOUGH * whole:
            break
        terms, weights_T, left, rest = tried, trial_T, left_now, rest_now
    kept = weights_T > 0
    return [term for term, keep in zip(terms, kept, strict=True) if keep], weights_T[kept]


def _fitted(y: NDArray[np.float64], columns_T: NDArray[np.float64], ridge: float) -> NDArray[np.float64]:
    """Fits the least squares coefficients, with a little ridge for columns that are alike, none negative."""
    gram_TT = columns_T.T @ columns_T + ridge * np.eye(columns_T.shape[1])
    target_T = columns_T.T @ y
    weights_T = np.asarray(np.linalg.solve(gram_TT, target_T), dtype=np.float64)
    if bool((weights_T >= 0).all()):
        return weights_T
    factor_TT = np.linalg.cholesky(gram_TT)
    return np.asarray(nnls(factor_TT.T, np.linalg.solve(factor_TT, target_T))[0], dtype=np.float64)
