"""The sentence of a passage that speaks most to the question.

For a mean-pooled model an embedding is a sum over tokens, x = sum_t h_t / |sum_t h_t|, so <q, x> is exactly a
sum over the sentences of the passage. The marked sentence is the one with the largest mean per token. For
other models each sentence is embedded on its own.

Shape suffixes: T tokens, D embedding width, S sentences.
"""

import functools
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from search.embedder import Embedder
from search.results import Result, Span
from search.text import PassageSplitter, embedded_text, sentences

FloatArray = NDArray[np.float32]

REMEMBERED = 5000


class Highlighter:
    """Marks sentences, and remembers them: while a slider is dragged the question stays the same."""

    def __init__(self) -> None:
        self._best: OrderedDict[Hashable, Span | None] = OrderedDict()
        self._lock = Lock()

    def mark(
        self, results: list[Result], embedder: Embedder, q_D: FloatArray, question: Hashable
    ) -> list[Result]:
        """The results with `passage.best` set where a passage has more than one sentence. `question` stands
        for generation and question in the memory."""
        keys = {result.passage.id: (question, result.passage.id) for result in results}
        with self._lock:
            known = {passage: self._best[key] for passage, key in keys.items() if key in self._best}
        new = [result for result in results if result.passage.id not in known]
        for result, best in zip(new, best_sentences(embedder, q_D, new), strict=True):
            known[result.passage.id] = best
        with self._lock:
            self._best.update({keys[result.passage.id]: known[result.passage.id] for result in new})
            while len(self._best) > REMEMBERED:
                self._best.popitem(last=False)
        return [_with_best(result, known[result.passage.id]) for result in results]


def best_sentences(embedder: Embedder, q_D: FloatArray, results: list[Result]) -> list[Span | None]:
    """The best sentence of each passage, None where it has only one."""
    spans = [sentences(result.passage.text) for result in results]
    several = [row for row, found in enumerate(spans) if len(found) > 1]
    best: list[Span | None] = [None] * len(results)
    clip = _splitter(embedder).clip_title
    texts = [embedded_text(clip(results[row].document.title), results[row].passage.text) for row in several]
    if texts and embedder.mean_pooled:
        for row, text, (offsets, h_TD) in zip(several, texts, embedder.encode_tokens(texts), strict=True):
            shift = len(text) - len(results[row].passage.text)
            best[row] = _best_by_tokens(spans[row], shift, offsets, h_TD @ q_D)
    elif texts:
        for row in several:
            x_SD = embedder.encode([results[row].passage.text[s.start : s.end] for s in spans[row]])
            best[row] = spans[row][int(np.argmax(x_SD @ q_D))]
    return best


@functools.lru_cache(maxsize=2)
def _splitter(embedder: Embedder) -> PassageSplitter:
    return PassageSplitter(embedder.tokenizer_json, embedder.max_tokens)


def _best_by_tokens(
    spans: list[Span], shift: int, offsets: list[tuple[int, int]], value_T: FloatArray
) -> Span | None:
    """The sentence with the largest mean value per token; sentences beyond the model's limit have none."""
    starts = np.array([start - shift for start, _ in offsets])
    means = []
    for span in spans:
        inside = (starts >= span.start) & (starts < span.end)
        means.append(float(value_T[inside].mean()) if inside.any() else -np.inf)
    return spans[int(np.argmax(means))] if np.isfinite(means).any() else None


def _with_best(result: Result, best: Span | None) -> Result:
    return replace(result, passage=replace(result.passage, best=best))
