"""What a result card shows: terms rounded so that they visibly sum, a signed bar, plain words.

Shown numbers are whole thousandths (`int`), so that sums of shown numbers are exact.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from api.views.excerpts import named_words
from search.engine.highlighting import top_topics
from search.responses.search import LostKnob, Result, SearchResponse, Term

HUES = 8

GROUP_LABELS = {
    "feature": "other topics",
    "word": "words",
    "steering": "steering",
    "baseline": "baseline",
    "remainder": "everything else",
}


@dataclass(frozen=True)
class ShownTerm:
    """One term of the score in thousandths; `tone` names its colour in the style sheet."""

    term: Term
    units: int
    tone: str


@dataclass(frozen=True)
class Segment:
    """One piece of the bar: a top shared topic, or a group of terms. `x` and `width` are percentages."""

    label: str
    units: int
    tone: str
    feature: int | None
    x: float
    width: float


@dataclass(frozen=True)
class Lit:
    """The place of a topic among those whose words are marked, and its strongest words."""

    number: int
    words: str


@dataclass(frozen=True)
class Card:
    """One result, ready to be laid out. Segments sum to `units`, and so do `terms` (largest first)."""

    result: Result
    units: int
    terms: list[ShownTerm]
    segments: list[Segment]
    zero: float

    @property
    def topics(self) -> list[Segment]:
        return [segment for segment in self.segments if segment.feature is not None]

    @property
    def groups(self) -> list[Segment]:
        return [segment for segment in self.segments if segment.feature is None]

    def lit(self, feature: int | None) -> Lit | None:
        """The words that made a topic fire, where they are marked in the passage."""
        passage = self.result.passage
        for number, light in enumerate(passage.lights[1:], start=1):
            if light.feature == feature:
                return Lit(number, named_words(passage, light))
        return None

    @property
    def moved(self) -> int | None:
        """Places gained against the unsteered ranking; None where the document was not in it."""
        before = self.result.rank_unsteered
        now = self.result.rank
        return None if before is None or now is None else before - now


def round_to_sum(values: Sequence[float], total: float) -> list[int]:
    """Thousandths that sum to the rounded `total`: the roundings that were closest to a tie give way.

    Each differs from its value by less than one unit, given that `values` sum to `total`.
    """
    units = [round(value * 1000) for value in values]
    gap = round(total * 1000) - sum(units)
    step = 1 if gap > 0 else -1
    by_error = sorted(range(len(values)), key=lambda i: step * (units[i] - values[i] * 1000))
    for i in by_error[: abs(gap)]:
        units[i] += step
    return units


def build_cards(response: SearchResponse) -> list[Card]:
    """The cards of one page of results; their bars share one scale."""
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
    """A colour for each of the topics that carry most of this page, the same one in every bar."""
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
    """The bar's segments in reading order, without places yet."""
    top = {term.feature for term in top_topics([item.term for item in terms])}
    single = [item for item in terms if item.term.kind == "feature" and item.term.feature in top]
    pieces = [Segment(item.term.label, item.units, item.tone, item.term.feature, 0.0, 0.0) for item in single]
    for kind, label in GROUP_LABELS.items():
        rest = [item.units for item in terms if item.term.kind == kind and item not in single]
        if rest:
            pieces.append(Segment(label, sum(rest), kind, None, 0.0, 0.0))
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
        placed.append(
            Segment(piece.label, piece.units, piece.tone, piece.feature, round(x, 2), round(width, 2))
        )
    return Card(result, sum(item.units for item in terms), terms, placed, round(zero, 2))


def thousandths(units: int) -> str:
    """`-34` as `−0.034`, with a true minus sign."""
    return f"{'−' if units < 0 else ''}{abs(units) / 1000:.3f}"


def signed(value: float) -> str:
    """A strength as `+1.5` or `−0.5`."""
    return f"{'−' if value < 0 else '+'}{abs(value):g}"


def share(part: float) -> str:
    """A share of the whole as a percentage that never rounds something to nothing."""
    percent = part * 100
    if percent == 0:
        return "0%"
    return "under 0.1%" if percent < 0.1 else f"{percent:.1f}%" if percent < 10 else f"{percent:.0f}%"


def duration(seconds: float) -> str:
    """Seconds as `40 s`, `3 min` or `1 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def holds(score: float | None, reliable: bool) -> str:
    """How well a label holds, in plain words."""
    if score is None:
        return "not tested"
    if not reliable:
        return "no reliable label"
    return "holds well" if score >= 0.85 else "holds weakly"


def written_by(origin: str) -> str:
    """Who wrote a label, in plain words."""
    known = {
        "hand": "written by hand",
        "name": "the name it was made from",
        "shipped": "came with the dictionary",
        "offline": "found in the texts",
        "import": "imported",
    }
    return known.get(origin, f"written by {origin}")


def lost_name(knob: LostKnob) -> str:
    """What a knob that was left out turned, in plain words."""
    if knob.feature is not None:
        return f"topic {knob.feature}"
    if knob.family is not None:
        return f"family {knob.family}"
    if knob.concept is not None:
        return f"“{knob.concept}”"
    return "the example " + ", ".join(f"“{document}”" for document in (*knob.like, *knob.unlike))


def moved_words(cosine: float) -> str:
    """How far steering moved the question, in words, from the cosine between before and after."""
    steps = ((0.999, "not at all"), (0.97, "a little"), (0.9, "somewhat"), (0.7, "a lot"))
    return next((words for least, words in steps if cosine >= least), "very far")
