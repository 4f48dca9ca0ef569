"""Words of a question that are nowhere in a collection, and which of its words may be meant.

A word is compared with all of the collection's by its stem. Of those that differ in one letter (two, of a
long word; of a short one in the order of its letters) the nearest is taken; of equally near ones that which
most passages have together with the rest of the question, then the most frequent.

Shape suffixes: N passages, T stems.
"""

from collections.abc import Callable, Collection
from itertools import chain

import numpy as np
from rapidfuzz.distance import OSA

from search.dictionary.lexicon import general_lexicon
from search.embedding.words import words
from search.index.bm25 import Lexicon
from search.responses.search import Spelling
from search.scoring.hybrid import counted_words

SHORT = 3
"""Of stems of so many letters nearly every other one is a letter away: only their order may be mistyped."""

MOST = 20
"""So many words of a question are compared, the first ones: each with every word of the collection."""

LONG = 8
"""Words of so many letters may differ in two."""


Written = Callable[[str, int], str]
"""A stem's word as a passage has it."""


def suggest(lexicon: Lexicon, question: str, written: Written) -> Spelling | None:
    """A question as it may be meant, None where there is nothing to say. Words of the language are taken for
    what they are, though nobody here uses them."""
    typed = counted_words(question)
    missing = unknown(lexicon, typed)
    rest = [stem for stem in typed if stem not in missing]
    mistyped = [stem for stem in missing if not is_word(typed[stem])][:MOST]
    meant_by = {stem: meant(lexicon, stem, rest) for stem in mistyped}
    surfaces = {
        stem: written(found, int(lexicon.scores([found]).argmax()))
        for stem, found in meant_by.items()
        if found
    }
    text, end = question, len(question)
    for word in reversed(words(question)):
        if word.stem in surfaces and word.end <= end:  # a part of what was replaced stays
            text, end = f"{text[: word.start]}{surfaces[word.stem]}{text[word.end :]}", word.start
    return Spelling(text, used=not rest) if surfaces else None


def is_word(word: str) -> bool:
    """Whether the language has this word."""
    return word.lower() in general_lexicon().classes


def unknown(lexicon: Lexicon, stems: Collection[str]) -> list[str]:
    """Those stems that no passage has."""
    return [stem for stem in stems if stem not in lexicon.base.columns and stem not in lexicon.added.columns]


def meant(lexicon: Lexicon, stem: str, rest: list[str]) -> str | None:
    """The stem of the collection that is meant by one that it has not; `rest` are others of the question."""
    if len(stem) < SHORT or not stem.isalpha():
        return None
    known = chain(lexicon.base.columns, lexicon.added.columns)
    most = 2 if len(stem) >= LONG else 1
    near = ((found, OSA.distance(stem, found, score_cutoff=most)) for found in known)
    likely = {
        found: distance
        for found, distance in near
        if distance <= most and found.isalpha() and _is_likely(stem, found)
    }
    least = min(likely.values(), default=0)
    nearest = [found for found, distance in likely.items() if distance == least]
    if not nearest:
        return None
    has_NT = lexicon.scores(nearest) > 0
    beside_N = np.asarray((lexicon.scores(rest) > 0).sum(axis=1)).ravel()
    together_T, passages_T = beside_N @ has_NT, np.asarray(has_NT.sum(axis=0)).ravel()
    best = max(range(len(nearest)), key=lambda at: (together_T[at], passages_T[at], nearest[at]))
    return nearest[best] if passages_T[best] else None


def _is_likely(stem: str, found: str) -> bool:
    return min(len(stem), len(found)) > SHORT or sorted(stem) == sorted(found)
