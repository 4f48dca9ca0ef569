"""BM25: how much each word of a question speaks for each passage.

Words are compared by their stems, without those that say nothing. The score of a passage is the sum over the
stems of the question, so that each is a term of an explanation. Counts are kept rather than scores: passages
that are added later are scored exactly as if they had been there from the beginning. How long a passage is
does not matter: the splitter makes them of a length, and a line that is shorter is not more about its words
(docs/decisions/0025).

Shape suffixes: N passages, M with those that are hidden, V stems known, T stems asked.
"""

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, vstack

from search.embedding.words import TOKENIZER, words_between_blanks
from search.errors import IndexDamaged
from search.index.mapped_arrays import map_arrays, save_arrays
from search.index.vocabulary import Vocabulary

K1 = 1.5
ARRAYS = ("counts", "passages", "starts", "letters", "blocks", "counted")
MOST_REMEMBERED = 1 << 20  # stretches without blanks, some 200 MB


@dataclass(frozen=True, eq=False)
class Counts:
    """How often each stem is in each of some passages: `counts_NV`, with a column for each of the `stems`."""

    counts_NV: csc_matrix
    stems: Vocabulary

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Counts":
        """Counts the words of each text."""
        numbers = _Numbers()
        rows = [
            np.array([number for chunk in text.split() for number in numbers[chunk]], np.int32)
            for text in texts
        ]
        found = list(numbers.columns)
        order_V = np.array(sorted(range(len(found)), key=found.__getitem__), np.int32)
        column_V = np.argsort(order_V).astype(np.int32)
        cols = column_V[np.concatenate(rows)] if rows else column_V[:0]
        at = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        shape = (len(rows), len(found))
        counts_NV = csr_matrix((np.ones(len(cols), np.int32), (at, cols)), shape=shape)  # sums what is double
        return cls(_narrowed(counts_NV.tocsc()), Vocabulary.of(sorted(found)))

    def __len__(self) -> int:
        return int(self.counts_NV.shape[0])

    def followed_by(self, others: "Counts") -> "Counts":
        """These passages and then the others."""
        stems = sorted({*self.stems, *others.stems})
        column = {stem: number for number, stem in enumerate(stems)}
        shape = (len(self) + len(others), len(stems))
        parts = [each.counts_NV.tocoo() for each in (self, others)]
        columns_P = (
            np.array([column[stem] for stem in each.stems], np.int32)[part.col]
            for each, part in zip((self, others), parts, strict=True)
        )
        rows = np.concatenate([parts[0].row, parts[1].row + len(self)])
        data = np.concatenate([part.data for part in parts])
        return Counts(
            csc_matrix((data, (rows, np.concatenate([*columns_P]))), shape=shape), Vocabulary.of(stems)
        )

    def holding(self, passages: NDArray[np.integer[Any]], asked: Sequence[str]) -> NDArray[np.bool_]:
        """Which of some passages have each of some stems (len(passages), T)."""
        holds_PT = np.zeros((len(passages), len(asked)), np.bool_)
        for number, stem in enumerate(asked):
            column = self.stems.number(stem)
            if column is not None:
                start, end = self.counts_NV.indptr[column : column + 2]
                having = self.counts_NV.indices[start:end]  # ascending
                at = np.searchsorted(having, passages)
                holds_PT[:, number] = having[np.minimum(at, len(having) - 1)] == passages
        return holds_PT

    def only(self, passages: NDArray[np.integer[Any]]) -> "Counts":
        """The counts of some passages (ascending) alone, without stems that none of them has."""
        matrix = self.counts_NV
        seen_N = np.zeros(len(self), np.bool_)
        seen_N[passages] = True
        kept = seen_N[matrix.indices]
        ends_V = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
        there = np.flatnonzero(np.diff(ends_V))
        rows = (np.cumsum(seen_N) - 1)[matrix.indices[kept]]
        parts = (matrix.data[kept], rows, np.append(ends_V[there], ends_V[-1]))
        stems = list(self.stems)
        names = Vocabulary.of([stems[column] for column in there.tolist()])
        return Counts(csc_matrix(parts, shape=(len(passages), len(there))), names)

    def found(self, asked: Sequence[str]) -> NDArray[np.int64]:
        """How many passages have each of some stems (T,)."""
        there = [self.stems.number(stem) for stem in asked]
        indptr = self.counts_NV.indptr
        return np.array([0 if at is None else indptr[at + 1] - indptr[at] for at in there], np.int64)

    def of_stems(self, asked: Sequence[str]) -> csc_matrix:
        """The counts of some stems (N, T)."""
        indptr, there = self.counts_NV.indptr, [self.stems.number(stem) for stem in asked]
        slices = [slice(0, 0) if at is None else slice(indptr[at], indptr[at + 1]) for at in there]
        parts: Any = [
            np.concatenate([array[each] for each in slices]) if slices else array[:0]
            for array in (self.counts_NV.data, self.counts_NV.indices)
        ]
        ends = np.cumsum([0, *(each.stop - each.start for each in slices)])
        return csc_matrix((*parts, ends), shape=(len(self), len(asked)))

    def save(self, path: Path) -> str:
        """Writes the counts into a file; gives its SHA-256."""
        matrix, stems = self.counts_NV, self.stems
        counted = np.array([len(self), TOKENIZER])
        parts = (matrix.data, matrix.indices, matrix.indptr, stems.letters_L, stems.starts_B, counted)
        return save_arrays(path, dict(zip(ARRAYS, parts, strict=True)))

    @classmethod
    def load(cls, path: Path, sha256: str) -> "Counts":
        """Maps what `save` wrote.

        Raises:
            IndexDamaged: the file is missing, is not the one that was written, or counted what an earlier
                version took for words.
        """
        arrays = map_arrays(path, sha256, ARRAYS)
        *parts, letters_L, starts_B, counted = (arrays[name] for name in ARRAYS)
        passages, tokenizer = counted.tolist()
        if tokenizer != TOKENIZER:
            raise IndexDamaged(f"{path} has the words of another version of Refract.")
        stems = Vocabulary(letters_L, starts_B)
        return cls(csc_matrix(tuple(parts), shape=(passages, len(stems))), stems)


