"""Labels of features: what they say, how well, who wrote them."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from search.models import Feature

NO_LABEL = "no reliable label"


@dataclass(frozen=True)
class Label:
    """A feature's label. `score` is None where it could not be tested; `reliable` says whether it holds, and
    is true of what was written by hand; `origin` says who wrote it (see `search.models.Feature`)."""

    text: str
    score: float | None
    reliable: bool
    origin: str = "offline"

    @property
    def shown(self) -> str:
        """What people are shown: a label that does not hold says so instead of bluffing."""
        return self.text if self.reliable else NO_LABEL


def read_labels(session: Session, dictionary: int | None, features: int) -> list[Label]:
    """The labels of a dictionary, by feature."""
    labels = [Label(f"feature {feature}", None, False) for feature in range(features)]
    for row in session.scalars(select(Feature).where(Feature.dictionary_id == dictionary)):
        labels[row.feature] = Label(row.label, row.score, row.reliable, row.origin)
    return labels
