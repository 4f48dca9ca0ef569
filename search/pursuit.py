"""Which names explain a question: a few whose directions, together, give the scores of its first answers.

For any coefficients a, q = sum_f a_f w_f + e(q) with e the rest, so the score of every passage is a sum of
terms exactly (see `search.explain`). They are chosen greedily to explain the scores of the candidates,

    min_{a >= 0} |y - A a|^2 + SPREAD * |c(y) - c(A) a|^2        y = X q,  A = X W',  c subtracts the mean

a step taking the name with the largest gain times how much it is favoured. The second part asks that terms
tell the candidates apart, not only that they add up to what all have in common. (Orthogonal matching pursuit,
Pati et al. 1993, with the coefficients kept from being negative.)

Shape suffixes: C candidates, D embedding width, V names near the question, T terms.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

MOST_TERMS = 6
CANDIDATES = 100
NEAR = 0.25
"""A name has at least this cosine to a question that it explains."""

MOST_NEAR = 200
SPREAD = 2.0
ENOUGH = 1e-4
"""A step that explains a smaller share than this is not taken."""

RIDGE = 3e-3

FloatArray = NDArray[np.float32]


def pursue(
    q_D: FloatArray, x_CD: FloatArray, w_VD: FloatArray, favour_V: NDArray[np.float64]
) -> dict[int, float]:
    """The coefficients of the names (by row of `w_VD`) that explain a question best, the largest contribution
    first; `x_CD` are the vectors of its first answers, a gain counts `favour_V` times."""
    if not len(w_VD) or not len(x_CD):
        return {}
    y_C = (x_CD @ q_D).astype(np.float64)
    a_CV = (x_CD @ w_VD.T).astype(np.float64)
    spread = np.sqrt(SPREAD)
    y = np.concatenate([y_C, spread * (y_C - y_C.mean())])
    columns_V = np.concatenate([a_CV, spread * (a_CV - a_CV.mean(axis=0))])
    terms, weights_T = _greedy(y, columns_V, favour_V)
    worth_T = weights_T * np.abs(a_CV[:, terms].mean(axis=0))
    return {terms[at]: float(weights_T[at]) for at in np.argsort(-worth_T, kind="stable").tolist()}


def _greedy(
    y: NDArray[np.float64], columns_V: NDArray[np.float64], favour_V: NDArray[np.float64]
) -> tuple[list[int], NDArray[np.float64]]:
    """The columns taken, and their coefficients, all positive."""
    whole = float(y @ y)
    length_V = np.maximum(np.linalg.norm(columns_V, axis=0), 1e-9)
    terms: list[int] = []
    weights_T, left, rest = np.zeros(0), whole, y
    while len(terms) < min(MOST_TERMS, columns_V.shape[1]):
        gain_V = (columns_V.T @ rest) / length_V * favour_V
        gain_V[terms] = -np.inf
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
    """The least squares coefficients, a little ridge for columns that are alike, none negative."""
    gram_TT = columns_T.T @ columns_T + ridge * np.eye(columns_T.shape[1])
    target_T = columns_T.T @ y
    weights_T = np.asarray(np.linalg.solve(gram_TT, target_T), dtype=np.float64)
    if bool((weights_T >= 0).all()):
        return weights_T
    factor_TT = np.linalg.cholesky(gram_TT)
    return np.asarray(nnls(factor_TT.T, np.linalg.solve(factor_TT, target_T))[0], dtype=np.float64)
