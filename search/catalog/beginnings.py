"""The beginnings of names in memory: which names go on with what was typed, or have a word that does.

Shape suffix: K beginnings.
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from search.embedding.folding import fold

LONGEST = 200
"""Characters of a name that are looked at; nothing goes on with more."""

KEY = np.dtype("S12")
"""So many bytes of a beginning are kept; whoever asks looks at the rest (`is_begun`)."""

MOST_WORDS = 7
"""A name is found by the beginning of so many of its words."""

LOOKED_AT = 100
"""So many names that begin so are given, in the order of the alphabet."""

AT_ONCE = 50_000

_WORD = re.compile(r"[^\W_]+")

IntArray = NDArray[np.int64]


def words_of(text: str) -> str:
    """A name, or what was typed, as they are compared: folded words with a blank between."""
    return " ".join(_WORD.findall(fold(text[: LONGEST + 1])))


def is_begun(typed: str, name: str) -> bool:
    """Says whether a name goes on with what was typed, or has a word that does (both as words)."""
    return any(begun.startswith(typed) for begun in _begun(name))


@dataclass(frozen=True, eq=False)
class _Sorted:
    """Holds beginnings, ascending (K,), each with the number of its name (K,)."""

    keys_K: NDArray[np.bytes_] = field(default_factory=lambda: np.zeros(0, KEY))
    numbers_K: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))

    @classmethod
    def merged(cls, parts: Iterable["_Sorted"]) -> "_Sorted":
        keys, numbers = zip(*((part.keys_K, part.numbers_K) for part in parts), strict=True)
        keys_K, numbers_K = np.concatenate(keys), np.concatenate(numbers)
        order = np.argsort(keys_K, kind="stable")
        return cls(keys_K[order], numbers_K[order])

    def find(self, key: bytes, held: IntArray) -> list[int]:
        first, last = (np.array([each], KEY) for each in (key, key.ljust(KEY.itemsize, b"\xff")))
        start, end = np.searchsorted(self.keys_K, first)[0], np.searchsorted(self.keys_K, last, "right")[0]
        numbers = self.numbers_K[start : min(end, start + 4 * LOOKED_AT)]
        places = np.searchsorted(held, numbers)
        is_held = held.take(places, mode="clip") == numbers if len(held) else np.zeros(len(numbers), np.bool_)
        there: list[int] = numbers[is_held].tolist()
        return there[:LOOKED_AT]


@dataclass(frozen=True, eq=False)
class Beginnings:
    """Holds the beginnings of whole names, and of words within them."""

    whole: _Sorted = field(default_factory=_Sorted)
    within: _Sorted = field(default_factory=_Sorted)

    def and_of(self, names: Iterable[tuple[int, str]]) -> "Beginnings":
        """Adds more names, as words, each with its number."""
        whole, within, rest = [self.whole], [self.within], iter(names)
        while some := list(itertools.islice(rest, AT_ONCE)):
            begun = [
                (place, _key(each), number)
                for number, name in some
                for place, each in enumerate(_begun(name))
            ]
            whole.append(_sorted((key, number) for place, key, number in begun if not place))
            within.append(_sorted((key, number) for place, key, number in begun if place))
        return Beginnings(_Sorted.merged(whole), _Sorted.merged(within))

    def find(self, typed: str, held: IntArray) -> list[int]:
        """Gives the numbers, among those `held` (ascending), of names that may go on with what was typed (as
        words), then of those that have a word that may. Nothing does with nothing, or with what is too
        long."""
        if not typed or len(typed) > LONGEST:
            return []
        key = _key(typed)
        return list(dict.fromkeys([*self.whole.find(key, held), *self.within.find(key, held)]))


def _sorted(pairs: Iterable[tuple[bytes, int]]) -> _Sorted:
    listed = list(pairs)
    return _Sorted(
        np.array([key for key, _ in listed], KEY), np.array([number for _, number in listed], np.int64)
    )


def _begun(name: str) -> Iterator[str]:
    """A name, then what is left of it from each of its next words on."""
    start = 0
    for _ in range(MOST_WORDS):
        yield name[start:]
        start = name.find(" ", start) + 1
        if not start:
            return


def _key(name: str) -> bytes:
    return name[: KEY.itemsize].encode("utf-8", "surrogatepass")[: KEY.itemsize]
