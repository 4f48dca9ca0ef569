"""Reads the labels of features: what they say, how well, who wrote them."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from search.db.models import FeatureRow
from search.dictionary.autoencoder import Dictionary, FeatureNames

NO_LABEL = "no reliable label"
NAME = "name"
"""Says, as its origin, that a label is the name a feature was made from."""


@dataclass(frozen=True)
class Label:
    """Holds a feature's label. `reliable` says whether it holds: names do, and what was written by hand;
    `origin` says who wrote it (see `search.db.models.FeatureRow`). A `score` says how well the label of a
    feature that an earlier version learned held in a test, None where there was none."""

    text: str
    score: float | None
    reliable: bool
    origin: str = "offline"

    @property
    def shown(self) -> str:
        """Gives what people are shown: a label that does not hold says so instead of bluffing."""
        return self.text if self.reliable else NO_LABEL


def read_labels(session: Session, number: int | None, dictionary: Dictionary | FeatureNames) -> list[Label]:
    """Reads the labels of a dictionary (its number in the store), by feature: its names, but for those that
    somebody wrote over."""
    labels = unwritten_labels(dictionary)
    for row in session.scalars(select(FeatureRow).where(FeatureRow.dictionary_id == number)):
        labels[row.feature] = Label(row.label, row.score, row.reliable, row.origin)
    return labels


def unwritten_labels(dictionary: Dictionary | FeatureNames) -> list[Label]:
    """Says what features are called before anybody labels them: a named one by its name, which holds."""
    if dictionary.names:
        return [Label(group[0], None, True, NAME) for group in dictionary.names]
    return [Label(f"feature {feature}", None, False) for feature in range(dictionary.features)]
