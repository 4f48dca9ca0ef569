"""How good a dictionary is, in figures. Shape suffixes: N rows, D embedding width, F features."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.dictionary import Activations, Dictionary

QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)


def scorecard(dictionary: Dictionary, x_ND: NDArray[Any], trained_ND: NDArray[Any]) -> dict[str, Any]:
    """How good a dictionary is on held-out rows (N, D).

    `fvu`: fraction of variance unexplained; `l0`: mean active features; `dead`: share of features that
    fire on none of the held-out rows nor of `trained_ND`, `silent` on none of the held-out rows alone;
    `density`: quantiles over features of the share of held-out rows they fire on.
    """
    acts = dictionary.encode(x_ND)
    density_F = _density(acts, dictionary.features)
    elsewhere_F = _density(dictionary.encode(trained_ND), dictionary.features)
    return {
        "rows": len(x_ND),
        "fvu": fvu(x_ND, dictionary.decode(acts)),
        "l0": float((acts.values_NK > 0).sum(axis=1).mean()),
        "dead": float(((density_F == 0) & (elsewhere_F == 0)).mean()),
        "silent": float((density_F == 0).mean()),
        "density": {str(q): float(np.quantile(density_F, q)) for q in QUANTILES},
    }


def fvu(x_ND: NDArray[Any], x_hat_ND: NDArray[Any]) -> float:
    """Fraction of variance unexplained: |x - x_hat|^2 / |x - mean(x)|^2. 0 when there is no variance."""
    x = x_ND.astype(np.float64)
    variance = float(((x - x.mean(axis=0)) ** 2).sum())
    return float(((x - x_hat_ND) ** 2).sum()) / variance if variance > 1e-9 * len(x) else 0.0


def _density(acts: Activations, features: int) -> NDArray[np.float64]:
    fired = acts.ids_NK[acts.values_NK > 0]
    return np.bincount(fired, minlength=features) / max(len(acts.ids_NK), 1)
