"""One text once: results whose passages say the same fill one place, that of the best of them.

Two passages say the same where they have the same words in the same order; or where they differ in no word of
the question, and either their vectors and nearly all of their words are the same, numbers among them, or they
are long enough and differ in their numbers alone, as letters and notices do that a program fills in. Only
those whose vectors are close are read at all.

Shape suffixes: P passages, D embedding width.
"""

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from search.embedding.folding import fold

READ = 0.8
"""Passages of a smaller cosine are not compared. (The title is part of a vector: copies under other titles
are apart, too.)"""

CLOSE, SHARED = 0.98, 0.9
"""The cosine, and the share of their words, that passages have to have in common that are nearly the same."""

FORM = 12
"""So many words make a form that is filled in; what is shorter is a line of a list, whose number counts."""

_WORD = re.compile(r"\w+")
_TOKEN = re.compile(r"\w+(?:[-.,:/]\w+)*")
_DIGIT = re.compile(r"\d")

Texts = Callable[[list[int]], Mapping[int, str]]


@dataclass(frozen=True)
class Copies:
    """The rows of a ranking whose text comes for the first time, in order, and the rows of the copies of each
    of these."""

    first: list[int]
    of: dict[int, list[int]]

    @classmethod
    def none(cls, rows: int) -> "Copies":
        """So many rows, of which none is a copy."""
        return cls(list(range(rows)), {})

    def rows(self) -> list[int]:
        """All rows that are shown, copies too."""
        return [each for row in self.first for each in (row, *self.of.get(row, []))]

    @property
    def left_out(self) -> int:
        return sum(map(len, self.of.values()))


@dataclass(frozen=True)
class _Said:
    words: tuple[str, ...]
    tokens: tuple[str, ...]
    """Words with what is written together, so that a date, a part number and a price are one."""

    @cached_property
    def once(self) -> frozenset[str]:
        return frozenset(self.words)

    def same(self, other: "_Said", cosine: float, asked: frozenset[str]) -> bool:
        if self.words == other.words:
            return True
        if any(word in asked for word in self.once ^ other.once):
            return False
        if self._fills(other):
            return True
        if cosine < CLOSE or len(self.once & other.once) < SHARED * len(self.once | other.once):
            return False
        return not any(_DIGIT.search(word) for word in self.once ^ other.once)

    def _fills(self, other: "_Said") -> bool:
        """Whether two are one form, filled in with other numbers and what belongs to them, such as months."""
        pairs = [*zip(self.tokens, other.tokens, strict=False)]
        changed = [at for at, (one, two) in enumerate(pairs) if one != two]
        is_number = [all(map(_DIGIT.search, pair)) for pair in pairs]
        return (
            len(self.tokens) == len(other.tokens) >= FORM
            and len(changed) <= (1 - SHARED) * len(pairs)
            and all(any(is_number[max(at - 1, 0) : at + 2]) for at in changed)
        )


@functools.lru_cache(maxsize=512)  # a turned knob ranks much the same passages again
def said(text: str) -> _Said:
    """What a text says, as far as copies are told by it."""
    folded = fold(text)
    return _Said(tuple(_WORD.findall(folded)), tuple(_TOKEN.findall(folded)))


def find_copies(x_PD: NDArray[np.float32], texts: Texts, question: str) -> Copies:
    """Which of some passages, best first, are copies of one before them. `texts` reads those of some rows."""
    cosine_PP = np.tril(x_PD @ x_PD.T, -1)
    later, earlier = np.nonzero(cosine_PP >= READ)
    read = texts(sorted({*later.tolist(), *earlier.tolist()}))
    each, asked = {row: said(text) for row, text in read.items()}, said(question).once
    may = _may_be_same(each, cosine_PP, later, earlier)
    later, earlier = later[may], earlier[may]
    copy_of: dict[int, int] = {}
    for row, before in zip(later.tolist(), earlier.tolist(), strict=True):  # row by row, the best first
        known = row in copy_of or before in copy_of
        if not known and each[row].same(each[before], float(cosine_PP[row, before]), asked):
            copy_of[row] = before
    of: dict[int, list[int]] = {}
    for row, before in copy_of.items():
        of.setdefault(before, []).append(row)
    return Copies([row for row in range(len(x_PD)) if row not in copy_of], of)


def _may_be_same(
    each: Mapping[int, _Said],
    cosine_PP: NDArray[np.float32],
    later: NDArray[np.int64],
    earlier: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Tells of pairs of rows which `same` has to look at: few of those whose vectors are close."""
    tokens_P, words_P = np.zeros(len(cosine_PP), np.int64), np.zeros(len(cosine_PP), np.int64)
    for row, one in each.items():
        tokens_P[row], words_P[row] = len(one.tokens), hash(one.words)
    are_forms = (tokens_P[later] == tokens_P[earlier]) & (tokens_P[later] >= FORM)
    may: NDArray[np.bool_] = are_forms | (words_P[later] == words_P[earlier])
    return may | (cosine_PP[later, earlier] >= CLOSE)
