"""Describes suggestions while typing to the outside, in plain frozen records."""

from dataclasses import dataclass
from typing import Literal

from search.responses.search import DocumentRef


@dataclass(frozen=True)
class Suggestion:
    """Holds what may be meant: the title of a `document`, or the name of a topic (`feature`)."""

    text: str
    kind: Literal["title", "topic"]
    document: DocumentRef | None = None
    feature: int | None = None


@dataclass(frozen=True)
class Suggestions:
    """Holds what goes on with what was typed, the likeliest first."""

    query: str
    collection: str
    generation: int
    suggestions: list[Suggestion]
