"""Words beside meaning: the score of a passage x for a question q is

    <q', x> + weight · BM25(q, x) / strongest

where `strongest` is the best BM25 score that any passage has for the question. So words add terms to the sum
and change none of the others, steering never moves the scale, and nothing depends on what else is found.

Shape suffixes: N passages, T stems of the question.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix

from search.index.snapshot import Snapshot

WORDS_WEIGHT = 0.25
"""What the words add to the passage that has most of them. Chosen on development queries
(`benchmarks.hybrid`)."""

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class WordScores:
    """What each stem of a question adds to the score of each passage (N, T), and all of them (N,)."""

    parts_NT: csc_matrix
    sums: FloatArray


def no_words(snapshot: Snapshot) -> WordScores:
    """Of a search by meaning alone."""
    parts_NT = csc_matrix((snapshot.passages, 0), dtype=np.float32)
    return WordScores(parts_NT, np.zeros(snapshot.passages, np.float32))


def word_scores(snapshot: Snapshot, asked: list[str], weight: float = WORDS_WEIGHT) -> WordScores:
    """Of a question with these stems."""
    parts_NT = snapshot.lexicon.scores(asked)
    sums_N = np.asarray(parts_NT.sum(axis=1), dtype=np.float32).ravel()
    factor = weight / float(sums_N.max()) if parts_NT.nnz else 0.0
    return WordScores(parts_NT * factor, sums_N * np.float32(factor))
