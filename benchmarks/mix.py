"""The mix that the shipped dictionary is trained on: passages of many kinds of text, embedded into shards.

    python -m benchmarks.mix SHARED_DATA_FOLDER [--rows N]

None of the judged collections is in it. Rows come in one fixed random order, so the first N are a sample of
all. A fifth are single sentences without a title, because questions are short. Embedding resumes where it
was. With --pack the texts are written to one compressed file instead, to be carried to another machine.
"""

import functools
import gzip
import json
import random
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from benchmarks.common import CACHE, embedder, read_corpus
from indexer.shards import SHARD_ROWS, Shards, write_shards
from search.text import embedded_text, sentences

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
ROWS = 19 * SHARD_ROWS  # 311,296: the rest of the mix is left for later
SENTENCE_SHARE = 0.2
MOST_CHARACTERS = 1100  # about what the model reads
SEED = 1


class Row(NamedTuple):
    """One text of the mix."""

    corpus: str
    title: str
    text: str

    @property
    def embedded(self) -> str:
        return embedded_text(self.title, self.text)


@functools.cache
def mix(shared: Path) -> list[Row]:
    """All rows, in their order."""
    rng = random.Random(SEED)
    rows = [row for corpus, count in TAKEN.items() for row in _drawn(shared, corpus, count, rng)]
    rng.shuffle(rows)
    return rows


def shards() -> Shards:
    """The embedded mix.

    Raises:
        DictionaryError: it was not embedded yet.
    """
    return Shards.open(CACHE / "mix")


def embed_mix(rows: list[Row]) -> Shards:
    """Embeds the first ROWS rows into shards, or goes on where it was."""
    texts = [row.embedded for row in rows[:ROWS]]
    start, done = time.monotonic(), 0

    def progress(count: int) -> None:
        nonlocal done
        done += count
        print(f"{done:,} of {len(texts):,} after {time.monotonic() - start:.0f} s", flush=True)

    found = embedder()
    manifest = {**asdict(found.space), "width": found.width, "texts": "benchmarks.mix", "seed": SEED}
    return write_shards(CACHE / "mix", texts, found.encode, manifest=manifest, on_rows=progress)


def read_packed(path: Path) -> list[Row]:
    """The rows of a file that --pack wrote."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [Row(*json.loads(line)) for line in lines]


def main(
    shared: Annotated[Path, typer.Argument(help="The folder that holds corpora/.")],
    pack: Annotated[Path | None, typer.Option(help="Write the texts here, do not embed them.")] = None,
) -> None:
    """Embeds the mix, or packs its texts."""
    if pack is None:
        embed_mix(mix(shared))
        return
    with gzip.open(pack, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in mix(shared)[:ROWS])


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


if __name__ == "__main__":
    typer.run(main)
