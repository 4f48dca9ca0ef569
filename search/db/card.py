"""A card is what a dictionary says of itself, in its row, in a dump, in the file beside its weights."""

from pydantic import Field

from search.responses.collections import Scorecard
from search.responses.stored import StoredJson


class Training(StoredJson):
    """Says how a dictionary was made. `way`: "named" if its features are names, whose embeddings have `mean`
    in common; `adapted_from`: the SHA-256 of the dictionary that it added `own_names` to; `lineage`: that of
    these names. What an earlier version learned has other fields."""

    way: str = ""
    mean: tuple[float, ...] = ()
    names: int | None = None
    adapted_from: str | None = None
    own_names: int = 0
    lineage: str | None = None


class Alias(StoredJson):
    """Says that an earlier dictionary's numbers, 0 to `features` - 1, are those of `dictionary`."""

    dictionary: int
    features: int


class LostLabel(StoredJson):
    """Keeps a label by hand that has no feature in the new dictionary; `feature` is its number in
    `dictionary`."""

    dictionary: int
    feature: int
    label: str


class Card(StoredJson):
    """Says which vector space a dictionary reads, how it was made, how good it is.

    `active`: the most features a text may have; what the encoder puts below `threshold` does not fire.
    """

    model: str = ""
    active: int = 0
    training: Training = Training()
    scorecard: Scorecard = Scorecard()
    threshold: float = 0.0


class StoredCard(Card):
    """Goes with the weights it belongs to: adds their size and SHA-256, and what the dictionary took over.

    `aliases`: the earlier dictionaries whose numbers are those of another one; `lost_labels`: those by hand
    that found no feature here.
    """

    features: int = 0
    width: int = 0
    sha256: str = ""
    aliases: dict[int, Alias] = Field(default_factory=dict)
    lost_labels: tuple[LostLabel, ...] = ()

    @property
    def lineage(self) -> str:
        """Names what dictionaries whose features have the same numbers have in common: the SHA-256 of their
        own names, or of the dictionary that they were adapted from; else a dictionary's own."""
        return self.training.lineage or self.training.adapted_from or self.sha256
