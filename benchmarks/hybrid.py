"""This benchmark measures hybrid search on judged collections, beside meaning alone, BM25 alone, rank fusion
and txtai's hybrid.

python -m benchmarks.hybrid SHARED_DATA_FOLDER [scifact cranfield clapnq_dev negconstraint entities] [--peer]

(The peer needs refract[cpu,bench].)

All rank the same passages with the same vectors, a document by its best passage. The weight of words was
chosen on the development queries of SciFact (its train split), printed first with that set, not on those
reported.

Shape suffixes: Q questions, D embedding width.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.harness.common import embedded, embedded_queries, embedder, report, table
from benchmarks.harness.entities import REPORTED, read_entities
from benchmarks.harness.judged import Task, passage_texts, read_task
from search.evaluation.measures import NDCG_AT_10, RECALL_AT_100, bootstrap_interval, measured
from search.index.bm25 import Counts, Lexicon
from search.scoring.hybrid import WORDS_WEIGHT, counted_words, word_scores

DEPTH = 100
POOL = 1000
FUSED = 60  # the constant of reciprocal rank fusion (Cormack et al. 2009)
WEIGHTS = (0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6)
DEVELOPMENT = "scifact"

Ranker = Callable[[str, NDArray[np.float32]], list[int]]
"""Documents by number, best first, for a question and its vector."""


@dataclass(frozen=True, eq=False)
class _Passages:
    x_ND: NDArray[np.float32]
    document_N: NDArray[np.int64]
    lexicon: Lexicon

    @classmethod
    def of(cls, task: Task) -> "_Passages":
        texts, documents, written = passage_texts(task)
        lexicon = Lexicon(Counts.of(written), Counts.of([]), np.arange(len(written)))
        return cls(embedded(texts).astype(np.float32), np.array(documents), lexicon)

    def documents(self, scores_N: NDArray[np.float32]) -> list[int]:
        """Names the documents of the best passages, each once."""
        best = np.argsort(-scores_N, kind="stable")[:POOL]
        return list(dict.fromkeys(self.document_N[best[np.isfinite(scores_N[best])]].tolist()))


def main(
    shared: Path, sets: Annotated[list[str] | None, typer.Argument()] = None, *, peer: bool = False
) -> None:
    """Measures every set and prints one table for each."""
    chosen = sets or ["scifact", "cranfield", "clapnq_dev", "negconstraint", REPORTED]
    tried = _development(shared / "beir" / DEVELOPMENT) if DEVELOPMENT in chosen else []
    tables, record = [], {}
    if tried:
        tables.append(table(["weight of words", "nDCG@10, development queries of SciFact"], tried))
    for name in chosen:
        task = read_entities(shared) if name == REPORTED else read_task(shared / "beir" / name)
        by_ranker = _measure(task, peer=peer)
        ours = np.array(by_ranker["hybrid"]["ndcg"])
        rows = []
        for ranker, figures in by_ranker.items():
            low, high = bootstrap_interval(figures["ndcg"])
            ahead = ours - np.array(figures["ndcg"])
            least, most = bootstrap_interval(ahead.tolist())
            rows.append(
                [
                    ranker,
                    f"{np.mean(figures['ndcg']):.3f} ({low:.3f} to {high:.3f})",
                    float(np.mean(figures["recall"])),
                    "" if ranker == "hybrid" else f"{ahead.mean():+.3f} ({least:+.3f} to {most:+.3f})",
                ]
            )
        header = [f"{name}, {len(task.queries)} queries", "nDCG@10", "recall@100", "hybrid is ahead by"]
        tables.append(table(header, rows))
        record[name] = by_ranker
    report("hybrid", "\n\n".join(tables), {"development": tried, "sets": record})


def _development(folder: Path) -> list[list[object]]:
    task = read_task(folder, "train")
    passages = _Passages.of(task)
    q_QD = embedded_queries(list(task.queries.values()))
    rows: list[list[object]] = []
    for weight in WEIGHTS:
        scored = _scored(task, q_QD, _mixed(passages, weight))
        rows.append(
            [f"{weight}{' (used)' if weight == WORDS_WEIGHT else ''}", float(np.mean(scored["ndcg"]))]
        )
    return rows


def _measure(task: Task, *, peer: bool) -> dict[str, Any]:
    passages = _Passages.of(task)
    q_QD = embedded_queries(list(task.queries.values()))
    rankers = {
        "hybrid": _mixed(passages, WORDS_WEIGHT),
        "meaning alone": _by_meaning(passages),
        "BM25 alone": _by_words(passages),
        "reciprocal rank fusion": _fused(passages),
    }
    if peer:
        rankers["txtai 9.14.0, hybrid"] = _txtai(task, passages)
    return {name: _scored(task, q_QD, ranker) for name, ranker in rankers.items()}


def _scored(task: Task, q_QD: NDArray[np.float32], ranker: Ranker) -> dict[str, list[float]]:
    rankings = {
        query: [task.ids[number] for number in ranker(text, q_D)[:DEPTH]]
        for (query, text), q_D in zip(task.queries.items(), q_QD, strict=True)
    }
    measures = {"ndcg": NDCG_AT_10, "recall": RECALL_AT_100}
    return {name: measured(measure, rankings, task.judged) for name, measure in measures.items()}


def _mixed(passages: _Passages, weight: float) -> Ranker:
    def ranker(text: str, q_D: NDArray[np.float32]) -> list[int]:
        words = word_scores(passages.lexicon, list(counted_words(text)), weight)
        return passages.documents(passages.x_ND @ q_D + words.sums)

    return ranker


def _by_meaning(passages: _Passages) -> Ranker:
    return lambda _, q_D: passages.documents(passages.x_ND @ q_D)


def _by_words(passages: _Passages) -> Ranker:
    def ranker(text: str, _: NDArray[np.float32]) -> list[int]:
        sums_N = word_scores(passages.lexicon, list(counted_words(text))).sums
        return passages.documents(np.where(sums_N > 0, sums_N, -np.inf))

    return ranker


def _fused(passages: _Passages) -> Ranker:
    each = (_by_meaning(passages), _by_words(passages))

    def ranker(text: str, q_D: NDArray[np.float32]) -> list[int]:
        gained: dict[int, float] = {}
        for one in each:
            for place, document in enumerate(one(text, q_D), start=1):
                gained[document] = gained.get(document, 0.0) + 1 / (FUSED + place)
        return sorted(gained, key=lambda document: -gained[document])

    return ranker


def _txtai(task: Task, passages: _Passages) -> Ranker:
    """Searches with txtai as its documentation sets hybrid search up, with our vectors of the same
    passages."""
    from txtai import Embeddings

    texts = passage_texts(task)[0]
    vector_of = dict(zip(texts, embedded(texts).astype(np.float32), strict=True))

    def transform(asked: list[str]) -> NDArray[np.float32]:
        rows = [
            vector_of[text] if text in vector_of else embedder().encode_queries([text])[0] for text in asked
        ]
        return np.stack(rows)

    embeddings = Embeddings(method="external", transform=transform, hybrid=True)
    embeddings.index([(number, text, None) for number, text in enumerate(texts)])

    def ranker(text: str, _: NDArray[np.float32]) -> list[int]:
        found = [number for number, _ in embeddings.search(text, POOL)]
        return list(dict.fromkeys(passages.document_N[found].tolist()))

    return ranker


if __name__ == "__main__":
    typer.run(main)
