"""Describes the words of a document, and the features of any text, to the outside, in plain frozen records.

Part of the public contract, like `search.responses.search` and `search.responses.features`.
"""

from dataclasses import dataclass
from typing import Literal

from search.responses.documents import ActiveFeature
from search.responses.search import DocumentRef, LitBy, PassageText, Span


@dataclass(frozen=True)
class WordSum:
    """Takes a number apart as a sum over the words of a passage: `values` (in the order of the passage's
    words) and what is `elsewhere` (title, punctuation, constants, what rounding left) add up to `total`."""

    total: float
    elsewhere: float
    values: list[float]


@dataclass(frozen=True)
class FeatureWords(WordSum):
    """Says why a feature fires: `total` is its pre-activation, which decides whether it is among those that
    fire. Its `activation` is then refined; 0: it does not fire."""

    feature: int
    activation: float


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class TextSentence:
    """Marks a sentence (offsets into the text) and says what its words fire where they stand, strongest
    first."""

    start: int
    end: int
    features: list[ActiveFeature]


@dataclass(frozen=True)
class TextPassage:
    """Describes a piece of a text as the indexer would cut it: offsets into the text, what fires, its
    sentences, its words (offsets into the text; sentences where `by` says so), and what they add to the
    text's strongest features."""

    start: int
    end: int
    features: list[ActiveFeature]
    sentences: list[TextSentence]
    by: LitBy
    words: list[Span]
    word_values: list[FeatureWords]


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class PassageWords:
    """Holds the words of a passage (offsets into its text). `by` is "sentence" where the model is not
    mean-pooled: these are sentences then, and what each adds is an estimate. `question.total` is its inner
    product with the steered question."""

    passage: PassageText
    by: LitBy
    words: list[Span]
    question: WordSum | None
    features: list[FeatureWords]


@dataclass(frozen=True)
class NamedFeature:
    """Names a feature; `maximum` is its strongest activation in the collection."""

    feature: int
    label: str
    reliable: bool
    maximum: float


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class CarryingWord:
    """Says how strongly a text would fire a feature without one of its words (or sentences), wherever it
    stands; `times`: how often that is."""

    word: str
    times: int
    without: float


@dataclass(frozen=True)
class CarryingWords:
    """Lists the words of a text that carry a feature, those first without which it would be weakest; `by` is
    "sentence" where the model is not mean-pooled. `strength` is the feature's with all of them."""

    feature: int
    label: str
    strength: float
    by: LitBy
    words: list[CarryingWord]


@dataclass(frozen=True)
class MovedFeature:
    """Says how strongly a text fires a feature before and after it was rewritten."""

    feature: int
    label: str
    before: float
    after: float


@dataclass(frozen=True)
class EditedText:
    """Holds a text as it was rewritten along a feature, and whether that did what was asked: `verdict` is
    "moved", "moved, and so did others", or "did not move". `others` are the features that moved most besides,
    `disturbed` those of them that moved too far to say that all else stayed."""

    text: str
    way: Literal["more", "less"]
    moved: MovedFeature
    others: list[MovedFeature]
    disturbed: list[int]
    verdict: Literal["moved", "moved, and so did others", "did not move"]
    dictionary: int
