"""The splitter cuts text into sentences and passages, by exact character offsets. Pure: no model, no
database.

A passage is what is embedded and ranked. It ends where a sentence or, better, a paragraph ends, and with
its title in front it never exceeds what the embedding model reads.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from sentencex import get_sentence_boundaries
from tokenizers import Tokenizer

from search.responses.search import Span

TARGET_TOKENS = 192
"""A passage grows up to here: long enough to stand by itself, short enough to be about one thing, and a
quarter below the 256 tokens that small models read, so that a short rest may still be let in."""

ENOUGH = 0.5
"""From this share of the target on the end of a paragraph ends the passage; what is shorter joins a
neighbour."""

CHARACTERS_PER_TOKEN = 16
"""A passage has at most this many characters for each token it may have. Prose has 4 to 5; the bound keeps
what tokenizers fold into one unknown token (base64, blanks) from becoming a passage of a megabyte."""

_STARTS_A_SENTENCE = re.compile(
    r"""^[ \t]*(?:
        [-*+•‣◦–][ \t]+(?=\S)                         # a bullet
      | \(?(?:\d{1,3}|[a-zA-Z])[.)][ \t]+(?=\S)       # a numbered item
      | \#{1,6}[ \t]+(?=\S)                           # a Markdown heading
      | >>>[ ] | \|                                   # an interpreter's prompt, a row of a table
      | \r?\n                                         # a blank line
    )""",
    re.MULTILINE | re.VERBOSE,
)


@dataclass(frozen=True)
class _Piece:
    """Holds a stretch of text with its size in tokens."""

    start: int
    end: int
    size: int


def embedded_text(title: str, passage: str) -> str:
    """Joins what the model reads of a passage: its title in front says what the passage is about.

    `title` is the document's title as `PassageSplitter.clip_title` leaves it.
    """
    return f"{title} {passage}".strip()


def sentences(text: str) -> list[Span]:
    """Finds the sentences of a text, in order, without the white space around them; blank ones are left out.

    A list item, a heading, a table row and a paragraph are sentences whether or not they end in a full stop.
    """
    cuts = {0, len(text)}
    cuts.update(boundary["end_index"] for boundary in get_sentence_boundaries("en", text))
    cuts.update(match.start() for match in _STARTS_A_SENTENCE.finditer(text))
    return _trimmed(text, pairwise(sorted(cuts)))


class PassageSplitter:
    """Splits texts for one embedding model.

    Args:
        tokenizer_json: content of the model's `tokenizer.json`; truncation and padding are switched off.
        max_tokens: how many tokens the model reads, its special tokens included.
        target_tokens: how long passages are to be.
    """

    def __init__(self, tokenizer_json: str, max_tokens: int, target_tokens: int = TARGET_TOKENS) -> None:
        self._tokenizer = Tokenizer.from_str(tokenizer_json)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._room = max_tokens - self._tokenizer.num_special_tokens_to_add(False)
        self._target = target_tokens

    def clip_title(self, title: str) -> str:
        """Clips the title as it is embedded: on one line, and at most a quarter of what the model reads."""
        return self._clipped(title)[0]

    def split(self, text: str, title: str = "") -> list[Span]:
        """Splits a text into passages: in order, disjoint, and leaving out nothing but white space.

        Each of them fits the model as `embedded_text(clip_title(title), passage)`.
        """
        room = self._room - self._clipped(title)[1]
        passages = _packed(text, self._fitting(text, sentences(text), room), room, self._target)
        return [Span(passage.start, passage.end) for passage in passages]

    def _clipped(self, title: str) -> tuple[str, int]:
        """Clips the title as it is embedded, and counts its tokens."""
        title = " ".join(title.split())
        while (tokens := sum(self._tokens([title]))) > self._room // 4:
            shorter = title[: len(title) * 3 // 4]
            title = shorter.rpartition(" ")[0] or shorter
        return title, tokens

    def _tokens(self, texts: list[str]) -> list[int]:
        return [
            len(encoded) for encoded in self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        ]

    def _fitting(self, text: str, spans: list[Span], room: int) -> Iterator[_Piece]:
        """Measures the spans; what is larger than `room` is cut at white space if possible."""
        for span, tokens in zip(spans, self._tokens([text[s.start : s.end] for s in spans]), strict=True):
            length = span.end - span.start
            size = max(tokens, -(-length // CHARACTERS_PER_TOKEN))
            if size <= room or length == 1:
                yield _Piece(span.start, span.end, size)
            else:
                parts = -(-size // min(self._target, room))
                yield from self._fitting(text, _cut(text, span, -(-length // parts)), room)


def _packed(text: str, pieces: Iterable[_Piece], room: int, target: int) -> list[_Piece]:
    """Joins neighbouring pieces into passages of about `target` tokens, and of `room` at most."""
    passages: list[_Piece] = []
    for piece in pieces:
        if passages and _belongs(text, passages[-1], piece, room, target):
            passages[-1] = _joined(passages[-1], piece)
        else:
            passages.append(piece)
    if len(passages) > 1:
        before, last = passages[-2:]
        if last.size < ENOUGH * target and _joinable(text, before, last, room):
            passages[-2:] = [_joined(before, last)]
    return passages


def _belongs(text: str, passage: _Piece, piece: _Piece, room: int, target: int) -> bool:
    if passage.size < ENOUGH * target:
        return _joinable(text, passage, piece, room)
    new_paragraph = text.count("\n", passage.end, piece.start) > 1
    return not new_paragraph and _joinable(text, passage, piece, min(room, target))


def _joinable(text: str, left: _Piece, right: _Piece, room: int) -> bool:
    """Tells whether both together fit. Sizes only add up where the tokenizer too sees a break between
    them."""
    before = text[right.start - 1]
    breaks = before in "\n\r\t" or unicodedata.category(before)[0] in "PZ"
    fits = left.size + right.size <= room and right.end - left.start <= room * CHARACTERS_PER_TOKEN
    return breaks and fits


def _joined(left: _Piece, right: _Piece) -> _Piece:
    return _Piece(left.start, right.end, left.size + right.size)


def _cut(text: str, span: Span, step: int) -> list[Span]:
    """Cuts a span into stretches of at most `step` characters, in the white space if there is some."""
    cuts = [span.start]
    while span.end - cuts[-1] > step:
        cuts.append(_cut_before(text, cuts[-1] + step // 2 + 1, cuts[-1] + step))
    return _trimmed(text, pairwise([*cuts, span.end]))


def _cut_before(text: str, lowest: int, highest: int) -> int:
    """Finds the best place for a cut in `lowest..highest`: after white space, else before no combining
    mark."""
    for position in range(highest, lowest - 1, -1):
        if text[position - 1].isspace():
            return position
    for position in range(highest, lowest - 1, -1):
        if not (_leans_left(text[position]) or text[position - 1] == "\u200d"):
            return position
    return highest


def _leans_left(character: str) -> bool:
    """Tells whether a character belongs to the one before it: combining marks, variation selectors and
    joiners."""
    return unicodedata.category(character)[0] == "M" or character == "\u200d"


def _trimmed(text: str, stretches: Iterable[tuple[int, int]]) -> list[Span]:
    spans = []
    for start, end in stretches:
        led = text[start:end].lstrip()
        if led:
            spans.append(Span(end - len(led), end - len(led) + len(led.rstrip())))
    return spans
