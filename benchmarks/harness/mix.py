"""The mix holds texts of many kinds, a sample of which says what passages have in common (see
`benchmarks.named`).

None of the judged collections is in it. Rows come in one fixed random order, so the first N are a sample of
all. A fifth are single sentences without a title, because questions are short.
"""

import functools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness.common import read_corpus
from search.embedding.splitter import embedded_text, sentences

TAKEN = {
    "openstax_paragraphs": 80_000,
    "wikipedia_en_leads": 90_000,
    "wikipedia_en_body": 35_000,
    "arxiv_abstracts": 30_000,
    "software_docs": 50_000,
    "debian_package_descriptions": 25_000,
    "wordnet_glosses": 35_000,
    "python_peps": 9_000,
    "state_of_union": 7_000,
    "cfpb_complaints": 9_000,
    "open_trivia": 18_000,
    "foldoc": 10_000,
    "world_factbook": 1_456,
}
SENTENCE_SHARE = 0.2
MOST_CHARACTERS = 1100  # about what the model reads
SEED = 1


class Row(NamedTuple):
    """Holds one text of the mix."""

    corpus: str
    title: str
    text: str

    @property
    def embedded(self) -> str:
        return embedded_text(self.title, self.text)


@functools.cache
def mix(shared: Path) -> list[Row]:
    """Yields all rows, in their order."""
    rng = random.Random(SEED)
    rows = [row for corpus, count in TAKEN.items() for row in _drawn(shared, corpus, count, rng)]
    rng.shuffle(rows)
    return rows


def _drawn(shared: Path, corpus: str, count: int, rng: random.Random) -> Iterator[Row]:
    records = list(read_corpus(shared, corpus))
    for record in rng.sample(records, min(count, len(records))):
        title, text = record["title"], record["text"][:MOST_CHARACTERS]
        if corpus == "open_trivia":  # the title is a category, the answer is no part of a question
            title, text = "", text.partition(" Answer: ")[0]
        elif corpus == "wordnet_glosses":  # the text begins with the word
            title = ""
        if rng.random() < SENTENCE_SHARE and (spans := sentences(text)):
            span = rng.choice(spans)
            title, text = "", text[span.start : span.end]
        if text.strip():
            yield Row(corpus, title, text)
