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
class Term:
    """One signed term of a score.

    `label` names it for people: a feature's label ("no reliable label" where its label does not hold), a
    concept's phrase, "baseline" or "remainder". `shared`: the feature is active in the passage too.
    """

    kind: TermKind
    value: float
    label: str
    feature: int | None = None
    concept: str | None = None
    shared: bool | None = None


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
    """One knob as it was applied; exactly one of `feature` and `concept` is set.

    `strength` is the number asked for, or "off" where the feature was removed from the query.
    """

    label: str
    strength: float | Literal["off"]
    feature: int | None = None
    concept: str | None = None


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
    """One answered search. `moved` is the cosine between the asked and the steered question."""

    query: str
    mode: str
    collection: str
    generation: int
    took_ms: Timings
    total: int
    limit: int
    offset: int
    moved: float
    query_features: list[QueryFeature]
    steering: list[SteeringTerm]
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

    `guess` is the best label there is where none holds. `value` of a neighbour in `neighbours` is the cosine
    of the two decoder rows, in `together` the share of this feature's passages that the other fires on too.
    """

    feature: int
    collection: str
    generation: int
    label: str
    label_score: float | None
    reliable: bool
    density: float
    passages: int
    guess: str | None
    quantiles: list[float]
    histogram: Histogram
    examples: list[Example]
    near_misses: list[Example]
    neighbours: list[Neighbour]
    together: list[Neighbour]


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
