"""This benchmark measures relevance on a BEIR folder: dense documents, Refract's passages, and what the
dictionary alone keeps.

python -m benchmarks.retrieval SHARED_DATA_FOLDER [scifact cranfield clapnq_dev]

Shape suffixes: N passages or documents, Q questions, D embedding width.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.harness.common import (
    embedded,
    embedded_queries,
    report,
    table,
)
from benchmarks.harness.judged import Task, read_task, snapshot_of_task
from search.dictionary.attribution import attribute, decompose
from search.dictionary.steer import steer
from search.evaluation.measures import NDCG_AT_10, RECALL_AT_100, bootstrap_interval, measured
from search.index.snapshot import Snapshot
from search.scoring.hybrid import no_words
from search.scoring.pursuit import CANDIDATES
from search.scoring.ranking import rank
from search.scoring.reasons import explaining

DEPTH = 100
EXPLAINED = 20

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Scores:
    """Holds nDCG@10 and Recall@100 of each question."""

    ndcg_Q: list[float]
    recall_Q: list[float]

    @property
    def means(self) -> tuple[float, float]:
        return float(np.mean(self.ndcg_Q)), float(np.mean(self.recall_Q))


def main(shared: Path, sets: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Measures every set and prints one table."""
    rows, record = [], {}
    for name in sets or ["scifact"]:
        figures = measure(read_task(shared / "beir" / name))
        record[name] = figures
        rows += [[name, *row] for row in figures["rows"]]
        shares = ", ".join(f"{kind} {share:.1%}" for kind, share in figures["shares"].items())
        print(f"{name}: {shares} of the score over the top {EXPLAINED}; {figures['dictionary']}")
    header = ["set", "documents and questions", "nDCG@10", "Recall@100", "nDCG@10 against dense (95%)"]
    report("retrieval", table(header, rows), record)


def measure(task: Task) -> dict[str, Any]:
    """Computes all figures of one set."""
    q_QD = embedded_queries(list(task.queries.values()))
    documents_ND = embedded([f"{document.title} {document.text}" for document in task.documents])
    dense = _scores(task, [_by_score(documents_ND.astype(np.float32) @ q_D) for q_D in q_QD])
    snapshot = snapshot_of_task(task)
    refract = _scores(task, [_by_rank(snapshot, q_D) for q_D in q_QD])
    decoded = _scores(task, _reconstructed(snapshot, q_QD))
    return {
        "passages": snapshot.passages,
        "dictionary": f"{snapshot.dictionary.features} features, {snapshot.dictionary.card.active} active, "
        f"{snapshot.passages} passages",
        "shares": _shares(snapshot, list(task.queries.values()), q_QD),
        "rows": [
            ["dense, one vector a document", *dense.means, "0"],
            ["Refract: its passages, ranked by the search", *refract.means, _against(refract, dense)],
            ["both sides reconstructed by the dictionary", *decoded.means, _against(decoded, dense)],
        ],
        "ndcg_by_query": {"dense": dense.ndcg_Q, "refract": refract.ndcg_Q, "reconstructed": decoded.ndcg_Q},
    }


def _by_score(scores_N: FloatArray) -> NDArray[np.int64]:
    return np.argsort(-scores_N, kind="stable")[:DEPTH]


def _by_rank(snapshot: Snapshot, q_D: FloatArray) -> NDArray[np.int64]:
    return snapshot.document_N[rank(snapshot, q_D, [], DEPTH, no_words(snapshot)).passages][:DEPTH]


def _reconstructed(snapshot: Snapshot, q_QD: FloatArray) -> list[NDArray[np.int64]]:
    """Ranks documents by their best passage, where both sides are what the dictionary makes of them."""
    dictionary = snapshot.dictionary
    x_ND = dictionary.decode(dictionary.encode(snapshot.index.vectors(np.arange(snapshot.passages))))
    x_ND /= np.linalg.norm(x_ND, axis=1, keepdims=True)
    best = []
    for q_D in dictionary.decode(dictionary.encode(q_QD)):
        scores = np.full(int(snapshot.document_N.max()) + 1, -np.inf, dtype=np.float32)
        np.maximum.at(scores, snapshot.document_N, x_ND @ q_D)
        best.append(_by_score(scores))
    return best


def _scores(task: Task, rankings: list[NDArray[np.int64]]) -> Scores:
    ranked = {
        query: [task.ids[number] for number in ranking.tolist()]
        for query, ranking in zip(task.judged, rankings, strict=True)
    }
    return Scores(*(measured(measure, ranked, task.judged) for measure in (NDCG_AT_10, RECALL_AT_100)))


def _against(scores: Scores, other: Scores) -> str:
    differences = np.subtract(scores.ndcg_Q, other.ndcg_Q)
    low, high = bootstrap_interval(differences.tolist())
    return f"{differences.mean():+.3f} ({low:+.3f} to {high:+.3f})"


def _shares(snapshot: Snapshot, queries: list[str], q_QD: FloatArray) -> dict[str, float]:
    """Computes the share of the summed score by kind of term, over the first results of every question."""
    sums = dict.fromkeys(["features", "of which shared", "baseline", "remainder", "score"], 0.0)
    for query, q_D in zip(queries, q_QD, strict=True):
        first = rank(snapshot, q_D, [], CANDIDATES, no_words(snapshot)).passages[:CANDIDATES]
        question = decompose(q_D, explaining(snapshot, query, q_D, first), snapshot.dictionary)
        passages = rank(snapshot, q_D, [], EXPLAINED, no_words(snapshot)).passages[:EXPLAINED]
        unsteered = steer(q_D, snapshot.dictionary.w_dec_FD, {})
        terms = attribute(question, unsteered, snapshot.index.vectors(passages), snapshot.dictionary)
        active_NA = snapshot.about_NF[passages][:, terms.asked].toarray() > 0
        sums["features"] += float(terms.asked_NA.sum())
        sums["of which shared"] += float(terms.asked_NA[active_NA].sum())
        sums["baseline"] += float(terms.baseline_N.sum())
        sums["remainder"] += float(terms.remainder_N.sum())
        sums["score"] += float(terms.score_N.sum())
    score = sums.pop("score")
    return {kind: value / score for kind, value in sums.items()}


if __name__ == "__main__":
    typer.run(main)
