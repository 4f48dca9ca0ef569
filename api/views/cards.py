"""A result card shows terms rounded so that they visibly sum, a signed bar, and plain words.

Shown numbers are whole thousandths (`int`), so that sums of shown numbers are exact.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from api.views.excerpts import named_words
from api.views.numbers import round_to_sum, thousandths
from search.presentation.highlighting import top_topics
from search.responses.search import Result, SearchResponse, Term, Timings
from search.scoring.ranking import CONCEPT_UNIT

HUES = 8

MOST_TERMS = 40
SMALL = 0.02
"""Rows of a card's table, and the share of the score from which a term has one; smaller terms are summed. A
question may have hundreds of words."""

MOST_WORDS = 5

FAINT = 0.2
"""A word that adds less than this share of what the strongest one adds is no reason worth naming."""

MOST_REASONS = 2

RAISED = 0.05
"""Steering that adds this share of a score is a reason."""

GROUP_LABELS = {
    "feature": "other topics",
    "word": "words",
    "name": "its name",
    "repair": "repairs",
    "steering": "steering",
    "baseline": "baseline",
    "remainder": "everything else",
}


@dataclass(frozen=True)
class ShownTerm:
    """Holds one term of the score in thousandths; `tone` names its colour in the style sheet. A topic that is
    turned is one term with its steering: `yours` is the part of the units that comes from that."""

    term: Term
    units: int
    tone: str
    yours: int = 0


@dataclass(frozen=True)
class Segment:
    """Places one piece of the bar: a topic, or a group of terms. `x`, `width` and `yours_width`, of the part
    that comes from your steering at the outer end, are percentages."""

    label: str
    units: int
    tone: str
    feature: int | None = None
    yours: int = 0
    x: float = 0.0
    width: float = 0.0
    yours_width: float = 0.0

    @property
    def yours_x(self) -> float:
        return round(self.x if self.units < 0 else self.x + self.width - self.yours_width, 2)


@dataclass(frozen=True)
class Lit:
    """Holds the place of a topic among those whose words are marked, and its strongest words if they are
    known."""

    number: int
    words: str


@dataclass(frozen=True)
class Card:
    """Holds one result, ready to be laid out. Segments sum to `units`, and so do `terms` (largest first) with
    the `smaller` ones, which are not shown one by one. `is_far`: nothing here is really about the
    question."""

    result: Result
    units: int
    terms: list[ShownTerm]
    smaller: list[ShownTerm]
    segments: list[Segment]
    zero: float
    is_far: bool = False

    @property
    def topics(self) -> list[Segment]:
        return [segment for segment in self.segments if segment.feature is not None]

    @property
    def groups(self) -> list[Segment]:
        return [segment for segment in self.segments if segment.feature is None]

    @property
    def about(self) -> list[Segment]:
        """Lists the topics that speak for the result and that its passage is about; none that is turned
        down."""
        there = {item.term.feature for item in (*self.terms, *self.smaller) if item.term.shared}
        return [
            topic for topic in self.topics if topic.units > 0 and topic.yours >= 0 and topic.feature in there
        ]

    @property
    def is_raised(self) -> bool:
        """Tells whether the result stands higher than without steering, which adds to its score what is worth
        telling."""
        yours = sum(item.yours for item in (*self.terms, *self.smaller))
        return (self.moved is None or self.moved > 0) and yours > max(RAISED * self.units, 0)

    @property
    def words(self) -> list[str]:
        """Lists the question's words that the passage has, those that add most first; none that add little
        where others add more."""
        items = (item for item in (*self.terms, *self.smaller) if item.term.kind == "word")
        words = [item for item in items if item.units > 0]
        least = FAINT * max((item.units for item in words), default=0)
        return [item.term.word for item in words if item.units >= least and item.term.word][:MOST_WORDS]

    @property
    def is_named(self) -> bool:
        """Tells whether the question is the name of the document."""
        return any(item.term.kind == "name" for item in self.terms)

    @property
    def is_pinned(self) -> bool:
        """Tells whether somebody has said that the document stands first for the question."""
        return any(item.term.kind == "repair" and item.term.word is None for item in self.terms)

    @property
    def deciding(self) -> Term | None:
        """Finds the term without which the result would stand lowest; None where it would fall without
        none."""
        ranked = [item.term for item in self.terms if item.term.rank_without is not None]
        lowest = max(ranked, key=lambda term: term.rank_without or 0, default=None)
        falls = lowest is not None and (lowest.rank_without or 0) > (self.result.rank or 0)
        return lowest if falls else None

    @property
    def foremost(self) -> list[Term]:
        """Lists the terms that add most, of those that a reader can name."""
        named = [
            item.term
            for item in self.terms
            if item.units > 0
            and (item.term.kind in ("word", "name", "repair", "steering") or item.term.feature is not None)
        ]
        return named[:MOST_REASONS]

    def is_yours(self, term: Term) -> bool:
        """Tells whether a topic is turned: then only your part of it can be taken away."""
        return any(item.yours and item.term is term and term.kind == "feature" for item in self.terms)

    def lit(self, feature: int | None) -> Lit | None:
        """Finds the words that made a topic fire, if it is one of those that carry most of the score."""
        passage = self.result.passage
        words = {light.feature: named_words(passage, light) for light in passage.lights}
        for number, topic in enumerate(top_topics(self.result.terms), start=1):
            if topic.feature == feature:
                return Lit(number, words.get(feature, ""))
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
        replace(_card(result, terms, parts, least, most), is_far=response.weak)
        for result, terms, parts in zip(response.results, shown, pieces, strict=True)
    ]


def laps(took: Timings) -> list[tuple[int, str]]:
    """Says where the time of an answer went, in whole milliseconds that sum to all of it."""
    spent = {
        "to understand": took.embed,
        "to wait": took.wait,
        "to search": took.search,
        "to explain": took.explain,
        "to read": took.texts,
        "to mark words": took.words,
        "to count": took.facets,
    }
    units = round_to_sum([each / 1000 for each in spent.values()], took.total / 1000)
    return [(unit, name) for unit, name in zip(units, spent, strict=True) if unit]


def most_added(strength: float) -> str:
    """Writes what a phrase, a family or examples turned so far add to a score at most: `+0.150`."""
    units = round(1000 * CONCEPT_UNIT * strength)
    return f"{'+' if units > 0 else ''}{thousandths(units)}"


def effect(response: SearchResponse) -> str:
    """Says what steering did to the answers of a page, against the order without it."""
    last = response.offset + response.limit
    new = [r for r in response.results if r.rank_unsteered is None or r.rank_unsteered > last]
    up = [r for r in response.results if r.rank_unsteered and (r.rank or 0) < r.rank_unsteered <= last]
    told = [f"{len(up)} moved up"] * bool(up) + [f"{len(new)} new"] * bool(new)
    where = f"in the first {last}" if not response.offset else "on this page"
    return (
        f"{', '.join(told)} {where}"
        if told
        else "the order is as without steering; turn it further, or name it in other words"
    )


def topic_tones(response: SearchResponse) -> dict[int, str]:
    """Gives each of the topics that carry most of this page a colour, the same one in every bar.

    It is that of the topic's number, from search to search. Of two with the same one on a page, that of the
    lower number keeps it; the other takes the next that is nobody's.
    """
    weight: Counter[int] = Counter()
    for result in response.results:
        for term in top_topics(result.terms):
            if term.feature is not None:
                weight[term.feature] += round(abs(term.value) * 1000) + 1
    topics = sorted(feature for feature, _ in weight.most_common(HUES))
    having: dict[int, int] = {}
    for feature in topics:
        having.setdefault(feature % HUES, feature)
    free = [hue for hue in range(HUES) if hue not in having]
    for feature in (feature for feature in topics if having[feature % HUES] != feature):
        hue = min(free, key=lambda hue: (hue - feature) % HUES)
        free.remove(hue)
        having[hue] = feature
    return {feature: f"t{hue + 1}" for hue, feature in having.items()}


def _shown_terms(result: Result, tones: dict[int, str]) -> list[ShownTerm]:
    units = round_to_sum([term.value for term in result.terms], result.score)
    shown = [ShownTerm(term, n, _tone(term, tones)) for term, n in zip(result.terms, units, strict=True)]
    return sorted(_with_yours(shown), key=lambda item: (-abs(item.units), -abs(item.term.value)))


def _with_yours(terms: Sequence[ShownTerm]) -> list[ShownTerm]:
    """Makes one term of a topic and its steering, so that what is turned up is seen to go up."""
    turned = {_feature(item): item for item in terms if item.term.kind == "steering"}
    asked = {_feature(item) for item in terms if item.term.kind == "feature"} & turned.keys() - {None}
    return [
        _together(item, turned[_feature(item)])
        if item.term.kind == "feature" and _feature(item) in asked
        else replace(item, yours=item.units if item.term.kind == "steering" else 0)
        for item in terms
        if item.term.kind != "steering" or _feature(item) not in asked
    ]


def _together(asked: ShownTerm, yours: ShownTerm) -> ShownTerm:
    """Adds your part to a topic's own; what is known of the rank without it is that without your part."""
    term = replace(asked.term, rank_without=yours.term.rank_without)
    return replace(asked, term=term, units=asked.units + yours.units, yours=yours.units)


