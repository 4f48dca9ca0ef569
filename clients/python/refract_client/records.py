"""What comes back. Made by python -m tools.reference out of the server's OpenAPI description.

A server of a later version may say more than this client knows; that is left out.
"""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
class QueryFeature:
    """Names a feature that explains the query and that readers see in its first answers; `activation` is its
    coefficient. `label_score` is None of names, and where a label could not be tested."""

    feature: int
    label: str
    label_score: float | None
    activation: float


@dataclass(frozen=True, kw_only=True)
class QueryWord:
    """Names a word of the query that counts, with how many passages have it or another form of it."""

    word: str
    passages: int


@dataclass(frozen=True, kw_only=True)
class SteeringTerm:
    """Describes one knob as it was applied: a feature, a concept (a phrase), a family, or documents to be
    like.

    `strength` is the number asked for, or "off" where the feature was removed from the query. Where the knob
    is of an earlier dictionary, `was` is the feature's number there and `confidence` (0 to 1) how surely it
    is the same feature."""

    label: str
    strength: float | Literal["off"]
    feature: int | None = None
    concept: str | None = None
    family: int | None = None
    like: list[str] = dataclasses.field(default_factory=list)
    unlike: list[str] = dataclasses.field(default_factory=list)
    was: int | None = None
    confidence: float | None = None


@dataclass(frozen=True, kw_only=True)
class LostKnob:
    """Describes a knob that means nothing here and was left out, with the reason.

    `feature` or `family` is its number in the dictionary that it was saved with; `like` and `unlike` are
    documents that are not there."""

    strength: float | Literal["off"]
    reason: str
    feature: int | None = None
    family: int | None = None
    concept: str | None = None
    like: list[str] = dataclasses.field(default_factory=list)
    unlike: list[str] = dataclasses.field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class DocumentRef:
    """Names the document of a result; `id` is the id the user gave."""

    id: str
    title: str
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Span:
    """Marks a stretch of a text: character offsets, `start` included, `end` not."""

    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class LitWord:
    """Marks a word of a passage (offsets into its text; a sentence where the model is not mean-pooled) and
    says what it adds. `level` 1 to 4: by how many standard deviations it stands above the passage's other
    words."""

    start: int
    end: int
    value: float
    level: int


@dataclass(frozen=True, kw_only=True)
class Light:
    """Marks the words of a passage that match the question most or, where `feature` is one, that made it
    fire."""

    feature: int | None
    words: list[LitWord]


@dataclass(frozen=True, kw_only=True)
class PassageText:
    """Holds a passage: its number in the generation, its text, and where that stands in the document's text.

    Where they were asked for, `best` is the sentence (offsets into `text`) closest to the query of those that
    are worth showing (no heading, no signature, not the title again), and `lights` are the words that match
    the query, then those of the topics that carry most of the score."""

    id: int
    text: str
    start: int
    end: int
    best: Span | None = None
    lights: list[Light] = dataclasses.field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Part:
    """Says what share a feature has in what makes a passage belong to a concept. Negative shares speak
    against it."""

    feature: int
    label: str
    share: float


@dataclass(frozen=True, kw_only=True)
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
    more)."""

    kind: Literal["feature", "steering", "word", "name", "repair", "baseline", "remainder"]
    value: float
    label: str
    feature: int | None = None
    concept: str | None = None
    shared: bool | None = None
    family: int | None = None
    knob: str | None = None
    parts: list[Part] = dataclasses.field(default_factory=list)
    met: list[str] = dataclasses.field(default_factory=list)
    word: str | None = None
    rank_without: int | None = None


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Says where a document is from, by a field of its metadata."""

    field: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """Holds one document, ranked by its best passage. The values of `terms` sum to `score`. `copies` are
    documents further down that are left out, because their best passage says the same (in a search that
    collapses). They keep their ranks, `copy_ranks`, so ranks of results may not follow on each other.

    `rank` is None where a document was asked for that the search leaves out; `rank_unsteered` also where it
    stood below the pool that was ranked unsteered. `facts`, where they were asked for, say where the document
    is from."""

    rank: int | None
    rank_unsteered: int | None
    score: float
    document: DocumentRef
    passage: PassageText
    terms: list[Term]
    copies: list[DocumentRef] = dataclasses.field(default_factory=list)
    copy_ranks: list[int] = dataclasses.field(default_factory=list)
    facts: list[Fact] = dataclasses.field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class FacetValue:
    """Offers a value, or a range of them, that results can be restricted to: `filter` does that, and
    `documents` is how many would be left. `top` is how many of the first hundred answers have it. `chosen`:
    it is a filter of this search already."""

    value: str
    filter: str
    documents: int
    top: int
    chosen: bool = False


