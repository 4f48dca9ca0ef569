"""Describes features and concepts to the outside, in plain frozen records.

Part of the public contract, like `search.responses.search` and `search.responses.words`.
"""

from dataclasses import dataclass
from typing import Literal

from search.responses.search import DocumentRef, PassageText


@dataclass(frozen=True)
class FeatureSummary:
    """Describes a feature in a list. `density` is the share of passages it fires on, `passages` how many
    these are."""

    feature: int
    label: str
    label_score: float | None
    reliable: bool
    density: float
    passages: int
    example: str | None = None


@dataclass(frozen=True)
class FeatureList:
    query: str
    collection: str
    generation: int
    total: int
    limit: int
    offset: int
    features: list[FeatureSummary]


@dataclass(frozen=True)
class FeatureRef:
    """Names a feature of a family; `weight` (0 to 1) says how much it belongs."""

    feature: int
    label: str
    weight: float


@dataclass(frozen=True)
class FamilyRef:
    """Names a family of features by its number."""

    family: int
    name: str


@dataclass(frozen=True)
class ConceptSummary:
    """Describes a family of features to steer by. `passages` is how many belong to it; `features` come the
    most central first; `example` is the beginning of the passage that belongs to it most; `parent` is the
    wider family it is part of, `children` are the narrower ones that are part of it."""

    family: int
    name: str
    passages: int
    features: list[FeatureRef]
    example: str | None
    parent: FamilyRef | None
    children: list[FamilyRef]


@dataclass(frozen=True)
class ConceptList:
    query: str
    collection: str
    generation: int
    total: int
    limit: int
    offset: int
    concepts: list[ConceptSummary]


@dataclass(frozen=True)
class Example:
    """Shows a passage on which a feature fires (or nearly fires, where `activation` is 0).

    `decile` 10 holds the strongest tenth of the feature's activations, 1 the weakest; None where the feature
    has fewer than ten, or does not fire.
    """

    activation: float
    decile: int | None
    document: DocumentRef
    passage: PassageText


@dataclass(frozen=True)
class Neighbour:
    """Names another feature, near by `value`: a cosine of decoder rows, or a share of common passages."""

    feature: int
    label: str
    value: float


@dataclass(frozen=True)
class Histogram:
    """Counts activations in equal bins between 0 and `maximum`."""

    maximum: float
    counts: list[int]


Came = Literal["lexicon", "collection", "learned"]
"""Says where a feature comes from: a name that every collection has, one that this collection's passages
brought, or directions that an earlier version learned from passages."""


@dataclass(frozen=True)
class Shaping:
    """Shows a passage that had a part in a feature. For a name of the collection's own `value` is its vote,
    how much nearer it is to the name than to the fifth nearest of the lexicon, `share` its part in all votes;
    for a name of the lexicon, how strongly it fires it without saying its words, so that it is not about it
    (`share` is None)."""

    value: float
    share: float | None
    document: DocumentRef
    passage: PassageText


@dataclass(frozen=True)
class FeatureOrigin:
    """Says where a feature comes from. A name's direction is its own embedding, which no passage shapes.
    Names of the collection's own were chosen by its passages: `voters` of them vote for it as they are now,
    and it takes `needed`. `names` are all that mean the same. `passages`: those with most to do with it (see
    `Shaping`)."""

    came: Came
    names: list[str]
    voters: int | None
    needed: int | None
    passages: list[Shaping]


@dataclass(frozen=True)
class FeatureDetail:
    """Holds everything a feature's page shows. `quantiles` are the activation at 0, 10, …, 100% of its
    passages.

    `guess` is the best label there is where none holds. `label_origin` says who wrote the label: "name"
    (nobody: it is what the feature was made from), "hand", or, of a feature that an earlier version learned,
    "offline", "shipped", "import" or the model that did. `value` of a neighbour in `neighbours` is the cosine
    of the two decoder rows, in `together` the share of this feature's passages that the other fires on too.
    `families`: the one it is in, then the wider one. `origin`: where it comes from.
    """

    feature: int
    collection: str
    generation: int
    label: str
    label_score: float | None
    reliable: bool
    label_origin: str
    density: float
    passages: int
    guess: str | None
    quantiles: list[float]
    histogram: Histogram
    examples: list[Example]
    near_misses: list[Example]
    neighbours: list[Neighbour]
    together: list[Neighbour]
    families: list[FamilyRef]
    origin: FeatureOrigin


@dataclass(frozen=True)
class MapPoint:
    """Places a feature on the map: `x` and `y` from 0 to 1, from the left and from the top. `family` is the
    widest one that it is in, None where it is in none."""

    feature: int
    label: str
    passages: int
    x: float
    y: float
    family: int | None


@dataclass(frozen=True)
class FeatureMap:
    """Holds the features that are distinctive of a collection, the most distinctive first, where near
    meanings lie near each other, and the families that they are in, those of most features first."""

    collection: str
    generation: int
    points: list[MapPoint]
    families: list[FamilyRef]


Against = Literal["unlike", "answers", "collection"]
"""Says what liked documents are compared with."""


@dataclass(frozen=True)
class FeatureDifference:
    """Says how a feature tells liked documents from others: the mean activation on both sides, their
    `difference` in units of what strength 1 adds, and the strength of a knob that says the same."""

    feature: int
    label: str
    label_score: float | None
    reliable: bool
    liked: float
    others: float
    difference: float
    strength: float


@dataclass(frozen=True)
class Refinement:
    """Says what tells liked documents from others, `against` unliked ones, the answers to the query or all of
    the collection: the largest difference first; the same as steering (`steer`). A `note` says why there is
    none."""

    collection: str
    generation: int
    dictionary: int
    query: str
    like: list[DocumentRef]
    unlike: list[DocumentRef]
    against: Against
    features: list[FeatureDifference]
    steer: str
    note: str
