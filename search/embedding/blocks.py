"""The blocks of a text: what is read as sentences, and what line by line. Pure: no model, no database.

A text has no marks of its own any more once it is read, so a block is told by how it looks: code, tables,
signatures and lists of arguments have line breaks that mean something, prose has none. A heading is neither:
it says nothing by itself.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal

from search.embedding.folding import fold
from search.embedding.splitter import sentences
from search.responses.search import Span

Kind = Literal["prose", "heading", "lines"]

SAYS_SOMETHING = 3
"""A sentence has so many words at least: "See below" is none worth showing."""

LONGEST_HEADING = 6
MOSTLY = 0.75
INDENTED = 3
LISTED = 3

_WORD = re.compile(r"[^\W\d_]{2,}")
_PLAIN_WORD = re.compile(r"""(?<!\S)[("'“*]*[^\W\d_]+(?:['/\u2019-][^\W\d_]+)*[)"'”*.,;:!?]*(?!\S)""")
_PARAGRAPH = re.compile(r"[^\n]*\S[^\n]*(?:\n[^\n]*\S[^\n]*)*")
_ENDS = tuple(".!?:;,…。\uff01\uff1f")
_BULLET = re.compile(r"(?:[-*+•‣◦–]|\(?(?:\d{1,3}|[a-zA-Z])[.)])[ \t]+(?=\S)")
_ITEM = re.compile(rf"^[ \t]*{_BULLET.pattern}", re.MULTILINE)
_CODE = re.compile(
    r"""[ \t]*+(?:
        >>>|\.\.\.(?:[ ]|$) | [$%#][ ]\w+[ ]-- | ```|~~~       # a prompt, a fence
      | @\w[\w.]*(?:\(.*\))?$                                  # a decorator
      | (?:from[ ]\S+[ ])?import[ ]\S+(?:,[ ]\S+)*(?:[ ]as[ ]\w+)?;?$
      | [\[{].*[\]}]$                                          # a list of values
    )""",
    re.VERBOSE,
)
_LIKE_CODE = re.compile(
    r"""[ \t]*+(?:
        (?:def|class|async[ ]def|function|func|fn)[ ]+\w+.*[:{(]
      | (?:if|for|while|with|try|except|else|elif)\b.*[:{]$
      | (?:return|raise|yield|await)[ ][\w.]+\(.*\)$
      | [\w.\[\]()<>'", ]+[ ]?[-+*/|&]?=(?!=)[ ]?\S.*           # an assignment
      | [\w.]+\(.*\)[ ]*(?:->[ ]*\S+)?[:;]?$                   # a call, a signature on one line
      | .*(?:\);|[{}])$                                        # the end of a statement
    )""",
    re.VERBOSE,
)
_OPENS_SIGNATURE = re.compile(r"[\w.]+\((?!.*\)[ ]\w+[ ]\w+)")
_RULE = re.compile(r"[ \t]*+[-=~^*_+|: \t]{3,}$")
_COLUMNS = re.compile(r"\S(?:[ ]{3,}|\t+)\S|^\|.*\||[ ]\|[ ].*[ ]\|[ ]")


@dataclass(frozen=True)
class Block:
    """Holds a stretch of a text (offsets, without blank lines around it) and how it is to be read."""

    kind: Kind
    start: int
    end: int


def blocks(text: str) -> list[Block]:
    """Finds the blocks of a text, in order; blank lines are in none."""
    return [block for found in _PARAGRAPH.finditer(text) for block in _of_paragraph(text, found.span())]


def items(text: str, block: Block) -> list[Block]:
    """Cuts a block where an item of a list begins, which its bullet or its number says."""
    cuts = [found.start() for found in _ITEM.finditer(text, block.start, block.end)]
    starts = [block.start, *(cut for cut in cuts if cut > block.start)]
    ends = [*(start - 1 for start in starts[1:]), block.end]
    return [Block(block.kind, start, end) for start, end in zip(starts, ends, strict=True)]


def telling_sentences(text: str, title: str = "") -> list[Span]:
    """Finds the sentences worth showing of a text: whole ones of its prose, without a bullet in front. No
    heading, no signature, no end of a sentence that began as something else, nothing that its title says
    already."""
    whole = _joined(text, sentences(text))
    prose = [block for block in blocks(text) if block.kind == "prose"]
    inside = [
        (_clipped(text, max(each.start, block.start), min(each.end, block.end)), each.start < block.start)
        for block in prose
        for each in whole
        if each.start < block.end and block.start < each.end
    ]
    telling = [
        (span, is_rest and text[span.start].islower())
        for span, is_rest in inside
        if len(_WORD.findall(text, span.start, span.end)) >= SAYS_SOMETHING
    ]
    found = [span for span, is_rest in telling if not is_rest] or [span for span, _ in telling]
    said = _words(title)
    new = [span for span in found if not _words(text[span.start : span.end]) <= said]
    return new or found


def _of_paragraph(text: str, where: tuple[int, int]) -> Iterator[Block]:
    """Cuts a paragraph where its lines begin to be read in another way."""
    lines = _lines(text, *where)
    told = [text[start:end] for start, end in lines]
    alone = _is_signature(text[slice(*where)]) or _is_list(told)
    quoted = _is_indented_prose(told)
    kinds: list[Kind] = [
        "lines" if alone or row or _stands_alone(line) or (_is_indented(line) and not quoted) else "prose"
        for line, row in zip(told, _in_table(told), strict=True)
    ]
    if kinds[0] == "prose" and _is_heading(told[0], alone=len(lines) == 1):
        kinds[0] = "heading"
    for kind, group in groupby(zip(kinds, lines, strict=True), key=lambda pair: pair[0]):
        spans = [line for _, line in group]
        yield Block(kind, spans[0][0], spans[-1][1])


def _lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    cuts = [start - 1, *(at for at in range(start, end) if text[at] == "\n"), end]
    return [(before + 1, after) for before, after in pairwise(cuts)]


def _is_signature(paragraph: str) -> bool:
    """Tells whether a paragraph of several lines is a call or a signature with its arguments."""
    opened = _OPENS_SIGNATURE.match(paragraph.replace("\n", " "))
    return opened is not None and paragraph.rstrip().endswith((")", "):", ");"))


def _is_list(lines: list[str]) -> bool:
    """Tells whether a paragraph is a list of things, one on a line."""
    few = all(len(line.split()) <= LISTED and not line.endswith(_ENDS) for line in lines)
    return few and len(lines) >= LISTED


def _in_table(lines: list[str]) -> list[bool]:
    """Tells which lines of a paragraph are of a table: rows, where most that are indented as far are rows,
    and what goes on in them, indented deeper."""
    indents = [_indent(line) for line in lines]
    all_at = Counter(indents)
    rows = Counter(at for at, line in zip(indents, lines, strict=True) if _COLUMNS.search(line.strip()))
    tables = {at for at, count in rows.items() if count > 1 and 2 * count > all_at[at]}
    row, told = math.inf, []
    for at in indents:
        row = at if at in tables else row if at > row else math.inf
        told.append(row < math.inf)
    return told


def _stands_alone(line: str) -> bool:
    """Tells whether a line means something as a line: code, a row of a table, an argument."""
    if _CODE.match(line) or _RULE.fullmatch(line) or _COLUMNS.search(line.strip()):
        return True
    if _LIKE_CODE.match(line):
        return not _reads_on(line)
    return len(line) > 3 and not _WORD.search(line)


def _is_indented(line: str) -> bool:
    return _indent(line) >= INDENTED


def _indent(line: str) -> int:
    wide = line.expandtabs()
    return len(wide) - len(wide.lstrip())


def _is_indented_prose(lines: list[str]) -> bool:
    """Tells whether most of a paragraph's indented lines are prose all the same."""
    indented = [line for line in lines if _is_indented(line)]
    return 2 * sum(map(_reads_on, indented)) > len(indented)


def _reads_on(line: str) -> bool:
    """Tells whether a line that looks like code are words with blanks between them, most of a long one."""
    chunks, words = line.split(), _PLAIN_WORD.findall(line)
    share = len(words) / len(chunks)
    return (len(chunks) > LONGEST_HEADING and share > MOSTLY) or (
        len(chunks) >= SAYS_SOMETHING and share == 1
    )


def _is_heading(line: str, *, alone: bool) -> bool:
    """Tells whether a paragraph's first line is a heading: short, without an end, on its own or in front of
    a line that begins anew."""
    said = line.strip()
    if said.startswith("#"):
        return True
    short = len(said.split()) <= (LONGEST_HEADING if alone else 2)
    return short and not said.endswith(_ENDS) and (alone or said.istitle()) and not _BULLET.match(said)


def _joined(text: str, spans: list[Span]) -> list[Span]:
    """Joins sentences that no white space parts: the cut went through a name such as numpy.linalg."""
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].end == span.start and not text[span.start - 1].isspace():
            span = Span(joined.pop().start, span.end)
        joined.append(span)
    return joined


def _clipped(text: str, start: int, end: int) -> Span:
    """Leaves out the white space around a stretch, and a bullet in front."""
    said = text[start:end]
    start += len(said) - len(said.lstrip())
    bullet = _BULLET.match(text, start, end)
    return Span(bullet.end() if bullet else start, max(start, end - len(said) + len(said.rstrip())))


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(fold(text)))
