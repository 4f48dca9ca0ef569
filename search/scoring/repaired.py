"""Words of a question as repairs have them: words that count as each other, keywords of documents, and what
is pinned.

Counts are changed before they are scored, so that a word which counts as another one is as rare as both are
together, and a keyword as if the document's title said it. What keywords and pins add are terms of their own.

Shape suffixes: N passages, M with those that are hidden, T words of the question, S stems.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, hstack

from search.index.snapshot import Snapshot
from search.scoring.hybrid import PIN_WEIGHT, WordScores, summed, unit, with_column

ALIKE = " ≈ "


@dataclass(frozen=True, eq=False)
class RepairedWords:
    """Holds the words of a question as they are told, what they add, and the words behind them that are
    keywords of documents."""

    words: list[str]
    scores: WordScores
    keywords: list[str]


def repaired_words(snapshot: Snapshot, typed: dict[str, str]) -> RepairedWords:
    """Scores the words of a question, each typed word by its stem. Words that count as each other are one
    term, also where the question has both."""
    repairs, lexicon = snapshot.repairs, snapshot.lexicon
    groups: dict[frozenset[str], str] = {}
    for stem, word in typed.items():
        alike = repairs.same.get(stem, {stem: word})
        others = [other for each, other in alike.items() if each != stem]
        groups.setdefault(frozenset(alike), ALIKE.join([word, *others]))
    own_MT = _merged(lexicon.counts([stem for group in groups for stem in group]), list(groups))
    with_keywords = own_MT + _said(snapshot, list(groups), own_MT.shape)
    rarity_T = lexicon.rarities_of(with_keywords)
    scale = unit(lexicon, rarity_T)
    own_NT, all_NT = (lexicon.scored(counts, rarity_T) * scale for counts in (own_MT, with_keywords))
    added_NT = csc_matrix(all_NT - own_NT)
    added_NT.eliminate_zeros()
    adding = np.flatnonzero(np.diff(added_NT.indptr))
    words = list(groups.values())
    return RepairedWords(
        words,
        WordScores(
            hstack([own_NT, added_NT[:, adding]], format="csc"),
            summed(csc_matrix(all_NT)),
        ),
        [words[column] for column in adding.tolist()],
    )


def with_pins(snapshot: Snapshot, scores: WordScores, documents: Sequence[str]) -> WordScores:
    """The same, where some documents are pinned for the question: that which was pinned last goes first."""
    column_N = np.zeros(len(scores.sums), np.float32)
    for place, document in enumerate(documents, start=1):
        column_N[_passages(snapshot, document)] = place * PIN_WEIGHT
    return with_column(scores, column_N)


def _passages(snapshot: Snapshot, document: str) -> NDArray[np.int64]:
    return np.flatnonzero(np.isin(snapshot.document_N, snapshot.repairs.rows.get(document, ())))


def _merged(counts_MS: csc_matrix, groups: list[frozenset[str]]) -> csc_matrix:
    """The counts of the stems of each group together (M, T)."""
    column_S = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    once_S = np.ones(len(column_S), np.int32)
    into_ST = csr_matrix((once_S, (np.arange(len(column_S)), column_S)), (len(column_S), len(groups)))
    return csc_matrix(counts_MS.astype(np.int32) @ into_ST)


def _said(snapshot: Snapshot, groups: list[frozenset[str]], shape: tuple[int, int]) -> csc_matrix:
    """Counts a word of each group once in each passage of the documents that it is a keyword of (M, T)."""
    keywords, rows, columns = snapshot.repairs.keywords, [], []
    for column, group in enumerate(groups):
        for document in dict.fromkeys(name for stem in group for name in keywords.get(stem, ())):
            numbers = snapshot.number_N[_passages(snapshot, document)]
            rows.append(numbers)
            columns.append(np.full(len(numbers), column))
    if not rows:
        return csc_matrix(shape, dtype=np.int32)
    at = np.concatenate(rows), np.concatenate(columns)
    return csc_matrix((np.ones(len(at[0]), np.int32), at), shape=shape)