@dataclass(frozen=True, kw_only=True)
class Facet:
    """Offers a field of the metadata, with those of its `total` values that answers have most. `kind`: text,
    number, date or boolean, whichever most of its values in the collection are."""

    field: str
    values: list[FacetValue]
    kind: str = "text"
    total: int = 0


@dataclass(frozen=True, kw_only=True)
class Topic:
    """Offers a feature that the first answers fire more than others do; `filter`, `documents`, `top` and
    `chosen` are as of a facet's value."""

    feature: int
    label: str
    filter: str
    documents: int
    top: int
    chosen: bool = False


@dataclass(frozen=True, kw_only=True)
class Facets:
    """Lists what the answers to a search can be narrowed down to."""

    fields: list[Facet]
    topics: list[Topic]


@dataclass(frozen=True, kw_only=True)
class Spelling:
    """Gives a question as it may be meant: words of it that are nowhere in the collection are near to some
    that are. `used`: none of its words is there, so that this was searched for."""

    query: str
    used: bool


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Names a word behind a minus that can be meant in two ways: documents with it are left out (`excluded`),
    or it is one of the words of the question, as an option of a command is. `query` is the question in the
    other reading."""

    word: str
    excluded: bool
    query: str


@dataclass(frozen=True, kw_only=True)
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
    readings: list[Reading] = dataclasses.field(default_factory=list)
    no_fields: list[str] = dataclasses.field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Margin:
    """Sets one term of two scores beside each other: what it adds to the first and to the second, and the
    difference. It is named as a term is."""

    kind: Literal["feature", "steering", "word", "name", "repair", "baseline", "remainder"]
    label: str
    first: float
    second: float
    margin: float
    feature: int | None = None
    concept: str | None = None
    family: int | None = None
    word: str | None = None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Says why one document stands before another: `margin` is the difference of their scores, and the sum of
    the margins of `terms`, largest first."""

    query: str
    collection: str
    generation: int
    dictionary: int
    first: Result
    second: Result
    margin: float
    terms: list[Margin]
    steering_lost: list[LostKnob]


@dataclass(frozen=True, kw_only=True)
class Way:
    """Describes steering that brings a document among the first: all of it, and as the text form; `added` are
    the knobs that are new. `moved` is the cosine between the question before and after, `rank` where the
    document stands then."""

    steer: str
    steering: list[SteeringTerm]
    added: list[SteeringTerm]
    moved: float
    rank: int


@dataclass(frozen=True, kw_only=True)
class Wording:
    """Gives the question with one `word` more, and the `rank` that a document has for it."""

    query: str
    word: str
    rank: int


@dataclass(frozen=True, kw_only=True)
class WhyNot:
    """Says where a document stands, and why it is not among the first `wanted`.

    `excluded_by` are the restrictions that it does not meet: then it has no rank. `last` is the last of the
    first ones and `lacks` what the document has less of than that, the largest first. `ways` are the smallest
    changes of the steering that bring it among the first, the smallest first, and `wordings` words that do
    when they are added to the question; none where it is there already or none was found."""

    query: str
    collection: str
    generation: int
    dictionary: int
    wanted: int
    total: int
    result: Result
    excluded_by: list[Restriction]
    last: Result | None
    lacks: list[Margin]
    ways: list[Way]
    steering_lost: list[LostKnob]
    wordings: list[Wording] = dataclasses.field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
