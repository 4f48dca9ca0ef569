"""A concept: a small sparse linear model over features that says how much a text is about something.

    m_c(x) = sigmoid(v_c . a(x) + beta_c)        in 0..1

It saturates on purpose: it asks "is this about c?" once, and leaves relevance to decide the rest.
Shape suffixes: N passages, F features, C features of the concept.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

MEMBERS = 100
OTHERS = 2000
MAX_FEATURES = 64


@dataclass(frozen=True, eq=False)
class Concept:
    """The fitted model: `features` (C,), `weights_C`, `bias`."""

    name: str
    features: NDArray[np.int64]
    weights_C: NDArray[np.float64]
    bias: float

    def membership(self, acts_NF: csr_matrix) -> NDArray[np.float64]:
        """m_c for N passages, from their activations."""
        weights_F = np.zeros(acts_NF.shape[1])
        weights_F[self.features] = self.weights_C
        return np.asarray(expit(acts_NF @ weights_F + self.bias))


def members_wanted(passages: int) -> int:
    """How many of a collection's passages stand for a phrase: the nearest ones, at most one in twenty."""
    return min(MEMBERS, max(passages // 20, 1))


def concept_from_phrase(
    phrase: str, nearest: NDArray[np.int64], acts_NF: csr_matrix, *, seed: int = 0
) -> Concept:
    """A concept from a phrase: its nearest passages (by number) against random other ones."""
    rest = np.setdiff1d(np.arange(acts_NF.shape[0]), nearest)
    others = np.random.default_rng(seed).choice(rest, size=min(OTHERS, len(rest)), replace=False)
    return fit_concept(phrase, acts_NF[nearest], acts_NF[others])


def fit_concept(name: str, members_NF: csr_matrix, others_NF: csr_matrix) -> Concept:
    """Logistic regression of members against others, kept to the features that matter most.

    Both sides weigh the same, so a membership of .5 means "as much like the members as like the others".
    """
    if members_NF.shape[0] == 0 or others_NF.shape[0] == 0:
        return Concept(name, np.zeros(0, np.int64), np.zeros(0), 0.0)
    acts = np.concatenate([members_NF.toarray(), others_NF.toarray()])
    is_member = np.repeat([1, 0], [members_NF.shape[0], others_NF.shape[0]])
    used = np.flatnonzero(acts.any(axis=0))
    scale = float(acts[acts > 0].mean()) if used.size else 1.0
    model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=200)
    model.fit(acts[:, used] / scale, is_member)
    weights = model.coef_[0] / scale
    kept = np.argsort(-np.abs(weights), kind="stable")[:MAX_FEATURES]
    return Concept(name, used[kept].astype(np.int64), weights[kept], float(model.intercept_[0]))
