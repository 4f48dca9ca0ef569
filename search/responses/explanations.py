"""Answers why, to the outside: this before that, and why not."""

from dataclasses import dataclass, field

from search.responses.search import LostKnob, Restriction, Result, SteeringTerm, TermKind


@dataclass(frozen=True)
class Margin:
    """Sets one term of two scores beside each other: what it adds to the first and to the second, and the
    difference. It is named as a term is."""

    kind: TermKind
    label: str
    first: float
    second: float
    margin: float
    feature: int | None = None
    concept: str | None = None
    family: int | None = None
    word: str | None = None


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Way:
    """Describes steering that brings a document among the first: all of it, and as the text form; `added` are
    the knobs that are new. `moved` is the cosine between the question before and after, `rank` where the
    document stands then."""

    steer: str
    steering: list[SteeringTerm]
    added: list[SteeringTerm]
    moved: float
    rank: int


@dataclass(frozen=True)
class Wording:
    """Gives the question with one `word` more, and the `rank` that a document has for it."""

    query: str
    word: str
    rank: int


@dataclass(frozen=True)
class WhyNot:
    """Says where a document stands, and why it is not among the first `wanted`.

    `excluded_by` are the restrictions that it does not meet: then it has no rank. `last` is the last of the
    first ones and `lacks` what the document has less of than that, the largest first. `ways` are the smallest
    changes of the steering that bring it among the first, the smallest first, and `wordings` words that do
    when they are added to the question; none where it is there already or none was found.
    """

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
    wordings: list[Wording] = field(default_factory=list)