def _feature(item: ShownTerm) -> int | None:
    return item.term.feature


def _tone(term: Term, tones: dict[int, str]) -> str:
    if term.kind == "feature" and term.feature is not None:
        return tones.get(term.feature, "feature")
    return term.kind


def _pieces(terms: Sequence[ShownTerm]) -> list[Segment]:
    """Lists the bar's segments in reading order, without places yet: topics that carry most of the score or
    are turned, then groups."""
    top = {term.feature for term in top_topics([item.term for item in terms])}
    single = [
        item for item in terms if item.term.feature is not None and (item.yours or item.term.feature in top)
    ]
    pieces = [
        Segment(item.term.label, item.units, item.tone, item.term.feature, item.yours) for item in single
    ]
    for kind, label in GROUP_LABELS.items():
        rest = [item.units for item in terms if item.term.kind == kind and item not in single]
        if rest:
            pieces.append(Segment(label, sum(rest), kind))
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
        yours = min(abs(piece.yours) * scale, width) if piece.yours * piece.units > 0 else 0.0
        placed.append(replace(piece, x=round(x, 2), width=round(width, 2), yours_width=round(yours, 2)))
    large, small = _by_size(terms)
    return Card(
        result=result,
        units=sum(item.units for item in terms),
        terms=large,
        smaller=small,
        segments=placed,
        zero=round(zero, 2),
    )


def _by_size(terms: list[ShownTerm]) -> tuple[list[ShownTerm], list[ShownTerm]]:
    """Splits the terms into those that have a row of their own and those that share one, if these are
    several."""
    least = SMALL * sum(abs(item.units) for item in terms)
    rows = [n for n, item in enumerate(terms) if abs(item.units) >= least or item.yours][:MOST_TERMS]
    small = [item for n, item in enumerate(terms) if n not in set(rows)]
    return ([terms[n] for n in rows], small) if len(small) > 1 else (terms, [])
