"""Words beside meaning: both on one scale, so that their sum is still a sum of terms.

    score = (1 - λ) · (s - least) / (most - least) + λ · l / strongest

where s is the semantic score and l the BM25 score of a passage, `least` and `most` the semantic scores of the
candidates of the question before it was steered, and `strongest` their best BM25 score. So steering moves a
passage and never the scale, and no page changes the scores of another.

Shape suffixes: N passages, T stems of the question, D embedding width.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix

from search.snapshot import Snapshot

POOL = 1000
"""So many passages nearest to the question, and so many with its words, are its candidates."""

WORDS_SHARE = 0.3
"""λ, chosen on the development queries of SciFact (`benchmarks.retrieval`)."""

LEAST_SPREAD = 1e-6

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Mix:
    """The scale of one question: score = slope · semantic + level + unit · BM25, whose parts for each stem
    are `words_NT`. Without words it is the semantic score itself."""

    words_NT: csc_matrix
    slope: float = 1.0
    level: float = 0.0
    unit: float = 0.0

    @cached_property
    def word_scores(self) -> FloatArray:
        """What its words add to the score of each passage."""
        return self.unit * np.asarray(self.words_NT.sum(axis=1), dtype=np.float32).ravel()

    def best_by_words(self, most: int) -> NDArray[np.int64]:
        """At most so many passages that have some of the words, those that have most of them first."""
        return strongest(self.word_scores, most)


def without_words(snapshot: Snapshot) -> Mix:
    """The scale of a search by meaning alone."""
    return Mix(csc_matrix((snapshot.passages, 0), dtype=np.float32))


def mix(snapshot: Snapshot, q_D: FloatArray, asked: list[str]) -> Mix:
    """The scale of a question, unsteered, with these stems."""
    words_NT = snapshot.lexicon.scores(asked)
    words_N = np.asarray(words_NT.sum(axis=1)).ravel()
    scores, near = (found[0] for found in snapshot.index.search(q_D[None], POOL))
    if not len(near):
        return Mix(words_NT)
    others = np.setdiff1d(strongest(words_N, POOL), near)
    least = min([scores[-1], *(snapshot.index.vectors(others) @ q_D)])
    spread = float(scores[0] - least)
    if spread < LEAST_SPREAD:
        spread, least = 1.0, 0.0
    slope = (1 - WORDS_SHARE) / spread
    most = float(words_N.max())
    return Mix(words_NT, slope, -slope * float(least), WORDS_SHARE / most if most > 0 else 0.0)


def strongest(values_N: NDArray[np.floating], most: int) -> NDArray[np.int64]:
    """Places of the largest positive values, at most so many, the largest first."""
    places = np.flatnonzero(values_N > 0)
    if len(places) > most:
        places = places[np.argpartition(-values_N[places], most)[:most]]
    return places[np.argsort(-values_N[places], kind="stable")]
