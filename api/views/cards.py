"""A result card shows terms rounded so that they visibly sum, a signed bar, and plain words.

Shown numbers are whole thousandths (`int`), so that sums of shown numbers are exact.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from api.views.excerpts import named_words
from api.views.numbers import round_to_sum
from search.engine.highlighting import top_topics
from search.responses.search import Result, SearchResponse, Term

HUES = 8

MOST_TERMS = 40
"""Rows of a card's table; smaller terms are summed. A question may have hundreds of words."""

GROUP_LABELS = {
    "feature": "other topics",
    "word": "words",
    "name": "its name",
    "steering": "steering",
    "baseline": "baseline",
    "remainder": "everything else",
}


@dataclass(frozen=True)
class ShownTerm:
    """Holds one term of the score in thousandths; `tone` names its colour in the style sheet."""

    term: Term
    units: int
    tone: str


@dataclass(frozen=True)
class Segment:
    """Places one piece of the bar: a top shared topic, or a group of terms. `x` and `width` are
    percentages."""

    label: str
    units: int
    tone: str
    feature: int | None
    x: float
    width: float


@dataclass(frozen=True)
class Lit:
    """Holds the place of a topic among those whose words are marked, and its strongest words."""

    number: int
    words: str


@dataclass(frozen=True)
class Card:
    """Holds one result, ready to be laid out. Segments sum to `units`, and so do `terms` (largest first) with
    the `smaller` ones, which are not shown one by one."""

    result: Result
    units: int
    terms: list[ShownTerm]
    smaller: list[ShownTerm]
    segments: list[Segment]
    zero: float

    @property
    def topics(self) -> list[Segment]:
        return [segment for segment in self.segments if segment.feature is not None]

    @property
    def groups(self) -> list[Segment]:
        return [segment for segment in self.segments if segment.feature is None]

    def lit(self, feature: int | None) -> Lit | None:
        """Finds the words that made a topic fire, if they are marked in the passage."""
        passage = self.result.passage
        for number, light in enumerate(passage.lights[1:], start=1):
            if light.feature == feature:
                return Lit(number, named_words(passage, light))
        return None

    @property
    def moved(self) -> int | None:
        """Counts the places gained against the unsteered ranking; None if the document was not in it."""
        before = self.result.rank_unsteered
        now = self.result.rank
        return None if before is None or now is None else before - now


def build_cards(response: SearchResponse) -> list[Card]:
    """Builds the cards of one page of results; their bars share one scale."""
    tones = topic_tones(response)
    shown = [_shown_terms(result, tones) for result in response.results]
    pieces = [_pieces(terms) for terms in shown]
    most = max((_reach(parts, 1) for parts in pieces), default=0)
    least = max((_reach(parts, -1) for parts in pieces), default=0)
    return [
        _card(result, terms, parts, least, most)
        for result, terms, parts in zip(response.results, shown, pieces, strict=True)
    ]


def topic_tones(response: SearchResponse) -> dict[int, str]:
    """Gives each of the topics that carry most of this page a colour, the same one in every bar."""
    weight: Counter[int] = Counter()
    for result in response.results:
        for term in top_topics(result.terms):
            if term.feature is not None:
                weight[term.feature] += round(abs(term.value) * 1000) + 1
    return {feature: f"t{hue}" for hue, (feature, _) in enumerate(weight.most_common(HUES), start=1)}


def _shown_terms(result: Result, tones: dict[int, str]) -> list[ShownTerm]:
    units = round_to_sum([term.value for term in result.terms], result.score)
    shown = [ShownTerm(term, n, _tone(term, tones)) for term, n in zip(result.terms, units, strict=True)]
    return sorted(shown, key=lambda item: (-abs(item.units), -abs(item.term.value)))


def _tone(term: Term, tones: dict[int, str]) -> str:
    if term.kind == "feature" and term.feature is not None:
        return tones.get(term.feature, "feature")
    return term.kind


def _pieces(terms: Sequence[ShownTerm]) -> list[Segment]:
    """Lists the bar's segments in reading order, without places yet."""
    top = {term.feature for term in top_topics([item.term for item in terms])}
    single = [item for item in terms if item.term.kind == "feature" and item.term.feature in top]
    pieces = [
        Segment(
            label=item.term.label,
            units=item.units,
            tone=item.tone,
            feature=item.term.feature,
            x=0.0,
            width=0.0,
        )
        for item in single
    ]
    for kind, label in GROUP_LABELS.items():
        rest = [item.units for item in terms if item.term.kind == kind and item not in single]
        if rest:
            pieces.append(Segment(label=label, units=sum(rest), tone=kind, feature=None, x=0.0, width=0.0))
    return pieces


def _reach(pieces: Sequence[Segment], sign: int) -> int:
    return sum(abs(piece.units) for piece in pieces if piece.units * sign > 0)


def _card(result: Result, terms: list[ShownTerm], pieces: Sequence[Segment], least: int, most: int) -> Card:
    """Lays positive segments to the right of zero and negative ones to its left."""
    scale = 100 / ((least + most) or 1)
    zero = least * scale
    left = right = zero
    placed = []
    for piece in pieces:
        width = abs(piece.units) * scale
        left -= width if piece.units < 0 else 0
        x = left if piece.units < 0 else right
        right += width if piece.units > 0 else 0
        placed.append(replace(piece, x=round(x, 2), width=round(width, 2)))
    return Card(
        result=result,
        units=sum(item.units for item in terms),
        terms=terms[:MOST_TERMS],
        smaller=terms[MOST_TERMS:],
        segments=placed,
        zero=round(zero, 2),
    )
