"""Numbers the stems of a collection in the order of the alphabet.

Stems lie one after another in an array, where a dict would be an object for each: an array can be mapped.

Shape suffixes: L letters (bytes of UTF-8) of all stems, B blocks of them, V stems.
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

    def near(self, text: str, edits: int) -> Iterator[str]:
        """Gives all stems that are so few edits away from a text, and some that are more: those of about its
        length that have about the same letters. An edit takes away, adds, changes or swaps a character."""
        length_1, letters_1 = _shapes(np.frombuffer(text.encode(errors=ANY) + END, np.uint8))
        length_V, letters_V = self._shapes
        may_V = np.abs(length_V - length_1) <= edits
        may_V &= np.bitwise_count(letters_V ^ letters_1) <= 2 * edits
        for number in np.flatnonzero(may_V).tolist():
            block = self._block(number // BLOCK)
            yield block.split(END)[number % BLOCK].decode(errors=ANY)

    @cached_property
    def _shapes(self) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
        return _shapes(self.letters_L)

    @cached_property
    def _first(self) -> list[bytes]:
        return [self._block(block).partition(END)[0] for block in range(len(self.starts_B) - 1)]

    def _block(self, block: int) -> bytes:
        return self.letters_L[slice(*self.starts_B[block : block + 2].tolist())].tobytes()


def _shapes(letters_L: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
    """Tells of each of some lines how many characters it has and which: a bit for each, the same one for all
    that are not ASCII, so that an edit changes two bits at most."""
    if not len(letters_L):
        return np.zeros(0, np.int32), np.zeros(0, np.uint64)
    starts_V = np.concatenate([[0], np.flatnonzero(letters_L == END[0])[:-1] + 1])
    begins_L = (letters_L & 0xC0) != 0x80  # as bytes of UTF-8 do that begin a character
    bit_L = np.uint64(1) << np.where(letters_L < 128, letters_L & 63, 63).astype(np.uint64)
    return np.add.reduceat(begins_L, starts_V, dtype=np.int32), np.bitwise_or.reduceat(bit_L, starts_V)
