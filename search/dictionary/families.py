"""Reads families: features of a dictionary that belong together, with the weight of each.

Shape suffixes: N passages, F features, C features of the family.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix
from sqlalchemy import select
from sqlalchemy.orm import Session

from search.db.models import FamilyRow
from search.dictionary.concepts import THRESHOLD, Concept, calibrated


@dataclass(frozen=True)
class Reach:
    """Says how far a family reaches in one collection: how many `passages` belong to it, which is the
    `strongest` of them (None where there is none), and how its weighted sums of activations are spread over
    all passages."""

    passages: int
    strongest: int | None
    mean: float
    deviation: float


@dataclass(frozen=True, eq=False)
class Family:
    """Holds the `features` (C,) of a family and how much each belongs (`weights_C`: the first has the most,
    1).

    `parent` is the number of the wider family that this one is part of.
    """

    number: int
    parent: int | None
    name: str
    features: NDArray[np.int64]
    weights_C: NDArray[np.float64]

    def reach(self, acts_by_feature: csc_matrix) -> Reach:
        """Measures how the family is spread over passages with these activations (N, F)."""
        sums_N = acts_by_feature[:, self.features] @ self.weights_C
        mean, deviation = float(sums_N.mean()), float(sums_N.std())
        belonging = int(np.count_nonzero((sums_N >= mean + THRESHOLD * deviation) & (sums_N > 0)))
        return Reach(belonging, int(np.argmax(sums_N)) if belonging else None, mean, deviation)

    def lift(self, mean_F: NDArray[np.float64], reach: Reach) -> float:
        """Says how much more passages of these mean activations fire the family than all of the collection do
        on the average, in standard deviations of these."""
        return float(mean_F[self.features] @ self.weights_C - reach.mean) / max(reach.deviation, 1e-9)


def concept_from_family(family: Family, acts_NF: csr_matrix) -> Concept:
    """Makes the concept that a text is about as far as it fires the family's features."""
    weights_F = np.zeros(acts_NF.shape[1])
    weights_F[family.features] = family.weights_C
    return calibrated(family.name, weights_F, acts_NF)


def read_families(session: Session, dictionary: int | None) -> dict[int, Family]:
    """Reads the families of a dictionary by their number."""
    rows = session.scalars(
        select(FamilyRow).where(FamilyRow.dictionary_id == dictionary).order_by(FamilyRow.family)
    )
    return {
        row.family: Family(
            number=row.family,
            parent=row.parent,
            name=row.name,
            features=np.array(row.features),
            weights_C=np.array(row.weights),
        )
        for row in rows
    }
