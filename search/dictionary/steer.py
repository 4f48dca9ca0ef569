"""Turns features: the knobs on them edit the question.

Shape suffixes: D embedding width, F features, M knobs on features.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import InvalidSteering
from search.query.steering import OFF, FeatureTarget, Steering

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SteeredQuery:
    """Holds a question after steering: q' = (q + sum_m delta_m w_m) / norm.

    `features` (M,) and `delta_M` are the knobs on features; `norm` is the length before normalising, so that
    `norm * <q', x>` is the unnormalised score. `vector_D` has length 1.
    """

    vector_D: FloatArray
    norm: float
    features: list[int]
    delta_M: FloatArray


def steer(q_D: FloatArray, w_dec_FD: FloatArray, deltas: dict[int, float]) -> SteeredQuery:
    """Edits a question (unit vector q_D) by adding `delta * w_f` for each {feature: delta}.

    With no deltas the question is returned as it is, bit for bit.

    Raises:
        InvalidSteering: the edit cancels the question.
    """
    features = list(deltas)
    delta_M = np.array([deltas[feature] for feature in features], dtype=np.float32)
    if not np.any(delta_M):
        return SteeredQuery(q_D, 1.0, features, delta_M)
    edited_D = q_D.astype(np.float64) + delta_M.astype(np.float64) @ w_dec_FD[features]
    norm = float(np.linalg.norm(edited_D))
    if norm < 1e-3:
        raise InvalidSteering("These knobs cancel the question.", hint="Turn them down.")
    return SteeredQuery((edited_D / norm).astype(np.float32), norm, features, delta_M)


def feature_deltas(steering: Steering, active: dict[int, float], scale_F: NDArray[Any]) -> dict[int, float]:
    """Says how far each steered feature is moved: strength * scale_f, or -a_f(q) where it is turned off.

    `scale_F` is each feature's 90th percentile activation in the collection: strength 1 means "as strongly as
    texts that are really about it". A feature that never fires in the collection has scale 0: turning it
    does nothing.

    Raises:
        InvalidSteering: a feature beyond the dictionary.
    """
    deltas = {}
    for knob in steering.knobs:
        if not isinstance(knob.target, FeatureTarget):
            continue
        feature = knob.target.feature
        if feature >= len(scale_F):
            raise InvalidSteering(
                f"There is no feature {feature}.", hint=f"Features are numbered 0 to {len(scale_F) - 1}."
            )
        off = knob.strength == OFF
        deltas[feature] = -active.get(feature, 0.0) if off else float(knob.strength) * float(scale_F[feature])
    return deltas
