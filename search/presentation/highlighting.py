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
WORDS = 0.3
"""What all words of the question count beside a cosine of 1, where the best sentence is chosen (0027)."""

LATE = 0.05
"""What the last sentence of a passage counts less than the first: what comes first says what it is about."""

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


def mark(
    result: Result, parts: WordSums, q_D: FloatArray, encoder_FD: FloatArray, asked: Mapping[str, float]
) -> Result:
    """Marks a result: fills in `best` and `lights` of its passage, for a question, the rows of an encoder and
    the question's words, as `mark_words` has them."""
    topics = [term.feature for term in top_topics(result.terms) if term.feature is not None]
    value_MP = parts.values(np.vstack([q_D, encoder_FD[topics]]))
    lights = [
        Light(feature, parts.outstanding(value_P))
        for feature, value_P in zip([None, *topics], value_MP, strict=True)
    ]
    shown = telling_sentences(result.passage.text, result.document.title)
    share_S = _shares(shown, _asked_words(result, asked), asked)
    value_S = parts.nearness(shown, q_D) + WORDS * share_S - np.linspace(0, LATE, len(shown))
    best = shown[int(np.argmax(value_S))] if np.isfinite(value_S).any() else None
    return replace(result, passage=replace(result.passage, best=best, lights=lights))


def mark_words(result: Result, asked: Mapping[str, float]) -> Result:
    """Marks the words of a question, given as stems with what each weighs, in the passage of a result; the
    best sentence is the first of those that have most of them, if any has one."""
    found = _asked_words(result, asked)
    lit = [LitWord(word.start, word.end, asked[word.stem], WORD_LEVEL) for word in found]
    shown = telling_sentences(result.passage.text, result.document.title)
    share_S = _shares(shown, found, asked)
    best = shown[int(np.argmax(share_S))] if share_S.any() else None
    return replace(result, passage=replace(result.passage, best=best, lights=[Light(None, lit)]))


def _asked_words(result: Result, asked: Mapping[str, float]) -> list[Word]:
    return _apart(word for word in words(result.passage.text) if word.stem in asked)


def _shares(spans: Sequence[Span], found: Sequence[Word], asked: Mapping[str, float]) -> FloatArray:
    """The share of the weight of all words asked for that each stretch has, (S,)."""
    inside = [{word.stem for word in found if span.start <= word.start < span.end} for span in spans]
    weights = [sum(asked[stem] for stem in stems) for stems in inside]
    return np.array(weights, np.float32) / max(sum(asked.values()), 1e-9)


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
