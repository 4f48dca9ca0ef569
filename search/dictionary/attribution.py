"""Takes a score apart exactly, as a sum of signed terms.

Shape suffixes: N documents, T terms, D embedding width, F features.

For a steered question q' = (q + sum_f delta_f w_f) / norm and a document x:

    <q', x> = ( sum_f a_f <w_f, x> + sum_f delta_f <w_f, x> + <e, b> + <e, x - b> ) / norm

exactly, whatever the coefficients a are, because q = sum_f a_f w_f + e by the definition of the error e. The
document stays dense, only the question is decomposed. The baseline <e, b>, with b the mean of the collection,
is what every passage gets of what no feature explains; the remainder is the rest of it. (For the coefficients
see `search.scoring.pursuit`.)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.dictionary.autoencoder import Dictionary
from search.dictionary.steer import SteeredQuery

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Question:
    """Holds a question and its decomposition: `vector_D` = sum of coefficient * w + `error_D`.

    `active` maps feature to coefficient, the one that explains most first.
    """

    vector_D: FloatArray
    active: dict[int, float]
    error_D: FloatArray


@dataclass(frozen=True, eq=False)
class Attribution:
    """Holds the terms of N scores: `asked_NA` (one column a feature of `asked`), `steered_NS` (one a feature
    of `steered`), `baseline_N`, `remainder_N`. They sum to `score_N`, which is computed on its own, as <q',
    x>."""

    asked: list[int]
    asked_NA: FloatArray
    steered: list[int]
    steered_NS: FloatArray
    baseline_N: FloatArray
    remainder_N: FloatArray
    score_N: FloatArray

    def __sub__(self, other: "Attribution") -> "Attribution":
        """Explains A over B, row by row: the difference of each term, which sum to the margin of the
        scores."""
        return Attribution(
            asked=self.asked,
            asked_NA=self.asked_NA - other.asked_NA,
            steered=self.steered,
            steered_NS=self.steered_NS - other.steered_NS,
            baseline_N=self.baseline_N - other.baseline_N,
            remainder_N=self.remainder_N - other.remainder_N,
            score_N=self.score_N - other.score_N,
        )


def decompose(q_D: FloatArray, active: dict[int, float], dictionary: Dictionary) -> Question:
    """Takes a question apart into the coefficients of some features, and what they leave out."""
    weights_T = np.array([*active.values()], dtype=np.float32)
    return Question(q_D, active, q_D - weights_T @ dictionary.w_dec_FD[list(active)])


def attribute(
    question: Question, steered: SteeredQuery, x_ND: NDArray[np.floating], dictionary: Dictionary
) -> Attribution:
    """Computes the terms of the scores of N documents, from one matrix product of (T, D) and (D, N)."""
    asked = list(question.active)
    weights_T = np.array([*question.active.values(), *steered.delta_M, 1], dtype=np.float32) / steered.norm
    rows_TD = np.concatenate([dictionary.w_dec_FD[asked + steered.features], question.error_D[None]])
    terms_NT = (x_ND.astype(np.float32) @ rows_TD.T) * weights_T
    split = len(asked)
    baseline = np.float32(question.error_D @ dictionary.b_D / steered.norm)
    return Attribution(
        asked=asked,
        asked_NA=terms_NT[:, :split],
        steered=steered.features,
        steered_NS=terms_NT[:, split:-1],
        baseline_N=np.full(len(x_ND), baseline, np.float32),
        remainder_N=terms_NT[:, -1] - baseline,
        score_N=x_ND.astype(np.float32) @ steered.vector_D,
    )
