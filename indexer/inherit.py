"""Labels of an adapted dictionary: those of the one it was adapted from, put to the test again.

Shape suffixes: N passages, D embedding width, F features.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from indexer.label import FEWEST_POSITIVES, RELIABLE, Embed
from indexer.labels.judge import Judge
from indexer.train import drift
from search.artifact import Artifact, shipped
from search.dictionary import Dictionary
from search.labels import Label

SHIPPED = "shipped"
FELL = 0.03
"""A label whose score falls by more than this is marked: the adaptation changed what its feature means."""


@dataclass(frozen=True)
class Inherited:
    """A label in its new place. `before` is its score for the feature as it was, on the same passages, None
    where too few fire it; `drift` is how far the feature moved."""

    label: Label
    before: float | None
    drift: float

    @property
    def fell(self) -> bool:
        """Whether it tells the feature's passages from others less well than before."""
        return (
            self.before is not None and self.label.score is not None and self.label.score < self.before - FELL
        )


def adapted_from(dictionary: Dictionary) -> Artifact | None:
    """The shipped dictionary that a dictionary was adapted from, if it was; None if another one ships now."""
    base = shipped(dictionary.card.model)
    return base if base and base.sha256 == dictionary.card.training.get("adapted_from") else None


def inherit(
    base: Artifact, dictionary: Dictionary, x_ND: NDArray[Any], acts_NF: csr_matrix, embed: Embed
) -> list[Inherited]:
    """The label of every feature of `dictionary`, which was adapted from `base`.

    A label that held on the broad mix of texts it was made on holds here unless its score fell; one that did
    not may hold here. Where too few passages fire a feature, its label keeps the score it came with.
    """
    before_NF = base.dictionary.encode(x_ND).matrix(dictionary.features)
    firing_F = firing(acts_NF) >= FEWEST_POSITIVES
    texts = {
        feature: label.text for feature, label in enumerate(base.labels) if label.text and firing_F[feature]
    }
    before = Judge(x_ND, before_NF, base.dictionary, embed).score(texts)
    now = Judge(x_ND, acts_NF, base.dictionary, embed).score(texts)  # the same near misses for both
    moved_F = drift(base.dictionary, dictionary)
    return [
        _inherited(label, before.get(feature), now.get(feature), float(moved_F[feature]))
        for feature, label in enumerate(base.labels)
    ]


def unnamed(inherited: list[Inherited], acts_NF: csr_matrix, *, fewest: int = 20) -> NDArray[np.int64]:
    """Features without a label that holds, that enough passages fire to find one."""
    without_F = np.array([not each.label.reliable for each in inherited])
    return np.flatnonzero(without_F & (firing(acts_NF) >= fewest))


def names_here(inherited: list[Inherited], acts_NF: csr_matrix) -> list[str]:
    """The labels that hold of features that fire here: names that may suit others."""
    firing_F = firing(acts_NF) > 0
    return sorted(
        {
            each.label.text
            for each, fires in zip(inherited, firing_F, strict=True)
            if fires and each.label.reliable
        }
    )


def firing(acts_NF: csr_matrix) -> NDArray[np.int64]:
    """How many passages fire each feature (F)."""
    return np.bincount(acts_NF.indices, minlength=acts_NF.shape[1])


def _inherited(shipped: Label, before: Label | None, now: Label | None, moved: float) -> Inherited:
    label = replace(shipped, origin=SHIPPED)
    if before is None or now is None or before.score is None or now.score is None:
        return Inherited(label, None, moved)
    tested = Inherited(replace(label, score=now.score), before.score, moved)
    holds = now.score >= RELIABLE or (label.reliable and not tested.fell)
    return replace(tested, label=replace(tested.label, reliable=holds))
