"""Tries what nobody saves here: another title of a document, at its source, and passages of another length,
by a reindex. The document alone is split, embedded and scored again; all others stay as they are.

Shape suffixes: P passages of the document, T stems of the question, D embedding width.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from search.db.models import DocumentRow, GenerationRow
from search.embedding.embedder import Embedder, embedder_of, splitter_of
from search.embedding.splitter import embedded_text
from search.engine.prepared import PreparedQuery
from search.engine.reader import Reader
from search.index.bm25 import Counts, scores_by_counts
from search.responses.repairs import RewrittenDocument
from search.responses.search import Span
from search.scoring.hybrid import counted_words, summed, unit

DEEP = 1000
"""So many documents are ranked with each repair, and with each rewritten document."""

LONGEST = 40_000
"""Longer documents, in characters, take too long to be embedded while somebody waits."""

SHORTEST_PASSAGE = 32  # tokens


@dataclass(frozen=True, eq=False)
class Rewriting:
    """Ranks a document, as it was given, by its row id, for a question as if it were rewritten; its passages
    have so many tokens at most."""

    reader: Reader
    prepared: PreparedQuery
    row: int
    title: str
    text: str
    passage_tokens: int

    @classmethod
    def of(cls, reader: Reader, prepared: PreparedQuery, document: int) -> "Rewriting":
        """Reads a document by its row id."""
        row = reader.session.get_one(DocumentRow, document)
        recipe = reader.session.get_one(GenerationRow, reader.snapshot.generation).recipe
        return cls(reader, prepared, document, row.title, row.text, recipe.passage_tokens)

    @property
    def embedder(self) -> Embedder:
        return embedder_of(self.reader.snapshot.space)

    def spans(self, title: str, passage_tokens: int) -> list[Span]:
        """Splits the text as it would be."""
        return splitter_of(self.embedder, passage_tokens).split(self.text, title)

    def rank(self, title: str, passage_tokens: int) -> int | None:
        """Ranks it with a title and a length of passages; None beyond the first thousand."""
        rank = 1 + int((self._others >= self._score(title, passage_tokens)).sum())
        return rank if rank <= DEEP else None

    @cached_property
    def _others(self) -> NDArray[np.float64]:
        """What the first of all other documents score."""
        ranking = self.prepared.rank(DEEP)
        scores: NDArray[np.float64] = ranking.scores[:DEEP][ranking.documents[:DEEP] != self.row]
        return scores

    def _score(self, title: str, passage_tokens: int) -> float:
        """Scores the best passage: by meaning, and by BM25 with the rarities of the collection as it is."""
        passages = [self.text[span.start : span.end] for span in self.spans(title, passage_tokens)]
        clipped = splitter_of(self.embedder, passage_tokens).clip_title(title)
        texts = [embedded_text(clipped, passage) for passage in passages]
        self.reader.breathe()
        with self.reader.shared.limiter.aside():
            x_PD = self.embedder.encode(texts).astype(np.float32)
        lexicon, asked = self.reader.snapshot.lexicon, list(counted_words(self.prepared.asked.typed.text))
        rarity_T = lexicon.rarities(asked)
        counts_PT = Counts.of(f"{title}\n{passage}" for passage in passages).of_stems(asked)
        words_PT = scores_by_counts(counts_PT, rarity_T) * unit(lexicon, rarity_T)
        return float((x_PD @ self.prepared.steered.vector_D + summed(words_PT)).max(initial=-np.inf))


def rewritten(
    reader: Reader, prepared: PreparedQuery, document: int, missing: Sequence[str]
) -> list[RewrittenDocument]:
    """Tries a document (its row id) with a title that has the question's `missing` words, and in passages
    half and twice as long. None where the search's scores hold more than the question's own words and
    meaning, so that they could not be told, or the document is too long."""
    rewriting = Rewriting.of(reader, prepared, document)
    if prepared.concepts or prepared.asked.words.repaired or len(rewriting.text) > LONGEST:
        return []
    return [
        RewrittenDocument(title, tokens, rewriting.rank(title, tokens))
        for title, tokens in _likely(rewriting, missing)
    ]


def _likely(rewriting: Rewriting, missing: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Gives titles and lengths of passages to be tried."""
    title, now = rewriting.title, rewriting.passage_tokens
    if missing:
        yield f"{title}: {' '.join(missing)}".removeprefix(": "), now
    for tokens in (now // 2, now * 2):
        fits = SHORTEST_PASSAGE <= tokens <= rewriting.embedder.max_tokens
        if fits and rewriting.spans(title, tokens) != rewriting.spans(title, now):
            yield title, tokens
