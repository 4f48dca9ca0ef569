"""Which dictionary that ships a collection's was made from."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from search.artifact import Artifact, shipped
from search.dictionary import Dictionary


def adapted_from(dictionary: Dictionary) -> Artifact | None:
    """The shipped dictionary that a dictionary was made from, if it was; None if another one ships now."""
    base = shipped(dictionary.card.model)
    return base if base and base.sha256 == dictionary.card.training.get("adapted_from") else None


def firing(acts_NF: csr_matrix) -> NDArray[np.int64]:
    """How many passages fire each feature (F)."""
    return np.bincount(acts_NF.indices, minlength=acts_NF.shape[1])
