"""Judged collections: BEIR folders as Refract indexes them.

Shape suffixes: N passages, D embedding width.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.harness.common import built_dictionary, embedded, embedder, snapshot_of
from indexer.sources import SourceDocument, open_source
from indexer.sources.beir import read_qrels, read_queries
from search.embedding.splitter import PassageSplitter, embedded_text
from search.index.snapshot import Snapshot


@dataclass(frozen=True)
class Task:
    """A BEIR folder: documents, and the judged questions."""

    documents: list[SourceDocument]
    queries: dict[str, str]
    judged: dict[str, dict[str, int]]

    @property
    def ids(self) -> list[str]:
        return [document.id for document in self.documents]


def read_task(folder: Path, split: str = "test") -> Task:
    """Reads a BEIR folder with Refract's own reader."""
    documents = [item for item in open_source(folder, "beir") if isinstance(item, SourceDocument)]
    judged = read_qrels(folder, split)
    texts = read_queries(folder)
    return Task(documents, {query: texts[query] for query in judged}, judged)


def snapshot_of_task(task: Task) -> Snapshot:
    """The set as Refract indexes it: split, embedded, with the shipped dictionary adapted to it."""
    texts, documents, written = passage_texts(task)
    x_ND = embedded(texts)
    return snapshot_of(x_ND, np.array(documents), built_dictionary(x_ND, written), texts=written)


def passage_texts(task: Task) -> tuple[list[str], list[int], list[str]]:
    """Its passages: what of each is embedded, the number of its document, what of it has words."""
    splitter = PassageSplitter(embedder().tokenizer_json, embedder().max_tokens)
    texts, documents, written = [], [], []
    for number, document in enumerate(task.documents):
        title = splitter.clip_title(document.title)
        for span in splitter.split(document.text, document.title):
            texts.append(embedded_text(title, document.text[span.start : span.end]))
            documents.append(number)
            written.append(f"{document.title}\n{document.text[span.start : span.end]}")
    return texts, documents, written
