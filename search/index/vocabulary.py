"""Numbers the stems of a collection in the order of the alphabet.

Stems lie one after another in an array, where a dict would be an object for each: an array can be mapped.

Shape suffixes: L letters (bytes of UTF-8) of all stems, B blocks of them.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

BLOCK = 64
"""The first of so many stems is in a list, which tells where another must be; there it is looked for."""

END = b"\n"
ANY = "surrogatepass"
"""A text that was sent may have halves of characters."""


@dataclass(frozen=True, eq=False)
class Vocabulary(Collection[str]):
    """Holds the `letters_L` of all stems, in order, an end of line behind each, and where each block of them
    begins and the last ends (`starts_B`, B + 1). No stem has an end of line in it."""

    letters_L: NDArray[np.uint8]
    starts_B: NDArray[np.int64]

    @classmethod
    def of(cls, stems: list[str]) -> "Vocabulary":
        """Takes stems in order, each once."""
        blocks = (stems[start : start + BLOCK] for start in range(0, len(stems), BLOCK))
        written = ["".join(f"{stem}\n" for stem in block).encode(errors=ANY) for block in blocks]
        return cls(np.frombuffer(b"".join(written), np.uint8), np.cumsum([0, *map(len, written)]))

    def __len__(self) -> int:
        full = max(len(self.starts_B) - 2, 0)
        return full * BLOCK + self._block(full).count(END)

    def __iter__(self) -> Iterator[str]:
        return iter(self.letters_L.tobytes().decode(errors=ANY).split("\n")[:-1])

    def __contains__(self, stem: object) -> bool:
        return isinstance(stem, str) and self.number(stem) is not None

    def number(self, stem: str) -> int | None:
        """Finds the number of a stem, None where it is not there."""
        wanted = stem.encode(errors=ANY)
        block = max(bisect_right(self._first, wanted) - 1, 0)
        lines = END + self._block(block)
        at = lines.find(END + wanted + END)
        return None if at < 0 else block * BLOCK + lines.count(END, 0, at)

    @cached_property
    def _first(self) -> list[bytes]:
        return [self._block(block).partition(END)[0] for block in range(len(self.starts_B) - 1)]

    def _block(self, block: int) -> bytes:
        return self.letters_L[slice(*self.starts_B[block : block + 2].tolist())].tobytes()