class FeatureList:
    query: str
    collection: str
    generation: int
    total: int
    limit: int
    offset: int
    features: list[FeatureSummary]


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Counts activations in equal bins between 0 and `maximum`."""

    maximum: float
    counts: list[int]


@dataclass(frozen=True, kw_only=True)
class Example:
    """Shows a passage on which a feature fires (or nearly fires, where `activation` is 0).

    `decile` 10 holds the strongest tenth of the feature's activations, 1 the weakest; None where the feature
    has fewer than ten, or does not fire."""

    activation: float
    decile: int | None
    document: DocumentRef
    passage: PassageText


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """Names another feature, near by `value`: a cosine of decoder rows, or a share of common passages."""

    feature: int
    label: str
    value: float


@dataclass(frozen=True, kw_only=True)
class FamilyRef:
    """Names a family of features by its number."""

    family: int
    name: str


@dataclass(frozen=True, kw_only=True)
class Shaping:
    """Shows a passage that had a part in a feature. For a name of the collection's own `value` is its vote,
    how much nearer it is to the name than to the fifth nearest of the lexicon, `share` its part in all votes;
    for a name of the lexicon, how strongly it fires it without saying its words, so that it is not about it
    (`share` is None)."""

    value: float
    share: float | None
    document: DocumentRef
    passage: PassageText


@dataclass(frozen=True, kw_only=True)
class FeatureOrigin:
    """Says where a feature comes from. A name's direction is its own embedding, which no passage shapes.
    Names of the collection's own were chosen by its passages: `voters` of them vote for it as they are now,
    and it takes `needed`. `names` are all that mean the same. `passages`: those with most to do with it (see
    `Shaping`)."""

    came: Literal["lexicon", "collection", "learned"]
    names: list[str]
    voters: int | None
    needed: int | None
    passages: list[Shaping]


@dataclass(frozen=True, kw_only=True)
class FeatureDetail:
    """Holds everything a feature's page shows. `quantiles` are the activation at 0, 10, …, 100% of its
    passages.

    `guess` is the best label there is where none holds. `label_origin` says who wrote the label: "name"
    (nobody: it is what the feature was made from), "hand", or, of a feature that an earlier version learned,
    "offline", "shipped", "import" or the model that did. `value` of a neighbour in `neighbours` is the cosine
    of the two decoder rows, in `together` the share of this feature's passages that the other fires on too.
    `families`: the one it is in, then the wider one. `origin`: where it comes from."""

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


@dataclass(frozen=True, kw_only=True)
class MapPoint:
    """Places a feature on the map: `x` and `y` from 0 to 1, from the left and from the top. `family` is the
    widest one that it is in, None where it is in none."""

    feature: int
    label: str
    passages: int
    x: float
    y: float
    family: int | None


@dataclass(frozen=True, kw_only=True)
class FeatureMap:
    """Holds the features that are distinctive of a collection, the most distinctive first, where near
    meanings lie near each other, and the families that they are in, those of most features first."""

    collection: str
    generation: int
    points: list[MapPoint]
    families: list[FamilyRef]


@dataclass(frozen=True, kw_only=True)
class FeatureRef:
    """Names a feature of a family; `weight` (0 to 1) says how much it belongs."""

    feature: int
    label: str
    weight: float


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
class ConceptList:
    query: str
    collection: str
    generation: int
    total: int
    limit: int
    offset: int
    concepts: list[ConceptSummary]


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
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
    against: Literal["unlike", "answers", "collection"]
    features: list[FeatureDifference]
    steer: str
    note: str


@dataclass(frozen=True, kw_only=True)
class ActiveFeature:
    feature: int
    label: str
    reliable: bool
    activation: float


@dataclass(frozen=True, kw_only=True)
class DocumentPassage:
    """Describes a passage of a document page: offsets into the document's text and what fires there."""

    id: int
    start: int
    end: int
    features: list[ActiveFeature]


