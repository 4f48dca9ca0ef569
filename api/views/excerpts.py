"""An excerpt is a few lines of a passage from its best sentence on, in runs of text that are marked alike.
Marks are offsets, so that all text stays text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from search.embedding.blocks import Block, Kind, blocks
from search.embedding.splitter import sentences
from search.responses.search import Light, LitWord, PassageText, Span

LINE = 88
EXCERPT = 3 * LINE
"""Characters of an excerpt: three lines beside the steering."""

OPENING = 3 * LINE // 2
"""Characters of a first sentence that leads; cut shorter it would say nothing."""

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
    theirs. `is_cut`: the block goes on. `is_opening`: it is what the passage begins with, and the rest stands
    farther on."""

    kind: Kind
    pieces: list[Piece]
    is_cut: bool = False
    is_opening: bool = False

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def excerpt(passage: PassageText, title: str = "", size: int = EXCERPT) -> list[Stretch]:
    """Cuts a few lines, about `size` characters, out of a passage: from where its best sentence is, which is
    marked, or from its first prose. Where that is farther on, the passage's first sentence leads if it is
    short, unless the document's title says it. Headings are left out. Lit words are `said1` to `said4` for
    the question, and `lit1-1` to `lit3-4` for the first to the third topic."""
    found = blocks(passage.text)
    readable = [block for block in found if block.kind != "heading"] or found
    if not readable:
        return []
    at, start = _beginning(passage, readable, size)
    told = readable[at].start
    opening, led = _opening(passage, readable, title, start)
    if opening:
        (at, start), told = _at_best(passage, readable, size), led
    shown: list[Stretch] = []
    room = size
    for block in readable[at:]:
        if shown and room < (LINE if block.kind == "lines" else LINE // 2):
            break
        lines = block.kind == "lines"
        cut = _lines(passage, block, room) if lines else _prose(passage, block, max(start, block.start), room)
        shown.append(cut)
        room -= _room_taken(cut)
        if cut.is_cut:
            break
    shown = _marked_if_apart([*opening, *shown])
    if any(map(str.isalnum, passage.text[told:start])):
        first = shown[len(opening)]
        shown[len(opening)] = replace(first, pieces=[Piece([Run("… ")]), *first.pieces])
    return shown


def _beginning(passage: PassageText, readable: Sequence[Block], size: int) -> tuple[int, int]:
    """Finds the block that an excerpt begins with, and where in it: that of the best sentence, or as many
    before it as fit where little comes after; where the sentence is far into it, with what is said in a line
    before it."""
    at, best = _first(readable, passage.best, size), passage.best
    block = readable[at]
    if best is None or best.start >= block.end or best.end - block.start <= size:
        return at, block.start
    earliest = max(block.end - size, best.start - LINE)  # a line: on a phone four short ones are seen
    begun = (block.start + each.start for each in sentences(passage.text[block.start : best.start]))
    start = next((each for each in begun if each >= earliest), best.start)
    if start == best.start and block.end - start < LINE:  # a sentence's end is better than nothing
        start = _word_from(passage.text, min(earliest, best.start), best.start)
    return at, start


def _at_best(passage: PassageText, readable: Sequence[Block], size: int) -> tuple[int, int]:
    """Finds the best sentence's block, and where to begin in it: with it, or with the sentence."""
    assert passage.best is not None
    best = passage.best
    at = _holding(readable, best)
    return at, readable[at].start if best.end - readable[at].start <= size else best.start


def _opening(
    passage: PassageText, readable: Sequence[Block], title: str, start: int
) -> tuple[list[Stretch], int]:
    """Takes the first sentence of a passage, if that is short, the passage has a best one, and what is shown
    begins after it; says where it ends."""
    block = next((block for block in readable if block.kind == "prose"), None)
    if passage.best is None or block is None or start <= block.start:
        return [], start
    end = block.start + sentences(passage.text[block.start : block.end])[0].end
    said = " ".join(passage.text[block.start : end].split()).rstrip(" .")
    if end > start or len(said) > OPENING or said.casefold() in " ".join(title.split()).casefold():
        return [], start
    piece = Piece(runs(passage.text, block.start, end, _marks(passage)))
    return [Stretch("prose", [piece], is_opening=True)], end


def _first(readable: Sequence[Block], best: Span | None, size: int) -> int:
    """Finds the block that an excerpt begins with: that of the best sentence, or as many before it as fit
    where little comes after."""
    if best is None:
        return next((n for n, block in enumerate(readable) if block.kind == "prose"), 0)
    at = _holding(readable, best)
    room = size - sum(block.end - block.start for block in readable[at:])
    while at and readable[at - 1].kind == "prose":
        room -= readable[at - 1].end - readable[at - 1].start
        if room < 0:
            break
        at -= 1
    return at


def _holding(readable: Sequence[Block], best: Span) -> int:
    return next(n for n, block in enumerate(readable) if block.start <= best.start < block.end)


def _prose(passage: PassageText, block: Block, start: int, room: int) -> Stretch:
    """Cuts about `room` characters out of a block of prose; the best sentence is marked, if it has that."""
    text, best = passage.text, passage.best
    best = best if best and block.start <= best.start < block.end else Span(block.end, block.end)
    end = block.end if block.end - start <= room else _before(text, start, start + room)
    marks, (first, last) = _marks(passage), (min(best.start, end), min(best.end, end))
    pieces = (
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
