"""What a search looks like to the outside: plain frozen records.

The JSON API serialises these records as they are (None as null) and the pages render them, so a field
added here is an addition to the public contract.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Literal

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
    concept's name, a word of the query, "baseline" or "remainder". `shared`: the feature is active in the
    passage too. `knob` is what was turned, as steering is written: `123`, `concept:sea`; a concept's term has
    its largest `parts`.
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
    word: str | None = None


@dataclass(frozen=True)
class QueryWord:
    """A word of the query that counts, and how many passages have it or another form of it."""

    word: str
    passages: int


@dataclass(frozen=True)
class Restriction:
    """Something that all results have, or that none has: a phrase (or a word), in the document or its title,
    or a field of the metadata that is one of some values, or lies between two (null: open)."""

    without: bool
    phrase: str | None = None
    field: str | None = None
    values: list[str] = dataclasses.field(default_factory=list)
    least: str | None = None
    most: str | None = None


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
    """A knob that means nothing here and was left out, and why.

    `feature` or `family` is its number in the dictionary that it was saved with; `like` and `unlike` are
    documents that are not there.
    """

    strength: float | Literal["off"]
    reason: str
    feature: int | None = None
    family: int | None = None
    concept: str | None = None
    like: list[str] = field(default_factory=list)
    unlike: list[str] = field(default_factory=list)


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
    """One answered search. `restrictions` are what the query said the results must or must not be, `moved` is
    the cosine between the asked and the steered question; `dictionary` is the one that numbers of features
    belong to, `preset` the name of the one that is part of `steering`, `steering_lost` what of it, or of an
    earlier dictionary, means nothing any more."""

    query: str
    restrictions: list[Restriction]
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
    query_words: list[QueryWord]
    preset: str | None
    steering: list[SteeringTerm]
    steering_lost: list[LostKnob]
    results: list[Result]