@dataclass(frozen=True, kw_only=True)
class DocumentTopic:
    """Offers a feature that tells a document from others, and says how many of its passages are about it."""

    feature: int
    label: str
    passages: int


@dataclass(frozen=True, kw_only=True)
class DocumentDetail:
    """Describes a document with its stored text and, by passage, the features that fire there; `topics` are
    those that tell it from others, the most telling first."""

    id: str
    title: str
    url: str | None
    collection: str
    generation: int
    text: str
    meta: dict[str, Any] = dataclasses.field(default_factory=dict)
    passages: list[DocumentPassage] = dataclasses.field(default_factory=list)
    topics: list[DocumentTopic] = dataclasses.field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class NamedFeature:
    """Names a feature; `maximum` is its strongest activation in the collection."""

    feature: int
    label: str
    reliable: bool
    maximum: float


@dataclass(frozen=True, kw_only=True)
class WordSum:
    """Takes a number apart as a sum over the words of a passage: `values` (in the order of the passage's
    words) and what is `elsewhere` (title, punctuation, constants, what rounding left) add up to `total`."""

    total: float
    elsewhere: float
    values: list[float]


@dataclass(frozen=True, kw_only=True)
class FeatureWords:
    """Says why a feature fires: `total` is its pre-activation, which decides whether it is among those that
    fire. Its `activation` is then refined; 0: it does not fire."""

    total: float
    elsewhere: float
    values: list[float]
    feature: int
    activation: float


@dataclass(frozen=True, kw_only=True)
class PassageWords:
    """Holds the words of a passage (offsets into its text). `by` is "sentence" where the model is not
    mean-pooled: these are sentences then, and what each adds is an estimate. `question.total` is its inner
    product with the steered question."""

    passage: PassageText
    by: Literal["word", "sentence"]
    words: list[Span]
    question: WordSum | None
    features: list[FeatureWords]


@dataclass(frozen=True, kw_only=True)
class DocumentWords:
    """Says what the words of a document's passages add to a question's score and to features. It has `total`
    passages."""

    document: DocumentRef
    query: str
    collection: str
    generation: int
    features: list[NamedFeature]
    total: int
    limit: int
    offset: int
    passages: list[PassageWords]


@dataclass(frozen=True, kw_only=True)
class TextFeature:
    """Describes a feature of a text. `activation` is its mean over the text's passages, `maximum` the
    largest; `strength` is what a knob is turned to for as much (at most 5; 0 where the feature never fires in
    the collection); `share` is its part of the text's meaning, negative where others set it off."""

    feature: int
    label: str
    label_score: float | None
    reliable: bool
    activation: float
    maximum: float
    strength: float
    share: float
    passages: int


@dataclass(frozen=True, kw_only=True)
class TextSentence:
    """Marks a sentence (offsets into the text) and says what its words fire where they stand, strongest
    first."""

    start: int
    end: int
    features: list[ActiveFeature]


@dataclass(frozen=True, kw_only=True)
class TextPassage:
    """Describes a piece of a text as the indexer would cut it: offsets into the text, what fires, its
    sentences, its words (offsets into the text; sentences where `by` says so), and what they add to the
    text's strongest features."""

    start: int
    end: int
    features: list[ActiveFeature]
    sentences: list[TextSentence]
    by: Literal["word", "sentence"]
    words: list[Span]
    word_values: list[FeatureWords]


@dataclass(frozen=True, kw_only=True)
class TextAnalysis:
    """Lists the features of any text. The first `analysed` of its `characters` are looked at, `query` is as
    much of it as can be searched with. The shares of all its `total` features, `baseline` and `remainder` sum
    to 1."""

    collection: str
    generation: int
    dictionary: int
    characters: int
    analysed: int
    query: str
    total: int
    features: list[TextFeature]
    baseline: float
    remainder: float
    passages: list[TextPassage]


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """Holds what may be meant: the title of a `document`, or the name of a topic (`feature`)."""

    text: str
    kind: Literal["title", "topic"]
    document: DocumentRef | None = None
    feature: int | None = None


