"""Exact attributions: one score as a sum of signed terms.

Shape suffixes: N documents, T terms, D embedding width, F features.

For a steered question q' = (q + sum_f delta_f w_f) / norm and a document x:

    <q', x> = ( sum_f a_f(q) <w_f, x> + sum_f delta_f <w_f, x> + <b, x> + <e(q), x> ) / norm

exactly, because q = b + sum_f a_f(q) w_f + e(q) by the definition of the error e. The document stays dense,
only the question is decomposed. (The decomposition of a dot product through one side's sparse code; for the
code itself see `search.dictionary`.)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.dictionary import Dictionary
from search.steered import SteeredQuery

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Question:
    """A question and its decomposition: `vector_D` = b + sum activations * w + `error_D`.

    `active` maps feature to activation, strongest first.
    """

    vector_D: FloatArray
    active: dict[int, float]
    error_D: FloatArray


@dataclass(frozen=True, eq=False)
class Attribution:
    """Terms of N scores: `asked_NA` (one column a feature of `asked`), `steered_NS` (one a feature of
    `steered`), `baseline_N`, `remainder_N`. They sum to `score_N`, which is computed on its own, as <q', x>.
    """

    asked: list[int]
    asked_NA: FloatArray
    steered: list[int]
    steered_NS: FloatArray
    baseline_N: FloatArray
    remainder_N: FloatArray
    score_N: FloatArray

    def __sub__(self, other: "Attribution") -> "Attribution":
        """Why A over B, row by row: each term's difference, which sum to the margin of the scores."""
        return Attribution(
            self.asked,
            self.asked_NA - other.asked_NA,
            self.steered,
            self.steered_NS - other.steered_NS,
            self.baseline_N - other.baseline_N,
            self.remainder_N - other.remainder_N,
            self.score_N - other.score_N,
        )


def decompose(q_D: FloatArray, dictionary: Dictionary) -> Question:
    """A question's features, and what they leave out."""
    acts = dictionary.encode(q_D[None])
    return Question(q_D, acts.row(0), q_D - dictionary.decode(acts)[0])


def attribute(
    question: Question, steered: SteeredQuery, x_ND: NDArray[np.floating], dictionary: Dictionary
) -> Attribution:
    """The terms of the scores of N documents, from one matrix product of (T, D) and (D, N)."""
    asked = list(question.active)
    weights_T = np.array([*question.active.values(), *steered.delta_M, 1, 1], dtype=np.float32) / steered.norm
    rows_TD = np.concatenate(
        [
            dictionary.w_dec_FD[asked + steered.features],
            dictionary.b_D[None],
            question.error_D[None],
        ]
    )
    terms_NT = (x_ND.astype(np.float32) @ rows_TD.T) * weights_T
    split = len(asked)
    return Attribution(
        asked,
        terms_NT[:, :split],
        steered.features,
        terms_NT[:, split:-2],
        terms_NT[:, -2],
        terms_NT[:, -1],
        x_ND.astype(np.float32) @ steered.vector_D,
    )
