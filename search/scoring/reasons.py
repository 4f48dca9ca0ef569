"""Says why a question found what it found: names that it shares with its answers.

Shape suffixes: P passages, D embedding width, V names.
"""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from search.index.agreement import UNDERSTOOD, NameWords, density, shared
from search.index.snapshot import Snapshot
from search.scoring.pursuit import MOST_NEAR, NEAR, pursue

FAVOURED = 10
"""Names are favoured that readers would see in the first answers, so many of them."""

FloatArray = NDArray[np.float32]


def explaining(snapshot: Snapshot, query: str, q_D: FloatArray, first: NDArray[np.int64]) -> dict[int, float]:
    """Finds the coefficients of the features that explain a question best, from its first answers, best
    first: of those near it that say something here and that one of these answers is about."""
    near_V = near(snapshot, q_D, first)
    likely_PV = agreement(snapshot, query, q_D, near_V, first[:FAVOURED])
    found = pursue(q_D, snapshot.index.vectors(first), snapshot.dictionary.w_dec_FD[near_V], likely_PV)
    return {int(near_V[name]): weight for name, weight in found.items()}


def topics(
    snapshot: Snapshot, query: str, q_D: FloatArray, first: NDArray[np.int64], but: Collection[int]
) -> list[int]:
    """Finds features near a question that its first answers are about, without some; those first that readers
    see in most of them."""
    near_V = near(snapshot, q_D, first)
    near_V = near_V[~np.isin(near_V, list(but))]
    seen_PV = agreement(snapshot, query, q_D, near_V, first[:FAVOURED])
    order = np.argsort(-seen_PV.sum(axis=0), kind="stable")
    seen = order[seen_PV.max(axis=0, initial=0.0)[order] >= UNDERSTOOD]
    return [int(feature) for feature in near_V[seen]]


def near(snapshot: Snapshot, q_D: FloatArray, first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Finds the features near a question that say something here and that one of its first answers is about,
    the nearest first."""
    about_F = np.bincount(snapshot.about_NF[first].indices, minlength=snapshot.dictionary.features)
    features = np.flatnonzero(snapshot.telling & (about_F > 0))
    like = snapshot.dictionary.w_dec_FD[features] @ q_D
    order = np.argsort(-like, kind="stable")[:MOST_NEAR]
    return np.asarray(features[order[like[order] >= NEAR]], dtype=np.int64)


def agreement(
    snapshot: Snapshot,
    query: str,
    q_D: FloatArray,
    features: Sequence[int] | NDArray[np.int64],
    passages: NDArray[np.int64],
    *,
    beside: bool = False,
) -> NDArray[np.float64]:
    """Estimates how likely a reader agrees that the question shares each name with each passage (P, V)."""
    rows_VD = snapshot.dictionary.w_dec_FD[features]
    words = NameWords([snapshot.labels[feature].text for feature in features])
    x_PD = snapshot.index.vectors(passages)
    return shared(
        words,
        query,
        rows_VD @ q_D,
        (x_PD - snapshot.dictionary.b_D) @ rows_VD.T,
        snapshot.lexicon.holding(passages, words.known),
        x_PD @ q_D,
        density(snapshot.passages_F[features], snapshot.passages),
        beside=beside,
    )
