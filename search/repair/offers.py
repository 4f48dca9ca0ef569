"""Finds repairs that may bring a document up for a question, from what parts it from the first one.

Shape suffixes: P passages, T stems, W words of the document, D embedding width.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from search.embedding.embedder import embedder_of
from search.embedding.words import WHOLE, stems, words
from search.engine.prepared import PreparedQuery
from search.engine.reader import Reader
from search.query.repairs import Repair
from search.responses.explanations import Margin
from search.responses.search import Result
from search.scoring.hybrid import counted_words

PAIRS, KNOBS, KEYWORDS = 2, 2, 10
LIKELY = 24
"""So many of a document's words are compared with those that it lacks, the rarest first."""

SHORTEST = 3
STRENGTH = 1.0


def offers(
    reader: Reader,
    prepared: PreparedQuery,
    passages: NDArray[np.int64],
    result: Result,
    margins: Sequence[Margin],
) -> list[Repair]:
    """Lists repairs to be tried for a document (its passages, and as the search sees it); `margins` set its
    score beside the first one's."""
    question, document = prepared.asked.typed.text, result.document.id
    typed = counted_words(question)
    holds_PT = reader.snapshot.lexicon.holding(passages, list(typed))
    missing = np.flatnonzero(~holds_PT.any(axis=0)).tolist()
    lacks = dict([*typed.items()][at] for at in missing)
    found = [Repair("pinned", question=prepared.request.query.strip(), document=document)]
    found += [Repair("same_words", words=pair) for pair in _pairs(reader, lacks, result)]
    if typed:
        found.append(Repair("keyword", document=document, words=tuple((lacks or typed).values())[:KEYWORDS]))
    return found + _knobs(reader, margins)


def _knobs(reader: Reader, margins: Sequence[Margin]) -> list[Repair]:
    """Turns down the features that speak most for the first document, and up the one that speaks most for
    this one; those that a knob turns already are left alone."""
    features = [each for each in margins if each.kind == "feature" and each.feature is not None]
    misled = sorted((each for each in features if each.margin < 0), key=lambda each: each.margin)[:KNOBS]
    speaks = sorted((each for each in features if each.margin > 0), key=lambda each: -each.margin)[:1]
    turned = [*((each, -STRENGTH) for each in misled), *((each, STRENGTH) for each in speaks)]
    return [
        Repair("knob", feature=each.feature, strength=strength, dictionary=reader.snapshot.dictionary_id)
        for each, strength in turned
    ]


def _pairs(reader: Reader, lacks: dict[str, str], result: Result) -> list[tuple[str, str]]:
    """Pairs words of the question that a document lacks with words of it that mean most nearly the same."""
    asked = {stem: word for stem, word in lacks.items() if len(stems(word)) == 1}
    likely = _likely(reader, result, set(lacks))
    if not asked or not likely:
        return []
    texts = [*asked.values(), *likely.values()]
    with reader.shared.limiter.aside():
        vectors_XD = embedder_of(reader.snapshot.space).encode_queries(texts)
    near_TW = vectors_XD[: len(asked)] @ vectors_XD[len(asked) :].T
    best_T = near_TW.argmax(axis=1)
    order = np.argsort(-near_TW.max(axis=1))[:PAIRS].tolist()
    return [([*asked.values()][at], [*likely.values()][int(best_T[at])]) for at in order]


def _likely(reader: Reader, result: Result, asked: set[str]) -> dict[str, str]:
    """Gives the rarest words of a document's title and best passage that are one stem: words by stem."""
    found: dict[str, str] = {}
    for text in (result.document.title, result.passage.text):
        for word in words(text):
            said = text[word.start : word.end]
            plain = word.kind == WHOLE and said.isalpha() and len(said) >= SHORTEST
            if plain and word.stem not in asked and stems(said) == [word.stem]:
                found.setdefault(word.stem, said.lower())
    rarity_W = reader.snapshot.lexicon.rarities(list(found))
    order = np.argsort(-rarity_W, kind="stable")[:LIKELY].tolist()
    return {stem: found[stem] for stem in ([*found][at] for at in order)}
