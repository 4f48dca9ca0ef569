"""Tries what nobody saves here: another title of a document, at its source, and passages of another length,
by a reindex. The document alone is split, embedded and scored again; all others stay as they are.

Shape suffixes: P passages of the document, T stems of the question, D embedding width.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from search.db.models import DocumentRow, GenerationRow
from search.embedding.embedder import embedder_of, splitter_of
from search.embedding.splitter import embedded_text
from search.engine.prepared import PreparedQuery
from search.engine.reader import Reader
from search.index.bm25 import K1, Counts
from search.responses.repairs import RewrittenDocument
from search.scoring.hybrid import counted_words, unit

DEEP = 1000
"""So many documents are ranked with each repair, and with each rewritten document."""

LONGEST = 40_000
"""Longer documents, in characters, take too long to be embedded while somebody waits."""

SHORTEST_PASSAGE = 32  # tokens


@dataclass(frozen=True)
class Source:
    """Holds a document as it was given, by its row id, and how many tokens its passages have at most."""

    row: int
    title: str
    text: str
    passage_tokens: int


def rewritten(
    reader: Reader, prepared: PreparedQuery, document: int, missing: Sequence[str]
) -> list[RewrittenDocument]:
    """Tries a document (its row id) with a title that has the question's `missing` words, and in passages
    half and twice as long. None where the search's scores hold more than the question's own words and
    meaning, so that they could not be told, or the document is too long."""
    source = source_of(reader, document)
    if prepared.concepts or prepared.asked.words.repaired or len(source.text) > LONGEST:
        return []
    return [
        RewrittenDocument(title, tokens, rank_as(reader, prepared, source, title, tokens))
        for title, tokens in _others(reader, source, missing)
    ]


def rank_as(
    reader: Reader, prepared: PreparedQuery, source: Source, title: str, passage_tokens: int
) -> int | None:
    """Ranks a document with a title and a length of passages; None beyond the first thousand."""
    ranking = prepared.rank(DEEP)
    others = ranking.scores[:DEEP][ranking.documents[:DEEP] != source.row]
    rank = 1 + int((others >= _score(reader, prepared, source, title, passage_tokens)).sum())
    return rank if rank <= DEEP else None


def _score(reader: Reader, prepared: PreparedQuery, source: Source, title: str, passage_tokens: int) -> float:
    """Scores the best passage: by meaning, and by BM25 with the rarities of the collection as it is."""
    embedder = embedder_of(reader.snapshot.space)
    splitter = splitter_of(embedder, passage_tokens)
    passages = [source.text[span.start : span.end] for span in splitter.split(source.text, title)]
    clipped = splitter.clip_title(title)
    reader.breathe()
    with reader.shared.limiter.aside():
        x_PD = embedder.encode([embedded_text(clipped, passage) for passage in passages]).astype(np.float32)
    lexicon, asked = reader.snapshot.lexicon, list(counted_words(prepared.asked.typed.text))
    rarity_T = lexicon.rarities(asked)
    counts_PT = Counts.of(f"{title}\n{passage}" for passage in passages).of_stems(asked).toarray()
    words_PT = rarity_T * (counts_PT / (counts_PT + K1)) * unit(lexicon, rarity_T)
    return float((x_PD @ prepared.steered.vector_D + words_PT.sum(axis=1)).max(initial=-np.inf))


def source_of(reader: Reader, document: int) -> Source:
    """Reads a document by its row id."""
    row = reader.session.get_one(DocumentRow, document)
    recipe = reader.session.get_one(GenerationRow, reader.snapshot.generation).recipe
    return Source(document, row.title, row.text, recipe.passage_tokens)


def _others(reader: Reader, source: Source, missing: Sequence[str]) -> Iterator[tuple[str, int]]:
    if missing:
        yield f"{source.title}: {' '.join(missing)}".removeprefix(": "), source.passage_tokens
    embedder = embedder_of(reader.snapshot.space)
    now = splitter_of(embedder, source.passage_tokens).split(source.text, source.title)
    for tokens in (source.passage_tokens // 2, source.passage_tokens * 2):
        fits = SHORTEST_PASSAGE <= tokens <= embedder.max_tokens
        if fits and splitter_of(embedder, tokens).split(source.text, source.title) != now:
            yield source.title, tokens
