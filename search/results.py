"""What a search, a feature and a document look like to the outside: plain frozen records.

The JSON API serialises these records as they are (None as null) and the pages render them, so a field
added here is an addition to the public contract.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

TermKind = Literal["feature", "steering", "word", "baseline", "remainder"]


@dataclass(frozen=True)
class Span:
    """A stretch of a text: character offsets, `start` included, `end` not."""

    start: int
    end: int


@dataclass(frozen=True)
class Part:
    """A feature's share in what makes a passage belong to a concept. Negative ones speak against it."""

    feature: int
    label: str
    share: float


@dataclass(frozen=True)
class Term:
    """One signed term of a score.

    `label` names it for people: a feature's label ("no reliable label" where its label does not hold), a
    concept's name, "baseline" or "remainder". `shared`: the feature is active in the passage too. `knob` is
    what was turned, as steering is written: `123`, `concept:sea`; a concept's term has its largest `parts`.
    """

    kind: TermKind
    value: float
    label: str
    feature: int | None = None
    concept: str | None = None
    shared: bool | None = None
    family: int | None = None
    knob: str | None = None
    parts: list[Part] = field(default_factory=list)


@dataclass(frozen=True)
class QueryFeature:
    """A feature active in the query. `label_score` is None where the label could not be tested; where the
    label does not hold, `example` is the text that the feature fires on most strongly."""

    feature: int
    label: str
    label_score: float | None
    reliable: bool
    activation: float
    example: str | None = None


@dataclass(frozen=True)
class SteeringTerm:
    """One knob as it was applied: a feature, a concept (a phrase), a family, or documents to be like.

    `strength` is the number asked for, or "off" where the feature was removed from the query. Where the knob
    is of an earlier dictionary, `was` is the feature's number there and `confidence` (0 to 1) how surely it
    is the same feature.
    """

    label: str
    strength: float | Literal["off"]
    feature: int | None = None
    concept: str | None = None
    family: int | None = None
    like: list[str] = field(default_factory=list)
    unlike: list[str] = field(default_factory=list)
    was: int | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class LostKnob:
    """A knob of an earlier dictionary that means nothing in the live one and was left out, and why.

    `feature` or `family` is its number in the earlier dictionary.
    """

    strength: float | Literal["off"]
    reason: str
    feature: int | None = None
    family: int | None = None


@dataclass(frozen=True)
class DocumentRef:
    """The document of a result; `id` is the id the user gave."""

    id: str
    title: str
    url: str | None = None


@dataclass(frozen=True)
class PassageText:
    """A passage: its number in the generation, its text, and where that stands in the document's text.

    `best` is the sentence (offsets into `text`) closest to the query, where one was chosen.
    """

    id: int
    text: str
    start: int
    end: int
    best: Span | None = None


@dataclass(frozen=True)
class Result:
    """One document, ranked by its best passage. The values of `terms` sum to `score`.

    `rank_unsteered` is None where the document stood below the pool that was ranked unsteered.
    """

    rank: int
    rank_unsteered: int | None
    score: float
    document: DocumentRef
    passage: PassageText
    terms: list[Term]


@dataclass(frozen=True)
class Timings:
    """Milliseconds spent."""

    embed: float
    search: float
    explain: float
    total: float


@dataclass(frozen=True)
class SearchResponse:
    """One answered search. `moved` is the cosine between the asked and the steered question; `dictionary` is
    the one that numbers of features belong to, `steering_lost` what of an earlier one has no counterpart."""

    query: str
    mode: str
    collection: str
    generation: int
    dictionary: int
    took_ms: Timings
    total: int
    limit: int
    offset: int
    moved: float
    query_features: list[QueryFeature]
    steering: list[SteeringTerm]
    steering_lost: list[LostKnob]
    results: list[Result]


@dataclass(frozen=True)
class FeatureSummary:
    """A feature in a list. `density`: share of passages it fires on; `passages`: how many."""

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
    """A feature of a family; `weight` (0 to 1): how much it belongs."""

    feature: int
    label: str
    weight: float


@dataclass(frozen=True)
class FamilyRef:
    """A family of features by its number."""

    family: int
    name: str


@dataclass(frozen=True)
class ConceptSummary:
    """A family of features to steer by. `passages`: how many belong to it; `features`: most central first;
    `example`: the beginning of the passage that belongs to it most; `parent`: the wider family it is part of,
    `children` the narrower ones that are part of it."""

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
    """A passage on which a feature fires (or nearly fires, where `activation` is 0).

    `decile` 10 holds the strongest tenth of the feature's activations, 1 the weakest; None where the feature
    has fewer than ten, or does not fire.
    """

    activation: float
    decile: int | None
    document: DocumentRef
    passage: PassageText


@dataclass(frozen=True)
class Neighbour:
    """Another feature, near by `value`: a cosine of decoder rows, or a share of common passages."""

    feature: int
    label: str
    value: float


@dataclass(frozen=True)
class Histogram:
    """Counts of activations in equal bins between 0 and `maximum`."""

    maximum: float
    counts: list[int]


@dataclass(frozen=True)
class FeatureDetail:
    """Everything a feature's page shows. `quantiles`: activation at 0, 10, …, 100% of its passages.

    `guess` is the best label there is where none holds. `label_origin` says who wrote the label: "offline",
    "shipped", "hand", "import" or the model that did. `value` of a neighbour in `neighbours` is the cosine
    of the two decoder rows, in `together` the share of this feature's passages that the other fires on too.
    `families`: the one it is in, then the wider one.
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


@dataclass(frozen=True)
class ActiveFeature:
    feature: int
    label: str
    reliable: bool
    activation: float


@dataclass(frozen=True)
class DocumentPassage:
    """A passage of a document page: offsets into the document's text and what fires there."""

    id: int
    start: int
    end: int
    features: list[ActiveFeature]


@dataclass(frozen=True)
class Progress:
    """Where a build is: `done` of `total` in a step; seconds left are None until a rate is known."""

    step: str
    done: int
    total: int
    rate: float | None
    seconds_left: float | None


@dataclass(frozen=True)
class CollectionInfo:
    """A collection: "live" (searchable), "building" (its first index is under way) or "empty"."""

    name: str
    state: Literal["live", "building", "empty"]
    documents: int
    passages: int
    generation: int | None = None
    progress: Progress | None = None
    scorecard: dict[str, Any] | None = None


@dataclass(frozen=True)
class DocumentDetail:
    """A document with its stored text and, by passage, the features that fire there."""

    id: str
    title: str
    url: str | None
    collection: str
    generation: int
    text: str
    meta: dict[str, Any] = field(default_factory=dict)
    passages: list[DocumentPassage] = field(default_factory=list)
