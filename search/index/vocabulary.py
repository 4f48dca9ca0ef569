"""Numbers the stems of a collection in the order of the alphabet, so that one is found by bisection.

Stems lie one after another in an array, where a dict would be an object for each: an array can be mapped.

Shape suffixes: V stems, L letters (bytes of UTF-8) of all.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

ANY = "surrogatepass"
"""A text that was sent may have halves of characters."""


@dataclass(frozen=True, eq=False)
class Vocabulary(Collection[str]):
    """Holds the `letters_L` of all stems, in order, an end of line behind each, and where each begins and
    the last ends (`starts_V`, V + 1)."""

    letters_L: NDArray[np.uint8]
    starts_V: NDArray[np.int64]

    @classmethod
    def of(cls, stems: list[str]) -> "Vocabulary":
        """Takes stems in order, each once."""
        lines = [f"{stem}\n".encode(errors=ANY) for stem in stems]
        starts_V = np.cumsum([0, *map(len, lines)], dtype=np.int64)
        return cls(np.frombuffer(b"".join(lines), np.uint8), starts_V)

    def __len__(self) -> int:
        return len(self.starts_V) - 1

    def __iter__(self) -> Iterator[str]:
        return iter(self.letters_L.tobytes().decode(errors=ANY).split("\n")[:-1])

    def __contains__(self, stem: object) -> bool:
        return isinstance(stem, str) and self.number(stem) is not None

    def number(self, stem: str) -> int | None:
        """Finds the number of a stem, None where it is not there."""
        wanted = stem.encode(errors=ANY)
        at = bisect_left(range(len(self)), wanted, key=self._spelt)
        return at if at < len(self) and self._spelt(at) == wanted else None

    def _spelt(self, number: int) -> bytes:
        letters, starts = self._views
        return bytes(letters[starts[number] : starts[number + 1] - 1])

    @cached_property
    def _views(self) -> tuple[memoryview, memoryview]:
        return self.letters_L.data, self.starts_V.data  # one number of them is read more quickly
