"""Words beside meaning: the score of a passage x for a question q is

    <q', x> + weight · BM25(q, x) / max(strongest, share · mass)

where `strongest` is the best BM25 score that any passage has for the question, and `mass` is how much all its
words weigh, those that are nowhere too: one common word of five does not earn what all five would. So words
add terms to the sum and change none of the others, steering never moves the scale, and nothing depends on
what else is found. A question that is a document's name adds one term more.

Shape suffixes: N passages, T stems of the question.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, hstack

from search.embedding.words import words
from search.index.bm25 import Lexicon
from search.index.snapshot import Snapshot

WORDS_WEIGHT = 0.35
"""What the words add to the passage that has most of them, if these are all that the question has. Chosen on
development queries (`benchmarks.hybrid`)."""

MASS_SHARE = 0.4
"""A passage with every word of the question scores about so much of what they weigh (docs/decisions/0020)."""

NAME_WEIGHT = 1.0
"""What being called just as the question adds: more than meaning and words part two passages by."""

_ASKING = (
    "which who whom whose what how why when where have has had having were been being am do does did doing "
    "done can could would should may might must shall most more much many some any me my we our us you your "
    "he she his her him its them than also about from so just only very because while during"
)
ASKING = frozenset(_ASKING.split())
"""Words that ask, or hold a question together. They do not count, unless there are no others."""

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class WordScores:
    """What each stem of a question adds to the score of each passage (N, T), and all of them (N,). A question
    that is a name has a last column for that."""

    parts_NT: csc_matrix
    sums: FloatArray


def counted_words(question: str) -> dict[str, str]:
    """The words of a question that count: each stem with the word as it was typed first."""
    typed: dict[str, str] = {}
    for word in words(question):
        typed.setdefault(word.stem, question[word.start : word.end])
    return {stem: word for stem, word in typed.items() if word.lower() not in ASKING} or typed


def no_words(snapshot: Snapshot) -> WordScores:
    """Of a search by meaning alone."""
    parts_NT = csc_matrix((snapshot.passages, 0), dtype=np.float32)
    return WordScores(parts_NT, np.zeros(snapshot.passages, np.float32))


def word_scores(lexicon: Lexicon, asked: list[str], weight: float = WORDS_WEIGHT) -> WordScores:
    """Of a question with these stems."""
    parts_NT = lexicon.scores(asked)
    sums_N = np.asarray(parts_NT.sum(axis=1), dtype=np.float32).ravel()
    if not parts_NT.nnz:
        return WordScores(parts_NT, sums_N)
    found_T, passages = np.diff(parts_NT.indptr), len(lexicon.number_N)
    mass = float(np.log1p((passages - found_T + 0.5) / (found_T + 0.5)).sum())
    factor = weight / max(float(sums_N.max()), MASS_SHARE * mass)
    return WordScores(parts_NT * factor, sums_N * np.float32(factor))


def with_name(scores: WordScores, passages: NDArray[np.int64]) -> WordScores:
    """The same, where the question is the name of the documents that some passages are of."""
    column_N = np.zeros(len(scores.sums), np.float32)
    column_N[passages] = NAME_WEIGHT
    parts_NT = hstack([scores.parts_NT, csc_matrix(column_N[:, None])], format="csc")
    return WordScores(parts_NT, scores.sums + column_N)
