"""An excerpt is a few lines of a passage from its best sentence on, in runs of text that are marked alike.
Marks are offsets, so that all text stays text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from search.embedding.blocks import Block, Kind, blocks
from search.responses.search import Light, LitWord, PassageText, Span

LINE = 88
EXCERPT = 3 * LINE
"""Characters of an excerpt: three lines beside the steering."""

LONGEST_LINE = 400
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


@dataclass(frozen=True)
class Stretch:
    """Holds what an excerpt shows of one block: prose, whose line breaks mean nothing, or lines that keep
    theirs. `is_cut`: the block goes on."""

    kind: Kind
    pieces: list[Piece]
    is_cut: bool = False

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def excerpt(passage: PassageText, size: int = EXCERPT) -> list[Stretch]:
    """Cuts a few lines, about `size` characters, out of a passage: from where its best sentence is, which is
    marked, or from its first prose. Headings are left out. Lit words are `said1` to `said4` for the question,
    and `lit1-1` to `lit3-4` for the first to the third topic."""
    found = blocks(passage.text)
    readable = [block for block in found if block.kind != "heading"] or found
    shown: list[Stretch] = []
    room = size
    for block in readable[_first(readable, passage.best, size) :]:
        if shown and room < (LINE if block.kind == "lines" else LINE // 2):
            break
        cut = _lines(passage, block, room) if block.kind == "lines" else _prose(passage, block, room, shown)
        shown.append(cut)
        room -= _room_taken(cut)
        if cut.is_cut:
            break
    return _marked_if_apart(shown)


def _first(readable: Sequence[Block], best: Span | None, size: int) -> int:
    """Finds the block that an excerpt begins with: that of the best sentence, or as many before it as fit
    where little comes after."""
    if best is None:
        return next((n for n, block in enumerate(readable) if block.kind == "prose"), 0)
    at = next(n for n, block in enumerate(readable) if block.start <= best.start < block.end)
    room = size - sum(block.end - block.start for block in readable[at:])
    while at and readable[at - 1].kind == "prose":
        room -= readable[at - 1].end - readable[at - 1].start
        if room < 0:
            break
        at -= 1
    return at


def _prose(passage: PassageText, block: Block, room: int, before: Sequence[Stretch]) -> Stretch:
    """Cuts about `room` characters out of a block of prose: from its beginning where the best sentence, if it
    has that, is within them, else from that sentence on, with a line before it where little comes after."""
    text, best = passage.text, passage.best
    best = best if best and block.start <= best.start < block.end else Span(block.end, block.end)
    far = best.start < best.end and best.end - block.start > room
    start = block.start
    if far:  # no more than a line: on a phone four short ones are seen
        start = _word_from(text, min(max(block.end - room, best.start - LINE), best.start), best.start)
    end = block.end if block.end - start <= room else _before(text, start, start + room)
    marks, (first, last) = _marks(passage), (min(best.start, end), min(best.end, end))
    pieces = (
        Piece([Run("… ")] if start > block.start and not before else []),
        Piece(runs(text, start, first, marks)),
        Piece(runs(text, first, last, marks), marked=True),
        Piece(runs(text, last, end, marks)),
        Piece([Run(" …")] if end < block.end else []),
    )
    return Stretch("prose", [piece for piece in pieces if piece.runs], end < block.end)


def _lines(passage: PassageText, block: Block, room: int) -> Stretch:
    """Takes whole lines of a block that is read line by line, without what all are indented by."""
    text = passage.text[block.start : block.end]
    indent = indent_of(text)
    taken: list[Run] = []
    start, cut = block.start, False
    for line in text.split("\n"):
        room -= LINE * -(-len(line) // LINE)
        if taken and room < 0:
            cut = True
            break
        end = min(start + len(line), start + indent + LONGEST_LINE)
        taken += [*([Run("\n")] if taken else []), *runs(passage.text, start + indent, end, _marks(passage))]
        start += len(line) + 1
    return Stretch("lines", [Piece([*taken, *([Run(" …")] if cut else [])])], cut)


def indent_of(text: str) -> int:
    """Counts the blanks that all lines of a text begin with; blank lines do not count."""
    return min(len(line) - len(line.lstrip()) for line in text.split("\n") if line.strip())


def _room_taken(stretch: Stretch) -> int:
    return sum(
        LINE * -(-len(line) // LINE) for line in stretch.text.split("\n" if stretch.kind == "lines" else "\0")
    )


def _marked_if_apart(shown: list[Stretch]) -> list[Stretch]:
    """Takes the mark away from a best sentence that is all there is to see."""
    pieces = [piece for stretch in shown for piece in stretch.pieces]
    if any(not piece.marked and any(map(str.isalnum, piece.text)) for piece in pieces):
        return shown
    return [replace(each, pieces=[Piece(piece.runs) for piece in each.pieces]) for each in shown]


def _marks(passage: PassageText) -> list[Mark]:
    return [
        mark for number, light in enumerate(passage.lights) for mark in word_marks(light.words, _name(number))
    ]


def _before(text: str, start: int, end: int) -> int:
    """Moves the end of a cut to where a word ends, if there is a blank near."""
    at = max(text.rfind(blank, start + 1, end + 1) for blank in " \n")
    return at if at > start else end


def _word_from(text: str, start: int, end: int) -> int:
    """Moves the start of a cut to where a word begins, at `end` at the latest."""
    while start < end and not text[start - 1].isspace():
        start += 1
    return start


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