@dataclass(frozen=True, kw_only=True)
class Suggestions:
    """Holds what goes on with what was typed, the likeliest first."""

    query: str
    collection: str
    generation: int
    suggestions: list[Suggestion]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Says where a build is: `done` of `total` in a step, by so many `workers`; seconds left are None until a
    rate is known. Before the first step it is empty."""

    step: str = ""
    done: int = 0
    total: int = 0
    rate: float | None = None
    seconds_left: float | None = None
    workers: int = 1


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Says what explanations account for: shares of the score of each question's first results, summed over
    questions. `carried` + `baseline` + `remainder` = 1; `shared` is the part of `carried` whose features are
    active in the result, too; `ordered` the share of pairs among the first ten that feature terms alone put
    in the order of the scores."""

    carried: float = 0.0
    shared: float = 0.0
    baseline: float = 0.0
    remainder: float = 0.0
    ordered: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Scorecard:
    """Says how good a dictionary is on some `rows`: how many `names`, of them the collection's `own`; how
    many are near a row (`l0`); the share that no row is near (`dead`); the variance that the nearest names
    leave unexplained when they are fitted together (`fvu`). `names` is None if that was not measured."""

    rows: int = 0
    names: int | None = None
    own: int = 0
    fvu: float = 0.0
    l0: float = 0.0
    dead: float = 0.0
    explained: Explained | None = None


@dataclass(frozen=True, kw_only=True)
class CollectionInfo:
    """Describes a collection, which is "live" (searchable), "building" (its first index is under way) or
    "empty". `title` is what people read instead of its name, empty where it has none. `default`: requests
    that name none go there. A `private` one is there only for those who send a key or are signed in."""

    name: str
    state: Literal["live", "building", "empty"]
    documents: int
    passages: int
    generation: int | None = None
    progress: Progress | None = None
    scorecard: Scorecard | None = None
    title: str = ""
    description: str = ""
    default: bool = False
    private: bool = False


@dataclass(frozen=True, kw_only=True)
class PresetInfo:
    """Describes a preset as it steers now: its knobs as text (`steer`) and one by one, numbered in
    `dictionary`, the live one; `steering_lost` is what of it means nothing any more. `default`: searches that
    name neither a preset nor steering are steered by it."""

    name: str
    description: str
    collection: str
    default: bool
    dictionary: int
    steer: str
    steering: list[SteeringTerm]
    steering_lost: list[LostKnob]
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class JobInfo:
    """Describes a job. `progress` is that of its current step, `log` its last lines, `reason` why it failed,
    `attempts` how often it was begun. `cancelling`: it was asked to stop and has not yet."""

    number: int
    kind: Literal["reindex", "ingest", "evaluate", "learn", "verify", "dump", "backup"]
    collection: str | None
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    arguments: dict[str, Any]
    progress: Progress
    log: list[str]
    reason: str | None
    result: dict[str, Any]
    attempts: int
    cancelling: bool
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class EventInfo:
    """Describes one event: its number, when it happened, what it is, and in which collection. `data` are
    numbers and names."""

    id: int
    at: datetime
    kind: str
    collection: str | None
    data: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class EventPage:
    """Holds events, the first first. `last` is the number to go on after; `missed`: some after the number
    that was given may not be kept any more."""

    events: list[EventInfo]
    last: int
    missed: bool


@dataclass(frozen=True, kw_only=True)
class FailureOut:
    id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Written:
    """What became of the documents that were sent. Those in `failures` were not stored, all others were."""

    added: int
    changed: int
    unchanged: int
    failures: list[FailureOut]


@dataclass(frozen=True, kw_only=True)
class Deleted:
    """`unknown`: the ids that no document had."""

    deleted: int
    unknown: list[str]
