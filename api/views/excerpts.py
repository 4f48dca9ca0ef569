"""An excerpt is a passage cut around its best sentence, in runs of text that are marked alike. Marks are
offsets, so that all text stays text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from search.responses.search import Light, LitWord, PassageText

EXCERPT = 560
NAMED_WORDS = 5

Mark = tuple[int, int, str]
"""Start and end of a stretch, and a class of the style sheet."""


@dataclass(frozen=True)
class Run:
    """Holds a stretch that is marked alike; `names` are classes of the style sheet."""

    text: str
    names: str = ""


@dataclass(frozen=True)
class Piece:
    """Holds a part of an excerpt; `marked` is the best sentence."""

    runs: list[Run]
    marked: bool = False

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)


def excerpt(passage: PassageText, size: int = EXCERPT) -> list[Piece]:
    """Cuts the passage to about `size` characters around its best sentence, which is marked. Lit words are
    `said1` to `said4` for the question, and `lit1-1` to `lit3-4` for the first to the third topic."""
    text, best = passage.text, passage.best
    start, end = (best.start, best.end) if best else (0, 0)
    room = max(size - (end - start), 0)
    first, last = _window(text, start - room // 3, max(end, start + 1) + room)
    if last - first < size:
        first, last = _window(text, last - size, last)
    first, last = min(first, start), max(last, end)
    marks = [
        mark for number, light in enumerate(passage.lights) for mark in word_marks(light.words, _name(number))
    ]
    pieces = (
        Piece([Run("… " if first else ""), *runs(text, first, start, marks)]),
        Piece(runs(text, max(start, first), end, marks), marked=True),
        Piece([*runs(text, max(end, first), last, marks), Run(" …" if last < len(text) else "")]),
    )
    return [piece for piece in pieces if piece.text]


def runs(text: str, start: int, end: int, marks: Sequence[Mark]) -> list[Run]:
    """Cuts a stretch of a text where a mark begins or ends, every character once and in order."""
    inside = [(max(first, start), min(last, end), name) for first, last, name in marks]
    inside = [mark for mark in inside if mark[0] < mark[1]]
    cuts = sorted({start, end, *(place for first, last, _ in inside for place in (first, last))})
    names: dict[int, list[str]] = {}
    for first, last, name in inside:
        for cut in cuts[cuts.index(first) : cuts.index(last)]:
            names.setdefault(cut, []).append(name)
    return [
        Run(text[first:last], " ".join(names.get(first, [])))
        for first, last in pairwise(cuts)
        if first < last
    ]


def word_marks(words: Iterable[LitWord], name: str) -> list[Mark]:
    """Marks lit words with the class's name and the level."""
    return [(word.start, word.end, f"{name}{word.level}") for word in words]


def named_words(passage: PassageText, light: Light) -> str:
    """Names the strongest lit words, each once: `stem, cells`."""
    strongest = sorted(light.words, key=lambda word: -word.value)
    once = {passage.text[word.start : word.end].casefold(): None for word in strongest}
    return ", ".join([*once][:NAMED_WORDS])


def _name(number: int) -> str:
    """Names the class of the question's words (0) or of a topic's."""
    return f"lit{number}-" if number else "said"


def _window(text: str, first: int, last: int) -> tuple[int, int]:
    """Moves the ends of a cut outwards to the text's ends or inwards to spaces."""
    if first > 0:
        first = text.find(" ", first) + 1 or first
    if last < len(text):
        last = max(text.rfind(" ", 0, last), first)
    return max(first, 0), min(last, len(text))
