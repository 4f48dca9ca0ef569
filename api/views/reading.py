"""A document is read block by block, wherever its passages are cut: prose flows, code and tables keep their
lines."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from api.views.excerpts import Mark, Piece, Run, Stretch, indent_of, runs
from search.embedding.blocks import Block, blocks, items


@dataclass(frozen=True)
class Reading:
    """Holds the text of a document and its blocks, in order, with what all lines of each are indented by.
    Code with blank lines in it is one block, and so is each item of a list."""

    text: str
    blocks: list[Block]
    indents: list[int]

    @classmethod
    def of(cls, text: str) -> "Reading":
        """Finds the blocks of a text."""
        found: list[Block] = []
        for block in blocks(text):
            if block.kind == "lines" and found and found[-1].kind == "lines":
                found[-1] = replace(found[-1], end=block.end)
            else:
                found += items(text, block) if block.kind == "prose" else [block]
        return cls(text, found, [indent_of(text[block.start : block.end]) for block in found])

    def between(self, start: int, end: int, marks: Sequence[Mark] = ()) -> list[Stretch]:
        """Shows what of the blocks lies between two places, with marks where they are in the whole text."""
        first = bisect_right(self.blocks, start, key=lambda block: block.end)
        behind = bisect_left(self.blocks, end, key=lambda block: block.start)
        shown = []
        for at in range(first, behind):
            block = self.blocks[at]
            part = self._indented(block, max(start, block.start)), min(end, block.end)
            if self.text[slice(*part)].strip():
                shown.append(Stretch(block.kind, [Piece([*self._runs(at, *part, marks)])]))
        return shown

    def _indented(self, block: Block, start: int) -> int:
        """Moves a start before the blanks of its line, if it is right behind them: a passage begins without
        any, and its first row would not stand in its columns."""
        at = start
        while block.kind == "lines" and at > block.start and self.text[at - 1] in " \t":
            at -= 1
        return at if at == block.start or self.text[at - 1] == "\n" else start

    def _runs(self, at: int, start: int, end: int, marks: Sequence[Mark]) -> Iterator[Run]:
        """Cuts a part of a block into runs; of lines without what all lines of the block are indented by."""
        if self.blocks[at].kind != "lines":
            yield from runs(self.text, start, end, marks)
            return
        for line in self.text[start:end].split("\n"):
            begins = start == self.blocks[at].start or self.text[start - 1] == "\n"
            skipped = min(self.indents[at], len(line)) if begins else 0
            stop = min(start + len(line) + 1, end)
            yield from runs(self.text, start + skipped, stop, marks)
            start = stop
