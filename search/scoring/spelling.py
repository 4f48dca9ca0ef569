"""Words of a question that are nowhere in a collection, and which of its words may be meant.

A word is compared with all of the collection's by its stem, and as it was typed with those words of the
language that the collection has: a mistyped ending has another stem (`intergration`). Of those that differ in
one letter (two, of a long word; of a short one in the order of its letters) the nearest is taken; of equally
near ones that which most passages have together with the rest of the question, then the most frequent.

Shape suffixes: N passages, T stems.
"""

import functools
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from rapidfuzz.distance import OSA

from search.dictionary.lexicon import general_lexicon
from search.embedding.words import stems, words
from search.index.bm25 import Lexicon
from search.index.vocabulary import Vocabulary
from search.responses.search import SearchResponse, Spelling
from search.scoring.hybrid import counted_words

SHORT = 3
"""Of stems of so many letters nearly every other one is a letter away: only their order may be mistyped."""

MOST = 20
"""So many words of a question are compared, the first ones: each with every word of the collection."""

LONG, LONG_WORD = 8, 10
"""Stems of so many letters may differ in two, and whole words of so many."""

Written = Callable[[str, int], str]
"""A stem's word as a passage has it."""


def suggest(
    lexicon: Lexicon, question: str, written: Written, known: Collection[str] = ()
) -> Spelling | None:
    """A question as it may be meant, None where there is nothing to say. Words of the language are taken for
    what they are, though nobody here uses them; so are stems that are `known` otherwise."""
    typed = counted_words(question)
    missing = [stem for stem in unknown(lexicon, typed) if stem not in known]
    rest = [stem for stem in typed if stem not in missing]
    mistyped = islice((stem for stem in missing if not is_word(typed[stem], stem)), MOST)
    meant_by = {stem: meant(lexicon, stem, typed[stem], rest) for stem in mistyped}
    surfaces = {
        stem: found.word or written(found.stem, int(lexicon.scores([found.stem]).argmax()))
        for stem, found in meant_by.items()
        if found
    }
    text, end = question, len(question)
    for word in reversed(words(question)):
        if word.stem in surfaces and word.end <= end:  # a part of what was replaced stays
            text, end = f"{text[: word.start]}{surfaces[word.stem]}{text[word.end :]}", word.start
    return Spelling(text, used=not rest) if surfaces else None


def words_nowhere(answer: SearchResponse) -> list[str]:
    """Lists the words of a question, as they were typed, that no passage has; none where it was searched by
    meaning alone. Where other words were searched instead, those are meant that gave way."""
    missing = [found.word for found in answer.query_words if not found.passages]
    if answer.spelling is None or not answer.spelling.used:
        return missing
    searched = counted_words(answer.spelling.query)
    return [word for stem, word in counted_words(answer.query).items() if stem not in searched]


def is_word(word: str, stem: str) -> bool:
    """Whether the language has this word, or another form of it: its lexicon has few plurals."""
    language = general_lexicon()
    return word.lower() in language.classes or (
        len(stem) >= SHORT and any(stems(each) == [stem] for each in language.beginning(stem[:-1]))
    )


def unknown(lexicon: Lexicon, stems: Collection[str]) -> list[str]:
    """Those stems that no passage has."""
    return [stem for stem in stems if stem not in lexicon.base.stems and stem not in lexicon.added.stems]


@dataclass(frozen=True)
class Meant:
    """A stem of the collection that may be meant; `word`: by this word of the language."""

    stem: str
    distance: int
    word: str = ""


def meant(lexicon: Lexicon, stem: str, typed: str, rest: list[str]) -> Meant | None:
    """What of the collection is meant by a word that it has not; `rest` are other stems of the question."""
    if len(stem) < SHORT or not stem.isalpha():
        return None
    likely = [*_by_stem(lexicon, stem), *_by_word(lexicon, typed.lower())]
    least = min((each.distance for each in likely), default=0)
    nearest = list({each.stem: each for each in likely if each.distance == least}.values())
    if not nearest:
        return None
    has_NT = lexicon.scores([each.stem for each in nearest]) > 0
    beside_N = np.asarray((lexicon.scores(rest) > 0).sum(axis=1)).ravel()
    together_T, passages_T = beside_N @ has_NT, np.asarray(has_NT.sum(axis=0)).ravel()
    best = max(range(len(nearest)), key=lambda at: (together_T[at], passages_T[at], nearest[at].stem))
    return nearest[best] if passages_T[best] else None


def _by_stem(lexicon: Lexicon, stem: str) -> Iterator[Meant]:
    """Finds the stems of the collection that are near one."""
    for known in (lexicon.base.stems, lexicon.added.stems):
        for found, distance in _near(stem, known, LONG):
            if found.isalpha():
                yield Meant(found, distance)


def _by_word(lexicon: Lexicon, typed: str) -> Iterator[Meant]:
    """Finds the words of the language near one that is typed whose stems the collection has."""
    for word, distance in _near(typed, _language(), LONG_WORD):
        found = stems(word)
        if len(found) == 1 and not unknown(lexicon, found):
            yield Meant(found[0], distance, word)


@functools.cache
def _language() -> Vocabulary:
    return Vocabulary.of(sorted(general_lexicon().classes))


def _near(text: str, known: Vocabulary, long: int) -> Iterator[tuple[str, int]]:
    """Finds what differs from a text in few letters, and in how many; two where it has as many as `long`."""
    most = 2 if len(text) >= long else 1
    for found in known.near(text, most):
        distance = OSA.distance(text, found, score_cutoff=most)
        if distance <= most and _is_likely(text, found):
            yield found, distance


def _is_likely(text: str, found: str) -> bool:
    return min(len(text), len(found)) > SHORT or sorted(text) == sorted(found)
