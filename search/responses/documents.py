"""Describes a document to the outside."""

from dataclasses import dataclass, field
from typing import Any

from search.responses.search import DocumentRef


@dataclass(frozen=True)
class ActiveFeature:
    feature: int
    label: str
    reliable: bool
    activation: float


@dataclass(frozen=True)
class DocumentPassage:
    """Describes a passage of a document page: offsets into the document's text and what fires there."""

    id: int
    start: int
    end: int
    features: list[ActiveFeature]


@dataclass(frozen=True)
class DocumentTopic:
    """Offers a feature that tells a document from others, and says how many of its passages are about it."""

    feature: int
    label: str
    passages: int


@dataclass(frozen=True)
class ResultLink:
    """Leads to a result: its document, and the passage that it was found by."""

    document: DocumentRef
    passage: int


@dataclass(frozen=True)
class Standing:
    """Says at which rank a document is among the results of a search, and which are beside it."""

    rank: int
    before: ResultLink | None
    after: ResultLink | None


@dataclass(frozen=True)
class DocumentDetail:
    """Describes a document with its stored text and, by passage, the features that fire there; `topics` are
    those that tell it from others, the most telling first."""

    id: str
    title: str
    url: str | None
    collection: str
    generation: int
    text: str
    meta: dict[str, Any] = field(default_factory=dict)
    passages: list[DocumentPassage] = field(default_factory=list)
    topics: list[DocumentTopic] = field(default_factory=list)
