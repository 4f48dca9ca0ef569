"""Words beside meaning: the score of a passage x for a question q is

    <q', x> + WEIGHT · Σ share(t) · tf(t, x) / (tf(t, x) + 1.5)

over the words t of the question. The share of a word is its rarity beside that of all of them, those too
that are nowhere. In a short question it is its rarity beside what as many words could say, each of them in
one passage alone: common words leave it to meaning. So no word earns more than its share, words add terms
to the sum and change none of the others, steering never moves the scale, and nothing depends on what else
is found. A question that is a document's name adds one term more; so do repairs (`search.scoring.repaired`).

Shape suffixes: N passages, T stems of the question.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, hstack

from search.embedding.words import words
from search.index.bm25 import Lexicon
from search.index.snapshot import Snapshot

WORDS_WEIGHT = 1.2
"""What all words of a question could add together to a passage that said nothing else; half of it is much.
Chosen on development queries (`benchmarks.hybrid`, docs/decisions/0025)."""

SHORT = 4
"""A question of fewer words is short, and weighs what as many words could say."""

NAME_WEIGHT = 2.0
"""What being called just as the question adds: more than meaning and words part two passages by."""

PIN_WEIGHT = 5.0
"""What being pinned for a question adds: more than meaning, words and a name together."""

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
    parts_NT *= unit(lexicon, lexicon.rarities(asked), weight)
    return WordScores(parts_NT, summed(parts_NT))


def summed(parts_NT: csc_matrix) -> FloatArray:
    """Sums the columns of a sparse matrix (N,), which looks at what is in them and not at every row."""
    sums = np.zeros(parts_NT.shape[0], np.float32)
    for start, end in itertools.pairwise(parts_NT.indptr):
        sums[parts_NT.indices[start:end]] += parts_NT.data[start:end]  # a column has a row at most once
    return sums


def with_name(scores: WordScores, passages: NDArray[np.int64]) -> WordScores:
    """The same, where the question is the name of the documents that some passages are of."""
    column_N = np.zeros(len(scores.sums), np.float32)
    column_N[passages] = NAME_WEIGHT
    return with_column(scores, column_N)


def with_column(scores: WordScores, column_N: NDArray[np.float32]) -> WordScores:
    """The same with a column more."""
    parts_NT = hstack([scores.parts_NT, csc_matrix(column_N[:, None])], format="csc")
    return WordScores(parts_NT, scores.sums + column_N)


def unit(lexicon: Lexicon, rarity_T: NDArray[np.float64], weight: float = WORDS_WEIGHT) -> float:
    """What a score of BM25 counts in a question whose words are so rare."""
    said = max(float(rarity_T.sum()), min(len(rarity_T), SHORT) * lexicon.highest_rarity)
    return weight / said if len(rarity_T) else 0.0
