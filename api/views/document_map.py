"""The page of a document lights the words of its text that match a question or made a feature fire, and draws
the tracks of several features on its map."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from urllib.parse import quote, urlencode

import numpy as np

from api.views.charts import Stretch
from api.views.excerpts import Mark, word_marks
from api.views.page_state import LIMIT, PageState
from search.embedding.word_sums import levels
from search.explain.word_attribution import MAX_FEATURES
from search.responses.search import LitWord
from search.responses.words import DocumentWords, NamedFeature, PassageWords

AT_ONCE = 4
"""So many passages are lit with the page; with JavaScript the others follow when they come into view."""


@dataclass(frozen=True)
class Track:
    """Describes one column of the map: a feature, the passages that it fires on, and the ways on from
    here."""

    feature: NamedFeature
    column: int
    matches: list[Stretch]
    first_url: str
    without_url: str

    @property
    def letter(self) -> str:
        """Names the column."""
        return track_letter(self.column)


def track_letter(column: int) -> str:
    """Names a column of the map: A, B, C."""
    return ascii_uppercase[column]


def document_path(document_id: str) -> str:
    """Makes the address of a document's page. Ids that a browser would tidy up are encoded whole, and those
    that it tidies up even so are no part of the path."""
    if document_id in (".", ".."):
        return f"/document?document_id={document_id}"
    tidy = any(part in ("", ".", "..") for part in document_id.split("/"))
    return "/documents/" + quote(document_id, safe="" if tidy else "/")


def reading_url(
    document_id: str, state: PageState, features: Iterable[int] = (), *, passage: int | None = None
) -> str:
    """Makes the address of a document with some features as tracks, for the state's question."""
    path = document_path(document_id)
    address = state.url(path, find="", offset=0, limit=LIMIT)
    more = [("feature", feature) for feature in features]
    more += [] if passage is None else [("passage", passage)]
    joint = "&" if "?" in address else "?"
    return f"{address}{joint}{urlencode(more)}" if more else address


def tracks(
    document_id: str, state: PageState, features: Sequence[NamedFeature], parts: Sequence[Stretch]
) -> list[Track]:
    """Makes a track for each feature, in their order."""
    numbers = [feature.feature for feature in features]
    return [
        Track(
            feature=feature,
            column=column,
            matches=[part for part in parts if part.heats[column]],
            first_url=reading_url(document_id, state, with_first(numbers, feature.feature)),
            without_url=reading_url(document_id, state, [n for n in numbers if n != feature.feature]),
        )
        for column, feature in enumerate(features)
    ]


def with_first(features: Sequence[int], feature: int) -> list[int]:
    """Moves or adds a feature to the front of the list; the last one goes if there would be too many."""
    return [feature, *(other for other in features if other != feature)][:MAX_FEATURES]


def marks_of(stretch: Stretch, words: DocumentWords | None) -> list[Mark]:
    """Marks the lit words of a passage, where they are in the document's text: those of the first feature or,
    without one, of the question. Where its words are not known, the whole passage as the feature fires."""
    known = words.passages if words else []
    passage = next((each for each in known if each.passage.id == stretch.passage), None)
    if passage is None:
        return [(stretch.start, stretch.end, f"heat{stretch.heat}")] if stretch.heat else []
    begin = stretch.end - len(passage.passage.text)  # an overlapping passage may show its beginning
    name = "heat" if passage.features else "said"
    return [(begin + first, begin + last, mark) for first, last, mark in word_marks(_lit(passage), name)]


def to_light(parts: Sequence[Stretch], *, feature: bool) -> list[int]:
    """Chooses the passages whose words are to be lit: those that the feature fires on, or all for a
    question."""
    return [part.passage for part in parts if part.passage is not None and (part.heat or not feature)]


def _lit(passage: PassageWords) -> list[LitWord]:
    shown = passage.features[0] if passage.features else passage.question
    if shown is None or (passage.features and not passage.features[0].activation):
        return []
    level_P = levels(np.array(shown.values, dtype=np.float32)).tolist()
    return [
        LitWord(span.start, span.end, value, level)
        for span, value, level in zip(passage.words, shown.values, level_P, strict=True)
        if level
    ]
