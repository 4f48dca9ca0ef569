"""Holds which features the passages of a generation fire, and which they are about.

Those it was built with are kept in a file beside its index, which is mapped.

Shape suffixes: N passages, F features.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, vstack

from search.index.mapped_arrays import map_arrays, save_arrays

SCALE_QUANTILE = 0.9
MATRICES = ("acts", "about", "about_by_feature")
PARTS = ("data", "indices", "indptr")
ARRAYS = ("document", "scale", *(f"{matrix}.{part}" for matrix in MATRICES for part in PARTS))


@dataclass(frozen=True, eq=False)
class PassageFeatures:
    """Holds, of each passage, the row id of its document (`document_N`), its activations (`acts_NF`), which
    concepts are made of, and those of what it is about as readers see it (`about_NF`), which is what anybody
    is shown; `about_by_feature` is the same by column.

    `scale_F` is the 90th percentile activation of the passages that are about a feature.
    """

    document_N: NDArray[np.int64]
    acts_NF: csr_matrix
    about_NF: csr_matrix
    about_by_feature: csc_matrix
    scale_F: NDArray[np.float32]

    @classmethod
    def of(
        cls, document_N: NDArray[np.int64], acts_NF: csr_matrix, about_NF: csr_matrix
    ) -> "PassageFeatures":
        """Sorts what passages are about by feature, too."""
        about_by_feature = about_NF.tocsc()
        return cls(document_N, acts_NF, about_NF, about_by_feature, scales(about_by_feature))

    @classmethod
    def none(cls, features: int) -> "PassageFeatures":
        """Those of no passages at all."""
        nothing = csr_matrix((0, features), dtype=np.float32)
        return cls.of(np.zeros(0, np.int64), nothing, nothing)

    def __len__(self) -> int:
        return len(self.document_N)

    @cached_property
    def passages_F(self) -> NDArray[np.integer]:  # noqa: N802
        """Counts the passages that are about each feature."""
        passages_F: NDArray[np.integer] = np.diff(self.about_by_feature.indptr)
        return passages_F

    def followed_by(self, others: "PassageFeatures") -> "PassageFeatures":
        """These passages and then the others."""
        if not len(others):
            return self
        return PassageFeatures.of(
            np.concatenate([self.document_N, others.document_N]),
            vstack([self.acts_NF, others.acts_NF], format="csr"),
            vstack([self.about_NF, others.about_NF], format="csr"),
        )

    def only(self, chosen: NDArray[Any]) -> "PassageFeatures":
        """Some of these passages alone: by number, ascending, or those that a mask leaves."""
        return PassageFeatures.of(self.document_N[chosen], self.acts_NF[chosen], self.about_NF[chosen])

    def save(self, path: Path) -> str:
        """Writes all of it into a file; gives its SHA-256."""
        matrices = (self.acts_NF, self.about_NF, self.about_by_feature)
        parts = (getattr(matrix, part) for matrix in matrices for part in PARTS)
        return save_arrays(path, dict(zip(ARRAYS, (self.document_N, self.scale_F, *parts), strict=True)))

    @classmethod
    def load(cls, path: Path, sha256: str) -> "PassageFeatures":
        """Maps what `save` wrote.

        Raises:
            IndexDamaged: the file is missing or is not the one that was written.
        """
        arrays = map_arrays(path, sha256, ARRAYS)
        shape = len(arrays["document"]), len(arrays["scale"])
        acts, about, by_feature = (tuple(arrays[f"{matrix}.{part}"] for part in PARTS) for matrix in MATRICES)
        return cls(
            document_N=arrays["document"],
            acts_NF=csr_matrix(acts, shape=shape),
            about_NF=csr_matrix(about, shape=shape),
            about_by_feature=csc_matrix(by_feature, shape=shape),
            scale_F=arrays["scale"],
        )


def scales(about_by_feature: csc_matrix) -> NDArray[np.float32]:
    """Computes the 90th percentile activation of each feature (F), 0 where no passage is about it."""
    scale_F = np.zeros(about_by_feature.shape[1], np.float32)
    for feature in np.flatnonzero(np.diff(about_by_feature.indptr)).tolist():
        start, end = about_by_feature.indptr[feature : feature + 2]
        values = np.sort(about_by_feature.data[start:end])
        scale_F[feature] = values[int(SCALE_QUANTILE * (len(values) - 1) + 0.5)]
    return scale_F
