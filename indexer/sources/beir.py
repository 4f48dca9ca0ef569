"""BEIR folders: `corpus.jsonl`, and for benchmarks `queries.jsonl` and `qrels/SPLIT.tsv`."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from indexer.sources.document import Item
from indexer.sources.records.jsonl import read_jsonl
from indexer.sources.records.roles import Columns
from search.errors import SourceError


def corpus_file(folder: Path) -> Path | None:
    """The folder's corpus, compressed or not."""
    return next(
        (file for name in ("corpus.jsonl", "corpus.jsonl.gz") if (file := folder / name).is_file()), None
    )


def read(folder: Path) -> Iterator[Item]:
    """The documents of the corpus; its `metadata` becomes theirs.

    Raises:
        SourceError: the folder has no corpus.
    """
    corpus = corpus_file(folder)
    if corpus is None:
        raise SourceError(
            f"{folder} has no corpus.jsonl.", hint="A BEIR folder holds corpus.jsonl and queries.jsonl."
        )
    return read_jsonl(corpus, Columns(id="_id", title="title", text="text"))


def read_queries(folder: Path) -> dict[str, str]:
    """Query texts by id.

    Raises:
        SourceError: there is no `queries.jsonl`, or a line of it has no `_id` and `text`.
    """
    queries = {}
    for number, line in enumerate(_lines(folder / "queries.jsonl"), start=1):
        try:
            record = json.loads(line)
            queries[str(record["_id"])] = str(record["text"])
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(f"{folder / 'queries.jsonl'}:{number} is not a query: {error!r}.") from None
    return queries


def read_qrels(folder: Path, split: str = "test") -> dict[str, dict[str, int]]:
    """Judged relevance by query and document.

    Raises:
        SourceError: there is no such split, or a line of it is not `query, document, score`.
    """
    path = folder / "qrels" / f"{split}.tsv"
    judged: dict[str, dict[str, int]] = {}
    for number, row in enumerate(csv.reader(_lines(path), delimiter="\t", quoting=csv.QUOTE_NONE), start=1):
        try:
            query, document, score = row
            judged.setdefault(query, {})[document] = int(score)
        except ValueError:
            if number > 1:  # the first line is a header
                raise SourceError(f"{path}:{number} is not query, document and score: {row}.") from None
    return judged


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text("utf-8").split("\n") if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read: {error}.") from None
