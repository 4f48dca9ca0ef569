"""Marks the results of a search: the best sentence and the words that speak most to the question, and the
words that made the topics fire that carry most of the score. Where the model has not read a passage, the
question's own words have to do.

Shape suffixes: D embedding width, F features, M directions.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from search.cache import LRUCache
from search.embedding.blocks import telling_sentences
from search.embedding.embedder import Embedder, splitter_of
from search.embedding.splitter import embedded_text
from search.embedding.word_sums import WordSums, take_apart
from search.embedding.words import Word, words
from search.index.passage_texts import LocatedPassage
from search.responses.search import Light, LitWord, Result, Span, Term

FloatArray = NDArray[np.float32]

TOP_TOPICS = 3
REMEMBERED_BYTES = 64 << 20  # some 600 passages
WORD_LEVEL = 2
"""How strongly a word of the question is marked before the model has read the passage: as most are then."""


class WordSumsCache:
    """Takes passages apart, and remembers them: while a slider is dragged, only the question changes."""

    def __init__(self, room: int = REMEMBERED_BYTES) -> None:
        self._known: LRUCache[tuple[int, int], WordSums] = LRUCache(room, lambda sums: sums.parts_PD.nbytes)

    def of(
        self,
        embedder: Embedder,
        generation: int,
        passages: Sequence[LocatedPassage],
        between: Callable[[], None] = lambda: None,
    ) -> list[WordSums]:
        """Gives the parts of passages of a generation; see `take_apart` for `between`."""
        keys = [(generation, row.passage.id) for row in passages]
        found = {key: sums for key in keys if (sums := self._known.known(key)) is not None}
        new = [number for number, key in enumerate(keys) if key not in found]
        parts = take_apart(embedder, [_in_front(embedder, passages[number]) for number in new], between)
        for number, sums in zip(new, parts, strict=True):
            self._known.put(keys[number], sums)
            found[keys[number]] = sums
        return [found[key] for key in keys]

    def known(self, generation: int, passages: Sequence[LocatedPassage]) -> list[WordSums | None]:
        """Gives the parts of those passages that were taken apart before."""
        return [self._known.known((generation, row.passage.id)) for row in passages]


def mark(result: Result, parts: WordSums, q_D: FloatArray, encoder_FD: FloatArray) -> Result:
    """Marks a result: fills in `best` and `lights` of its passage, for a question and the rows of an
    encoder."""
    topics = [term.feature for term in top_topics(result.terms) if term.feature is not None]
    value_MP, _ = parts.values(np.vstack([q_D, encoder_FD[topics]]))
    lights = [
        Light(feature, parts.outstanding(value_P))
        for feature, value_P in zip([None, *topics], value_MP, strict=True)
    ]
    shown = telling_sentences(result.passage.text, result.document.title)
    passage = replace(result.passage, best=parts.best_of(shown, value_MP[0]), lights=lights)
    return replace(result, passage=passage)


def mark_words(result: Result, asked: Mapping[str, float]) -> Result:
    """Marks the words of a question, given as stems with what each weighs, in the passage of a result; the
    best sentence is the first of those that have most of them, if any has one."""
    text = result.passage.text
    found = _apart(word for word in words(text) if word.stem in asked)
    lit = [LitWord(word.start, word.end, asked[word.stem], WORD_LEVEL) for word in found]

    def weight(span: Span) -> float:
        inside = {word.stem for word in found if span.start <= word.start < span.end}
        return sum(asked[stem] for stem in inside)

    best = max(telling_sentences(text, result.document.title), key=weight, default=None)
    if best is not None and not weight(best):
        best = None
    return replace(result, passage=replace(result.passage, best=best, lights=[Light(None, lit)]))


def _apart(found: Iterable[Word]) -> list[Word]:
    """Leaves out words that are parts of one before them."""
    apart: list[Word] = []
    for word in found:
        if not apart or word.start >= apart[-1].end:
            apart.append(word)
    return apart


def top_topics(terms: Sequence[Term]) -> list[Term]:
    """Picks the shared features that carry most of a score."""
    shared = [term for term in terms if term.kind == "feature" and term.shared and term.feature is not None]
    return sorted(shared, key=lambda term: -abs(term.value))[:TOP_TOPICS]


def _in_front(embedder: Embedder, row: LocatedPassage) -> tuple[str, str]:
    """Gives what is in front of a passage when it is embedded, and the passage."""
    text = row.passage.text
    splitter = splitter_of(embedder)
    whole = embedded_text(splitter.clip_title(row.document.title), text)
    return whole[: len(whole) - len(text)], text
