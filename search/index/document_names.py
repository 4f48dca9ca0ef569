"""The names of documents in memory: which documents a question asks for by title, id, path or identifier.

A question is a name where it is all of a title or an id, or the last parts of an identifier or a path, two at
least: `list.append` and `json.dumps()`, `guide/intro.md`, but not `append`. What many documents are called
names none of them.

Names of what a generation was built with are kept in a file beside its index, which is mapped.

Shape suffixes: K names.
"""

import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.embedding.folding import fold
from search.index.mapped_arrays import map_arrays, save_arrays

LONGEST = 200
"""A longer text is nobody's name."""

ARRAYS = ("hashes", "documents")

_CALLED = re.compile(r"^([\w.:/#-]+)\([^()]*\)$")
PARTED = re.compile(r"[./:#\\]+")
"""What is between the parts of an identifier or a path."""

IntArray = NDArray[np.int64]


def fold_name(name: str) -> str:
    """A name as names are compared: without case, accents, forms of letters, or anything around it. The
    brackets of a call, and what is between them, are not part of an identifier."""
    return _CALLED.sub(r"\1", " ".join(fold(name).split()).strip(" \"'`?!"))


def names_of(given: str) -> Iterator[str]:
    """What a document with this title or id may be called, folded: all of it, and its last parts."""
    folded = fold_name(given)
    if folded and len(folded) <= LONGEST:
        yield folded
        if " " not in folded:
            cuts = [found.end() for found in PARTED.finditer(folded) if found.start()]
            yield from (folded[cut:] for cut in cuts[:-1])


def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


@dataclass(frozen=True, eq=False)
class Names:
    """Holds a hash of each name, ascending (`hashes_K`), and the row id of its document (`documents_K`)."""

    hashes_K: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    documents_K: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))

    @classmethod
    def of(cls, documents: Iterable[tuple[int, str, str]]) -> "Names":
        """Takes documents: row id, the user's own id, title."""
        hashes, numbers = array("Q"), array("q")  # a million tuples would leave holes in memory
        for number, *given in documents:
            for name in {name for each in given for name in names_of(each)}:
                hashes.append(_hash(name))
                numbers.append(number)
        return cls._sorted(np.array(hashes, np.uint64), np.array(numbers, np.int64))

    @classmethod
    def _sorted(cls, hashes_K: NDArray[np.uint64], documents_K: IntArray) -> "Names":
        order = np.lexsort((documents_K, hashes_K))
        return cls(hashes_K[order], documents_K[order])

    def documents(self, question: str) -> IntArray:
        """Finds the documents (row ids) that a question is the name of."""
        folded = fold_name(question)
        if not folded or len(folded) > LONGEST:
            return np.zeros(0, np.int64)
        wanted = np.uint64(_hash(folded))
        start, end = (int(np.searchsorted(self.hashes_K, wanted, side)) for side in ("left", "right"))
        return self.documents_K[start:end]

    def followed_by(self, others: "Names") -> "Names":
        """These names and the others."""
        hashes_K = np.concatenate([self.hashes_K, others.hashes_K])
        return Names._sorted(hashes_K, np.concatenate([self.documents_K, others.documents_K]))

    def save(self, path: Path) -> str:
        """Writes all of it into a file; gives its SHA-256."""
        return save_arrays(path, dict(zip(ARRAYS, (self.hashes_K, self.documents_K), strict=True)))

    @classmethod
    def load(cls, path: Path, sha256: str) -> "Names":
        """Maps what `save` wrote.

        Raises:
            IndexDamaged: the file is missing or is not the one that was written.
        """
        arrays = map_arrays(path, sha256, ARRAYS)
        return cls(*(arrays[name] for name in ARRAYS))


def _hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