def _narrowed(counts_NV: csc_matrix) -> csc_matrix:
    """The same in as few bytes as the largest count takes: most are 1."""
    return counts_NV.astype(np.min_scalar_type(int(counts_NV.data.max(initial=0))))


class _Numbers(dict[str, tuple[int, ...]]):
    """The columns of the words of each stretch without blanks."""

    def __init__(self) -> None:
        self.columns: defaultdict[str, int] = defaultdict(itertools.count().__next__)

    def __missing__(self, chunk: str) -> tuple[int, ...]:
        columns = self.columns
        numbers = tuple(columns[word.stem] for word in words_between_blanks(chunk))
        if len(self) < MOST_REMEMBERED:
            self[chunk] = numbers
        return numbers


@dataclass(frozen=True, eq=False)
class Lexicon:
    """The words of all passages of a generation, those it was built with and those added since, of which a
    search sees those of `number_N`. Hidden ones count for how rare a word is, until the next generation."""

    base: Counts
    added: Counts
    number_N: NDArray[np.int64]

    def holding(self, passages: NDArray[np.int64], asked: Sequence[str]) -> NDArray[np.bool_]:
        """Which of some visible passages have each of some stems (len(passages), T)."""
        number_P, size = self.number_N[passages], len(self.base)
        holds_PT = self.base.holding(np.minimum(number_P, size - 1), asked)
        later = np.flatnonzero(number_P >= size)
        if len(later):
            holds_PT[later] = self.added.holding(number_P[later] - size, asked)
        return holds_PT

    def only(self, number_N: NDArray[np.int64]) -> "Lexicon":
        """The words of some passages (their numbers in the generation) alone: rarity counts no others."""
        size = len(self.base)
        base = self.base.only(number_N[number_N < size])
        added = self.added.only(number_N[number_N >= size] - size)
        return Lexicon(base, added, np.arange(len(number_N)))

    def names(self) -> set[str]:
        """All stems and parts of words that are counted."""
        return {*self.base.stems, *self.added.stems}

    def having(self, any_of: Collection[str]) -> NDArray[np.int64]:
        """The visible passages that have one at least of some stems, ascending."""
        counts = vstack([each.of_stems(list(any_of)) for each in (self.base, self.added)], format="csc")
        has_M = np.zeros(counts.shape[0], np.bool_)
        has_M[counts.indices] = True
        return np.flatnonzero(has_M[self.number_N])

    def rarities(self, asked: Sequence[str]) -> NDArray[np.float64]:
        """How rare each of some stems is (T,): the logarithm of the odds against a passage having it."""
        return _rarity(self.base.found(asked) + self.added.found(asked), len(self.base) + len(self.added))

    @property
    def highest_rarity(self) -> float:
        """How rare a stem is that one passage has: so much singles a passage out."""
        return float(_rarity(np.ones(1, np.int64), max(len(self.base) + len(self.added), 1))[0])

    def scores(self, asked: Sequence[str]) -> csc_matrix:
        """The part of each stem in the BM25 score of each visible passage (N, T)."""
        return self.scored(self.counts(asked), self.rarities(asked))

    def counts(self, asked: Sequence[str]) -> csc_matrix:
        """How often each of some stems is in each passage (M, T), hidden ones too."""
        return vstack([self.base.of_stems(asked), self.added.of_stems(asked)], format="csc")

    def rarities_of(self, counts_MT: csc_matrix) -> NDArray[np.float64]:
        """How rare what is counted is (T,)."""
        return _rarity(np.diff(counts_MT.indptr).astype(np.int64), len(self.base) + len(self.added))

    def scored(self, counts: csc_matrix, rarity_T: NDArray[np.float64]) -> csc_matrix:
        """The BM25 scores of the visible passages (N, T) by counts (M, T)."""
        scores_MT = scores_by_counts(counts, rarity_T)
        seen_all = len(self.number_N) == counts.shape[0]
        return scores_MT if seen_all else scores_MT.tocsr()[self.number_N].tocsc()


def scores_by_counts(counts_NT: csc_matrix, rarity_T: NDArray[np.float64]) -> csc_matrix:
    """The BM25 scores (N, T) of passages that have each stem so often: rarity · tf / (tf + k1).

    Lucene's formula (Kamphuis et al. 2020, ECIR) without what it says of lengths (b = 0).
    """
    rarity = np.repeat(rarity_T, np.diff(counts_NT.indptr))
    parts = (rarity * (counts_NT.data / (counts_NT.data + K1)), counts_NT.indices, counts_NT.indptr)
    return csc_matrix(parts, shape=counts_NT.shape)


def _rarity(found_T: NDArray[np.int64], passages: int) -> NDArray[np.float64]:
    return np.asarray(np.log1p((passages - found_T + 0.5) / (found_T + 0.5)), np.float64)
