"""A passage's embedding as a sum over its words. Whatever is linear in it is such a sum too: its score for a
question, and what its features are chosen by.

For a mean-pooled model x = Σ_t h_t / ‖Σ_t h_t‖ over the tokens t of what was embedded, so a word's part is
the sum of its tokens' h_t / ‖Σ_t h_t‖. The rest is the title, punctuation and the special tokens. For other
models each sentence is embedded on its own and counts by its length; the rest is what x has beyond them.

Shape suffixes: T tokens, D embedding width, P parts (words or sentences), M directions,
S sentences.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.embedding.embedder import Embedder, LoadedEmbedder, Tokens
from search.embedding.splitter import sentences
from search.responses.search import LitBy, LitWord, Span

FloatArray = NDArray[np.float32]

LEVELS = 4
AT_ONCE = 4  # passages that are read together; between them others may embed


@dataclass(frozen=True, eq=False)
class WordSums:
    """The embedding of one passage = sum of `parts_PD` + `rest_D`, to the store's rounding.

    `spans` are offsets of the parts into the passage's text, `size_P` how much of it each is (tokens, or a
    share of the length), `sentences` where its sentences are.
    """

    by: LitBy
    spans: list[Span]
    size_P: FloatArray
    parts_PD: NDArray[np.float16]
    rest_D: FloatArray
    sentences: list[Span]

    def vector(self) -> FloatArray:
        """The embedding of the passage, a unit vector."""
        sum_D = self.parts_PD.astype(np.float32).sum(axis=0) + self.rest_D
        return np.asarray(sum_D / max(float(np.linalg.norm(sum_D)), 1e-9), dtype=np.float32)

    def values(self, directions_MD: FloatArray) -> FloatArray:
        """What each part adds to <d, x> for some directions d, (M, P)."""
        return np.asarray(directions_MD @ self.parts_PD.astype(np.float32).T)

    def nearness(self, spans: Sequence[Span], q_D: FloatArray) -> FloatArray:
        """The cosine between a direction and each of some stretches (in order, apart) as it stands here (S,);
        -inf where no part is."""
        ends = np.array([span.end for span in spans], np.int64)
        starts = np.array([*(span.start for span in spans), np.iinfo(np.int64).max])
        last_P = np.array([part.end for part in self.spans], np.int64)
        of_P = np.searchsorted(ends, last_P)
        of_P = np.where(last_P > starts[of_P], of_P, len(spans))
        there = np.bincount(of_P, minlength=len(spans) + 1)[:-1] > 0
        x_SD = self._units(of_P, len(spans) + 1)[:-1]
        return np.where(there, x_SD @ q_D, np.float32(-np.inf))

    def by_sentence(self) -> FloatArray:
        """The unit vector of each sentence as it stands here, (S, D); 0 where it has no part."""
        return self._units(self._sentence_of, len(self.sentences))

    def _units(self, of_P: NDArray[np.int64], many: int) -> FloatArray:
        """The unit vector of the sum of the parts that are of each of so many, (S, D); 0 where none is."""
        sums_SD = np.zeros((many, self.parts_PD.shape[1]), np.float32)
        np.add.at(sums_SD, of_P, self.parts_PD.astype(np.float32))
        lengths = np.linalg.norm(sums_SD, axis=1, keepdims=True)
        return np.asarray(sums_SD / np.maximum(lengths, 1e-9), dtype=np.float32)

    @property
    def _sentence_of(self) -> NDArray[np.int64]:
        """The number of the sentence that each part is in (P,)."""
        ends = np.array([sentence.end for sentence in self.sentences])
        return np.searchsorted(ends, [span.start for span in self.spans], side="right")

    def outstanding(self, value_P: FloatArray) -> list[LitWord]:
        """The parts that stand out from the others, in the order of the text."""
        level_P = levels(value_P)
        return [
            LitWord(span.start, span.end, float(value_P[part]), int(level_P[part]))
            for part, span in enumerate(self.spans)
            if level_P[part]
        ]


def levels(value_P: FloatArray) -> NDArray[np.int64]:
    """How far each value stands above the others of its passage: whole standard deviations, 0 to 4 (P,)."""
    if not len(value_P) or not (spread := float(value_P.std())):
        return np.zeros(len(value_P), np.int64)
    above_P = np.floor((value_P - value_P.mean()) / spread).clip(0, LEVELS)
    return np.where(value_P > 0, above_P, 0).astype(np.int64)


def take_apart(
    embedder: Embedder, texts: Sequence[tuple[str, str]], between: Callable[[], None] = lambda: None
) -> list[WordSums]:
    """The parts of passages, each given as what is in front of it when it is embedded, and its own text.
    `between` is called after each few."""
    found: list[WordSums] = []
    for start in range(0, len(texts), AT_ONCE):
        few = texts[start : start + AT_ONCE]
        if isinstance(embedder, LoadedEmbedder) and embedder.mean_pooled:
            found += _by_words(embedder, few)
        else:
            found += _by_sentences(embedder, few)
        between()
    return found


def _by_words(embedder: LoadedEmbedder, texts: Sequence[tuple[str, str]]) -> list[WordSums]:
    read = embedder.encode_tokens([front + text for front, text in texts])
    return [word_parts(text, len(front), tokens) for (front, text), tokens in zip(texts, read, strict=True)]


def _by_sentences(embedder: Embedder, texts: Sequence[tuple[str, str]]) -> list[WordSums]:
    read = [[front + text, *(text[s.start : s.end] for s in sentences(text))] for front, text in texts]
    x_ND = embedder.encode([part for parts in read for part in parts])  # at once: an endpoint is far away
    ends = np.cumsum([len(parts) for parts in read])[:-1]
    return [sentence_parts(text, x_PD) for (_, text), x_PD in zip(texts, np.split(x_ND, ends), strict=True)]


def word_parts(text: str, shift: int, tokens: Tokens) -> WordSums:
    """The words of a passage that stands `shift` characters into what was embedded. What the model does not
    read any more is in no part."""
    x_TD = tokens.h_TD / max(float(np.linalg.norm(tokens.h_TD.sum(axis=0))), 1e-9)
    numbers: list[int] = []
    spans: dict[int, Span] = {}
    for (start, end), word in zip(tokens.offsets, tokens.words, strict=True):
        inside = start >= shift and any(map(str.isalnum, text[start - shift : end - shift]))
        numbers.append(word if word is not None and inside else -1)
        if word is not None and inside:
            first = spans[word].start if word in spans else start - shift
            spans[word] = Span(first, end - shift)
    order = {word: part for part, word in enumerate(spans)}
    part_T = np.array([order.get(word, len(order)) for word in numbers])
    sums_PD = np.zeros((len(order) + 1, x_TD.shape[1]), np.float32)
    np.add.at(sums_PD, part_T, x_TD)
    size_P = np.bincount(part_T, minlength=len(order) + 1)[:-1].astype(np.float32)
    return WordSums(
        by="word",
        spans=list(spans.values()),
        size_P=size_P,
        parts_PD=sums_PD[:-1].astype(np.float16),
        rest_D=sums_PD[-1],
        sentences=sentences(text),
    )


def sentence_parts(text: str, x_ND: NDArray[np.float16]) -> WordSums:
    """The sentences of a passage, from its own vector followed by theirs (1 + P, D)."""
    spans = sentences(text)
    length_P = np.array([span.end - span.start for span in spans], dtype=np.float32)
    size_P = length_P / max(float(length_P.sum()), 1.0)
    parts_PD = (x_ND[1:].astype(np.float32) * size_P[:, None]).astype(np.float16)
    rest_D = x_ND[0].astype(np.float32) - parts_PD.astype(np.float32).sum(axis=0)
    return WordSums(
        by="sentence", spans=spans, size_P=size_P, parts_PD=parts_PD, rest_D=rest_D, sentences=spans
    )
