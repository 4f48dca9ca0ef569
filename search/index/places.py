"""Places the features of a generation on a map where near meanings lie near each other.

Drawn once, when a generation is built, and kept in a file beside its index.

Shape suffixes: N passages, F features, A features on the map, D embedding width, 2 across and down.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from search.dictionary.autoencoder import Dictionary
from search.dictionary.labels import Label
from search.index.distinctive import most_distinctive, telling
from search.index.mapped_arrays import map_arrays, save_arrays

MOST = 1000
"""So many of the most distinctive features are placed (docs/decisions/0026 has the times)."""

FEWEST = 30
"""Fewer lie where their two principal components put them."""

NEIGHBOURS, STEPS = 30, 500
"""What t-SNE is asked for: neighbourhoods of about so many (its perplexity), so many steps."""

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Places:
    """Holds the features on the map (A,), the most distinctive first, and the place of each (A, 2) from 0 to
    1."""

    features_A: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    at_A2: FloatArray = field(default_factory=lambda: np.zeros((0, 2), np.float32))

    @classmethod
    def of(cls, about_NF: csr_matrix, dictionary: Dictionary, labels: Sequence[Label]) -> "Places":
        """Places the features that passages with these activations are about."""
        passages_F = np.bincount(about_NF.indices, minlength=about_NF.shape[1])
        alive_A = np.flatnonzero(telling(labels, passages_F, about_NF.shape[0]))
        features_A = most_distinctive(dictionary, alive_A, passages_F)[:MOST]
        return cls(features_A, spread(dictionary.w_dec_FD[features_A]))

    def save(self, path: Path) -> str:
        """Writes the places into a file; gives its SHA-256."""
        return save_arrays(path, {"features": self.features_A, "at": self.at_A2})

    @classmethod
    def load(cls, path: Path, sha256: str) -> "Places":
        """Maps what `save` wrote.

        Raises:
            IndexDamaged: the file is missing or is not the one that was written.
        """
        arrays = map_arrays(path, sha256, ("features", "at"))
        return cls(arrays["features"], arrays["at"])


def spread(w_AD: FloatArray) -> FloatArray:
    """Lays unit vectors out in a square (A, 2), 0 to 1 each way, so that those alike are near each other: by
    t-SNE from their principal components on, the same for the same vectors."""
    if not len(w_AD):
        return np.zeros((0, 2), np.float32)
    at_A2 = _principal(w_AD)
    if len(w_AD) >= FEWEST:
        from sklearn.manifold import TSNE  # slow to import, and a generation needs it once

        start_A2 = at_A2 / (at_A2.std() or 1.0) * 1e-4
        around = min(NEIGHBOURS, len(w_AD) / 3)
        model = TSNE(init=start_A2, perplexity=around, max_iter=STEPS, random_state=0, n_jobs=1)
        at_A2 = model.fit_transform(w_AD)
    at_A2 = at_A2 - at_A2.min(axis=0)
    return np.asarray(at_A2 / np.maximum(at_A2.max(axis=0), 1e-9), np.float32)


def _principal(w_AD: FloatArray) -> FloatArray:
    """Projects vectors on their two principal components (A, 2), of one sign on every machine."""
    centred_AD = w_AD - w_AD.mean(axis=0)
    _, _, axes = np.linalg.svd(centred_AD, full_matrices=False)
    axes_2D = np.zeros((2, w_AD.shape[1]), np.float32)
    axes_2D[: len(axes[:2])] = axes[:2]
    largest = np.abs(axes_2D).argmax(axis=1)
    signs = np.where(axes_2D[np.arange(2), largest] < 0, -1, 1)
    return np.asarray(centred_AD @ (axes_2D * signs[:, None]).T, np.float32)
