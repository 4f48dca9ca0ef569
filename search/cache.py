"""Keeps what was worked out before while there is room."""

import functools
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

import cachetools

from search.metrics import LOOKUPS

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

LONGEST = 40

OUTCOMES = ("hit", "miss")


def of_short_texts(most: int) -> Callable[[Callable[[str], V]], Callable[[str], V]]:
    """Makes a function remember what it makes of so many texts, of short ones alone: a long one hardly comes
    again, and many of them would take all memory."""

    def remembering(make: Callable[[str], V]) -> Callable[[str], V]:
        known = functools.lru_cache(most)(make)

        @functools.wraps(make)
        def of(text: str) -> V:
            return known(text) if len(text) <= LONGEST else make(text)

        return of

    return remembering


class LRUCache(Generic[K, V]):
    """Keeps values by their keys, at most `most` of them or, with `size`, so much in all; what was used last
    stays longest. Under a `name` its hits and misses are counted.

    Safe to use from several threads: two that miss the same key at once both work it out, and one of the two
    values is kept.
    """

    def __init__(self, most: int, size: Callable[[V], int] | None = None, *, name: str = "") -> None:
        self._kept: cachetools.LRUCache[K, V] = cachetools.LRUCache(most, size)
        self._lock = Lock()
        self._hit, self._miss = (LOOKUPS.labels(name, outcome) if name else None for outcome in OUTCOMES)

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Gives the value of a key, made now if it is not there."""
        value = self.known(key)
        if value is None:
            value = make()
            self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Keeps a value; those unused for longest make room. One that is too large is not kept."""
        with self._lock:
            if self._kept.getsizeof(value) <= self._kept.maxsize:
                self._kept[key] = value

    def known(self, key: K) -> V | None:
        """Gives the value of a key, if it is there."""
        with self._lock:
            value = self._kept.get(key)
        counted = self._miss if value is None else self._hit
        if counted is not None:
            counted.inc()
        return value

    def __len__(self) -> int:
        return len(self._kept)
