"""What if a term were not there: the rank that each result would have, without another search.

Taking feature f away from the question q' = (q + ...) / n is the edit that turning it off makes:

    <q'', x> = (n <q', x> - weight_f <w_f, x>) / |n q' - weight_f w_f|

with weight_f its activation in the question, or its steering. What words and concepts add stays. All passages
that were scored for the ranking take part.

Shape suffixes: P passages scored, T terms, D embedding width.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from search.asking import Inquiry
from search.ranking import Ranking
from search.results import Term

FloatArray = NDArray[np.float64]
Key = tuple[str, object]


def with_ranks_without(
    inquiry: Inquiry, ranking: Ranking, page: slice, terms: list[list[Term]]
) -> list[list[Term]]:
    """The terms of each result of a page, with the rank it would have without each of them."""
    documents = inquiry.snapshot.document_N[ranking.candidates.passages]
    shown = inquiry.snapshot.document_N[ranking.passages[page]]
    ranks = {key: _ranks(scores_P, documents, shown) for key, scores_P in _without(inquiry, ranking)}
    return [
        [_with_rank(term, ranks.get(_key(term)), row) for term in row_terms]
        for row, row_terms in enumerate(terms)
    ]


def _key(term: Term) -> Key:
    return term.kind, term.word if term.kind == "word" else term.knob or term.feature


def _with_rank(term: Term, ranks: list[int] | None, row: int) -> Term:
    return term if ranks is None else replace(term, rank_without=ranks[row])


def _ranks(scores_P: FloatArray, documents: NDArray[np.int64], shown: NDArray[np.int64]) -> list[int]:
    """Where some documents stand among all, each document by its best passage."""
    order = np.argsort(-scores_P, kind="stable")
    _, first = np.unique(documents[order], return_index=True)
    in_order = documents[order[np.sort(first)]].tolist()
    place = {document: rank for rank, document in enumerate(in_order, start=1)}
    return [place[document] for document in shown.tolist()]


def _without(inquiry: Inquiry, ranking: Ranking) -> Iterator[tuple[Key, FloatArray]]:
    """For each term of the question, the scores (P,) that the passages would have without it."""
    found, words = ranking.candidates, inquiry.asked.words
    for column, turned in enumerate(inquiry.concepts):
        yield ("steering", turned.knob.target), found.scores - found.concepts_PC[:, column]
    words_PT = words.values(found.passages)
    for column, word in enumerate(words.words):
        yield ("word", word), found.scores - words_PT[:, column]
    steered, active = inquiry.steered, inquiry.asked.question.active
    asked = [("feature", feature, weight) for feature, weight in active.items()]
    turned_up = zip(steered.features, steered.delta_M.tolist(), strict=True)
    weighted = asked + [("steering", feature, weight) for feature, weight in turned_up]
    features = [feature for _, feature, _ in weighted]
    w_TD = inquiry.snapshot.dictionary.w_dec_FD[features]
    with_PT = inquiry.snapshot.index.vectors(found.passages) @ w_TD.T
    along_T = w_TD @ steered.vector_D
    for column, (kind, feature, weight) in enumerate(weighted):
        length = np.sqrt(max(steered.norm**2 - 2 * steered.norm * weight * along_T[column] + weight**2, 1e-6))
        semantic_P = (steered.norm * found.semantic_P - weight * with_PT[:, column]) / length
        key = str(feature) if kind == "steering" else feature
        yield (kind, key), found.scores - found.semantic_P + semantic_P
