"""Learns knobs from judged questions: how far to turn which features, for all searches of a collection.

The knobs s minimize, over the candidates x of each of N questions q (its first documents),

    1/N Σ_q Σ_x∈answers -log softmax_x(score(q, x; s) / TEMPERATURE) + PRIOR/N · |s|²

(ListNet's top-one likelihood, Cao et al. 2007, with a normal prior at 0: leave it). Those that move scores
most are kept and fitted again without the others. A knob costs nothing to leave at 0, so the prior is strong,
and what is learned is believed only as far as it helps questions that it was not learned from. TEMPERATURE,
PRIOR and KNOBS were chosen by such questions of SciFact's train split (docs/decisions/0039).

Shape suffixes: R passages of all questions, Q questions, K knobs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from search.evaluation.lessons import Lessons

TEMPERATURE = 0.05
PRIOR = 40.0
KNOBS = 40
"""So many are learned at most: of the fifty of a search ten are left for whoever searches."""

FOLDS = 8
STEPS = 40
LEAST = 0.02
"""What is turned less is left out."""

STRENGTH_DIGITS = 2

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Learned:
    """Holds the strengths of all knobs (K,), most of them 0."""

    strength_K: FloatArray

    @property
    def turned(self) -> NDArray[np.int64]:
        """Names the knobs that are turned."""
        return np.flatnonzero(self.strength_K)


def learn(lessons: Lessons) -> Learned:
    """Learns knobs from all of these questions."""
    weight_K = np.abs(fit(lessons)) * lessons.added_RK.std(axis=0)
    kept = np.sort(np.argsort(-weight_K, kind="stable")[:KNOBS])
    strength_K = np.zeros(lessons.added_RK.shape[1])
    strength_K[kept] = np.round(fit(lessons.of_knobs(kept)), STRENGTH_DIGITS)
    strength_K[np.abs(strength_K) < LEAST] = 0.0
    return Learned(strength_K)


def measure_unseen(lessons: Lessons) -> FloatArray:
    """Measures nDCG@10 of each question (Q,) with knobs that the questions of other folds taught."""
    fold_Q = np.random.default_rng(0).permutation(len(lessons.questions)) % FOLDS
    values_Q = np.zeros(len(lessons.questions))
    for fold in np.unique(fold_Q):
        here_Q = fold_Q == fold
        strength_K = learn(lessons.only(~here_Q)).strength_K
        here = lessons.only(here_Q)
        values_Q[here_Q] = here.measure(here.scores(strength_K))
    return values_Q


def fit(lessons: Lessons, prior: float = PRIOR) -> FloatArray:
    """Finds the strengths that minimize the sum above (K,). The question's new length is left out of it: it
    is the same for all candidates."""
    starts_Q, counts_Q, questions = lessons.starts_Q, lessons.counts_Q, len(lessons.questions)
    added_RK = lessons.added_RK
    first_R = (lessons.semantic_R + lessons.words_R).astype(np.float64)
    answers_R = lessons.answers_R.astype(np.float64)
    answers_Q = np.add.reduceat(answers_R, starts_Q)
    wanted_R = answers_R / np.repeat(np.maximum(answers_Q, 1.0), counts_Q)
    taught_R = np.repeat(answers_Q > 0, counts_Q)

    def cost(strength_K: FloatArray) -> tuple[float, FloatArray]:
        scores_R = (first_R + added_RK @ strength_K.astype(np.float32)) / TEMPERATURE
        scores_R -= np.repeat(np.maximum.reduceat(scores_R, starts_Q), counts_Q)
        log_R = scores_R - np.repeat(np.log(np.add.reduceat(np.exp(scores_R), starts_Q)), counts_Q)
        missed_R = np.where(taught_R, np.exp(log_R), 0.0) - wanted_R
        gradient_K = missed_R.astype(np.float32) @ added_RK / TEMPERATURE + 2 * prior * strength_K
        loss = -(wanted_R @ log_R) + prior * (strength_K @ strength_K)
        return loss / questions, gradient_K / questions

    start_K = np.zeros(added_RK.shape[1])
    found: FloatArray = minimize(cost, start_K, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x
    return found
