"""Describes a search to the outside, in plain frozen records.

The JSON API serialises these records as they are (None as null) and the pages render them, so a field
added here is an addition to the public contract.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Literal

LitBy = Literal["word", "sentence"]
TermKind = Literal["feature", "steering", "word", "name", "repair", "baseline", "remainder"]


@dataclass(frozen=True)
class Span:
    """Marks a stretch of a text: character offsets, `start` included, `end` not."""

    start: int
    end: int


@dataclass(frozen=True)
class Part:
    """Says what share a feature has in what makes a passage belong to a concept. Negative shares speak
    against it."""

    feature: int
    label: str
    share: float


@dataclass(frozen=True)
class Term:
    """Holds one signed term of a score.

    `label` names it for people: a feature's label, a concept's name, a word of the query, "baseline" or
    "remainder", what a saved repair adds, or that the document's name is what was asked for; "other topics"
    is the sum of those features (without a number) that nobody would see in the passage. `shared`: readers
    see the feature in the passage, too. `knob` is what was turned, as steering is written: `123`,
    `concept:sea`; a term of a concept has its largest `parts`; or none, where the passage belongs for what it
    is of or says, by what it has `met`: `package:numpy` of its metadata, `id:numpy` of the parts of its id
    (entirely), `text:numpy` of its words. `rank_without`, where it was asked for, is the rank if this term
    were taken away from the question, among the passages that were scored for this search (a thousand or
    more).
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
    met: list[str] = field(default_factory=list)
    word: str | None = None
    rank_without: int | None = None


@dataclass(frozen=True)
class QueryWord:
    """Names a word of the query that counts, with how many passages have it or another form of it."""

    word: str
    passages: int


@dataclass(frozen=True)
class Spelling:
    """Gives a question as it may be meant: words of it that are nowhere in the collection are near to some
    that are. `used`: none of its words is there, so that this was searched for."""

    query: str
    used: bool


@dataclass(frozen=True)
class Reading:
    """Names a word behind a minus that can be meant in two ways: documents with it are left out (`excluded`),
    or it is one of the words of the question, as an option of a command is. `query` is the question in the
    other reading."""

    word: str
    excluded: bool
    query: str


@dataclass(frozen=True)
class Restriction:
    """Says something that all results have, or that none has: a phrase (or a word), in the document or its
    title, a field of the metadata that is one of some values, or lies between two (null: open), or a feature
    that fires on the passage. `filter` is its text form, null for phrases; `undone` the question without it,
    null where that does not hold it."""

    without: bool
    phrase: str | None = None
    filter: str | None = None
    feature: int | None = None
    label: str | None = None
    field: str | None = None
    values: list[str] = dataclasses.field(default_factory=list)
    least: str | None = None
    most: str | None = None
    undone: str | None = None


@dataclass(frozen=True)
class QueryFeature:
    """Names a feature that explains the query and that readers see in its first answers; `activation` is its
    coefficient. `label_score` is None of names, and where a label could not be tested."""

    feature: int
    label: str
    label_score: float | None
    activation: float


@dataclass(frozen=True)
class SteeringTerm:
    """Describes one knob as it was applied: a feature, a concept (a phrase), a family, or documents to be
    like.

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
    """Describes a knob that means nothing here and was left out, with the reason.

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
    """Names the document of a result; `id` is the id the user gave."""

    id: str
    title: str
    url: str | None = None


@dataclass(frozen=True)
class LitWord:
    """Marks a word of a passage (offsets into its text; a sentence where the model is not mean-pooled) and
    says what it adds. `level` 1 to 4: by how many standard deviations it stands above the passage's other
    words."""

    start: int
    end: int
    value: float
    level: int


@dataclass(frozen=True)
class Light:
    """Marks the words of a passage that match the question most or, where `feature` is one, that made it
    fire."""

    feature: int | None
    words: list[LitWord]


@dataclass(frozen=True)
class PassageText:
    """Holds a passage: its number in the generation, its text, and where that stands in the document's text.

    Where they were asked for, `best` is the sentence (offsets into `text`) closest to the query of those that
    are worth showing (no heading, no signature, not the title again), and `lights` are the words that match
    the query, then those of the topics that carry most of the score.
    """

    id: int
    text: str
    start: int
    end: int
    best: Span | None = None
    lights: list[Light] = field(default_factory=list)


@dataclass(frozen=True)
class FacetValue:
    """Offers a value, or a range of them, that results can be restricted to: `filter` does that, and
    `documents` is how many would be left. `top` is how many of the first hundred answers have it. `chosen`:
    it is a filter of this search already."""

    value: str
    filter: str
    documents: int
    top: int
    chosen: bool = False


@dataclass(frozen=True)
class Facet:
    """Offers a field of the metadata, with those of its `total` values that answers have most. `kind`: text,
    number, date or boolean, whichever most of its values in the collection are."""

    field: str
    values: list[FacetValue]
    kind: str = "text"
    total: int = 0


@dataclass(frozen=True)
class Topic:
    """Offers a feature that the first answers fire more than others do; `filter`, `documents`, `top` and
    `chosen` are as of a facet's value."""

    feature: int
    label: str
    filter: str
    documents: int
    top: int
    chosen: bool = False


@dataclass(frozen=True)
class Facets:
    """Lists what the answers to a search can be narrowed down to."""

    fields: list[Facet]
    topics: list[Topic]


@dataclass(frozen=True)
class Fact:
    """Says where a document is from, by a field of its metadata."""

    field: str
    value: str


@dataclass(frozen=True)
class Result:
    """Holds one document, ranked by its best passage. The values of `terms` sum to `score`. `copies` are
    documents further down that are left out, because their best passage says the same (in a search that
    collapses). They keep their ranks, `copy_ranks`, so ranks of results may not follow on each other.

    `rank` is None where a document was asked for that the search leaves out; `rank_unsteered` also where it
    stood below the pool that was ranked unsteered. `facts`, where they were asked for, say where the document
    is from.
    """

    rank: int | None
    rank_unsteered: int | None
    score: float
    document: DocumentRef
    passage: PassageText
    terms: list[Term]
    copies: list[DocumentRef] = field(default_factory=list)
    copy_ranks: list[int] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)


@dataclass(frozen=True)
class Timings:
    """Says where the milliseconds of an answer went: to understand the question (embedding it, and what
    restricts it), waiting for other searches, finding, the terms of scores, reading texts, marking words,
    counting facets; and in all."""

    embed: float
    wait: float
    search: float
    explain: float
    texts: float
    words: float
    facets: float
    total: float


@dataclass(frozen=True)
class SearchResponse:
    """Holds one answered search. `total` counts documents, `copies` those of them that are left out as copies
    of results up to this page's last, as far as was looked. `restrictions` are what the query said the
    results must or must not be, `moved` is the cosine between the asked and the steered question;
    `dictionary` is the one that numbers of features belong to, `preset` the name of the one that is part of
    `steering`, `steering_lost` what of it, or of an earlier dictionary, means nothing any more. `facets` are
    there where they were asked for. Where no passage that may answer has a cosine of `floor` to the question,
    nothing here is really about it: `weak`. `readings` are words behind a minus that can be meant in another
    way, `no_fields` are names before a colon that no field of the collection has. `spelling` is there where
    words of the question are nowhere. A question longer than the model reads was embedded in `parts`."""

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
    facets: Facets | None = None
    copies: int = 0
    floor: float = 0.0
    weak: bool = False
    spelling: Spelling | None = None
    parts: int = 1
    readings: list[Reading] = field(default_factory=list)
    no_fields: list[str] = field(default_factory=list)
