"""Fits a concept: a small sparse linear model over features that says how much a text is about something.

    m_c(x) = sigmoid(v_c . a(x) + beta_c)        in 0..1

It saturates on purpose: it asks "is this about c?" once, and leaves relevance to decide the rest.

A passage can also belong for what it is of, or for what it says: each document whose package is numpy is of
numpy and belongs entirely, and one that says "yield" belongs to "yield" as far as BM25 counts the word.

Its weights are those of a family of features, or they start from a few members (the nearest passages of a
phrase, or examples) and spread: a feature weighs as much as the passages that fire it are members beyond the
average, a passage is a member as far as its features weigh. After a few rounds "physics" knows passages on
thermodynamics that never say the word. (Propagation on the graph of passages and features;
docs/decisions/0007 has it beside logistic regression.) Examples against take away what they have more of than
those for it.

Shape suffixes: N passages, F features, C features of the concept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import expit

MEMBERS_SHARE = 0.02
MEMBERS = (10, 5000)
ROUNDS = 3
MAX_FEATURES = 256
THRESHOLD = 2.0  # a passage is half a member so many standard deviations above the mean of the collection
SOFTNESS = 0.3  # the sigmoid's unit is such a part of a standard deviation
AGAINST = 0.75  # an example against weighs so much where one for weighs 1
BLOCK = 100_000
PRIOR = 5.0  # so many average passages are added to each feature's, so that rare ones prove little


@dataclass(frozen=True, eq=False)
class Concept:
    """Holds the fitted model: `features` (C,), the heaviest first, `weights_C` (negative: against it),
    `bias`; and by the name of what they have met, as `package:numpy` or `text:numpy`, passages that belong at
    least so far whatever they are about: `least` has their numbers, ascending, and how far (0 to 1)."""

    name: str
    features: NDArray[np.int64]
    weights_C: NDArray[np.float64]
    bias: float
    least: Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = field(default_factory=dict)

    def membership(self, acts_NF: csr_matrix) -> NDArray[np.float64]:
        """Computes m_c for N passages, from their activations."""
        member_N = self._about(acts_NF)
        for passages, least in self.least.values():
            member_N[passages] = np.maximum(member_N[passages], least)
        return member_N

    def met(self, passage: int, acts_1F: csr_matrix) -> list[str]:
        """Names what decides how far a passage (and its activations) belongs, if not what it is about."""
        held = {name: least[passages == passage] for name, (passages, least) in self.least.items()}
        found = {name: float(least[0]) for name, least in held.items() if len(least)}
        most = max(found.values(), default=0.0)
        if not found or most <= float(self._about(acts_1F)[0]):
            return []
        return [name for name, least in found.items() if least == most]

    def _about(self, acts_NF: csr_matrix) -> NDArray[np.float64]:
        weights_F = np.zeros(acts_NF.shape[1])
        weights_F[self.features] = self.weights_C
        return np.asarray(expit(weighted_sums(acts_NF, weights_F) + self.bias))

    def shares(self, acts: dict[int, float]) -> dict[int, float]:
        """Says what makes a text with these activations a member or none: the share of each feature in all
        that its weighted sum is made of, largest first. Negative shares speak against; sizes sum to 1."""
        pairs = zip(self.features.tolist(), self.weights_C.tolist(), strict=True)
        evidence = {feature: weight * acts[feature] for feature, weight in pairs if acts.get(feature)}
        whole = sum(abs(value) for value in evidence.values())
        return {f: v / whole for f, v in sorted(evidence.items(), key=lambda pair: -abs(pair[1]))}


def members_wanted(passages: int) -> int:
    """Says how many of a collection's passages stand for a phrase: the nearest ones."""
    return int(min(np.clip(passages * MEMBERS_SHARE, *MEMBERS), passages))


def concept_from_members(name: str, members: NDArray[np.int64], acts_NF: csr_matrix) -> Concept:
    """Fits a concept to passages that belong to it (by number), found among all N of the collection.

    The members are evidence, not the whole: others with the same features belong as well.
    A collection whose passages all look alike gives a concept without features that nothing belongs to.
    """
    member_N = np.zeros(acts_NF.shape[0])
    member_N[members] = 1.0
    return calibrated(name, _spread(member_N, acts_NF), acts_NF)


def concept_from_examples(
    name: str, like: list[NDArray[np.int64]], unlike: list[NDArray[np.int64]], acts_NF: csr_matrix
) -> Concept:
    """Fits a concept to the passages (numbers) of each document for it, and of each against it.

    Both sides spread on their own. What the examples against alone have speaks against; what both have counts
    less, but does not cancel, so that "like this paper, not that one" stays within the subject of both.
    """
    for_F, against_F = (_spread(_evenly(side, acts_NF), acts_NF) for side in (like, unlike))
    return calibrated(name, for_F - AGAINST * against_F, acts_NF)


def _spread(member_N: NDArray[np.float64], acts_NF: csr_matrix) -> NDArray[np.float64]:
    """Computes the weights (F,) after a few rounds from members to features and back."""
    for _ in range(ROUNDS - 1):
        member_N = calibrated("members", _weights(member_N, acts_NF), acts_NF).membership(acts_NF)
    return _weights(member_N, acts_NF)


def _evenly(documents: list[NDArray[np.int64]], acts_NF: csr_matrix) -> NDArray[np.float64]:
    """Makes members (N,) of documents: each document counts as much as any other, however many passages it
    has."""
    member_N = np.zeros(acts_NF.shape[0])
    for passages in documents:
        member_N[passages] = 1.0 / len(passages)
    return member_N


def _weights(member_N: NDArray[np.float64], acts_NF: csr_matrix) -> NDArray[np.float64]:
    """Computes how much more than the average the passages that fire each feature are members; positive
    values only."""
    if acts_NF.nnz == 0:
        return np.zeros(acts_NF.shape[1])
    strength_F = np.asarray(acts_NF.sum(axis=0)).ravel() + PRIOR * acts_NF.data.mean()
    beyond_N = member_N - member_N.mean()
    excess_F = sum(acts_NF[rows].T @ beyond_N[rows] for rows in _blocks(len(member_N))) / strength_F
    weights_F: NDArray[np.float64] = np.maximum(excess_F, 0.0)
    weights_F[np.argsort(-weights_F, kind="stable")[MAX_FEATURES:]] = 0.0
    return weights_F


def weighted_sums(acts_NF: csr_matrix, weights_F: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums what the features of each passage weigh (N,)."""
    sums_N = np.zeros(acts_NF.shape[0])
    for rows in _blocks(len(sums_N)):
        sums_N[rows] = acts_NF[rows] @ weights_F
    return sums_N


def _blocks(passages: int) -> list[slice]:
    """Cuts passages into blocks: scipy makes a copy, in doubles, of what it multiplies with doubles."""
    return [slice(start, start + BLOCK) for start in range(0, passages, BLOCK)]


def calibrated(name: str, weights_F: NDArray[np.float64], acts_NF: csr_matrix) -> Concept:
    """Places and scales the sigmoid by how the weighted sums are spread over the collection."""
    sums_N = weighted_sums(acts_NF, weights_F)
    mean, deviation = (float(sums_N.mean()), float(sums_N.std())) if len(sums_N) else (0.0, 0.0)
    if deviation < 1e-9:
        return Concept(name, np.zeros(0, np.int64), np.zeros(0), -np.inf)
    unit = SOFTNESS * deviation
    features = np.argsort(-np.abs(weights_F), kind="stable")[: np.count_nonzero(weights_F)]
    return Concept(name, features, weights_F[features] / unit, -(mean + THRESHOLD * deviation) / unit)
