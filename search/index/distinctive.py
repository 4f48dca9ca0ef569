"""Tells which features say something in a collection, and which are distinctive of it.

Shape suffixes: F features, A some of them.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from search.dictionary.autoencoder import Dictionary
from search.dictionary.labels import Label

MOST_TOLD, FEW_TOLD = 0.2, 3
"""A feature says nothing in a collection if more than this share of the passages are about it (of a tiny
collection: so many)."""


def telling(labels: Sequence[Label], passages_F: NDArray[np.integer], passages: int) -> NDArray[np.bool_]:
    """Says which features tell something where `passages_F` of all `passages` are about each: they have a
    label that holds, some passages are about them, and not so many that they tell nothing."""
    most = max(MOST_TOLD * passages, FEW_TOLD)
    holds_F = np.array([label.reliable for label in labels], dtype=np.bool_)
    return np.asarray(holds_F & (passages_F > 0) & (passages_F <= most), dtype=np.bool_)


def most_distinctive(
    dictionary: Dictionary, features_A: NDArray[np.int64], passages_F: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Orders features by what many passages here are about and texts elsewhere are not: the number of
    passages times how far the collection as a whole points the feature's way."""
    usual_D = np.array(dictionary.card.training.mean or np.zeros(dictionary.width), np.float32)
    lean_A = np.maximum(dictionary.w_dec_FD[features_A] @ (dictionary.b_D - usual_D), 0)
    return features_A[np.argsort(-passages_F[features_A] * lean_A, kind="stable")]
