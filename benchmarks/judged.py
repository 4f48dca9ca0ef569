"""What a dictionary keeps of a judged collection's ranking, as it ships and adapted to the documents.

Shape suffixes: N documents, Q questions, D embedding width.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import embedded, embedded_queries
from benchmarks.metrics import ndcg
from benchmarks.retrieval import Task, read_task
from indexer.scorecard import explained, fvu
from search.dictionary import Dictionary

DEPTH = 100

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Judged:
    """A judged collection, one vector a document."""

    task: Task
    x_ND: NDArray[np.float16]
    q_QD: FloatArray

    @classmethod
    def read(cls, shared: Path, name: str = "scifact") -> "Judged":
        task = read_task(shared / "beir" / name)
        texts = [f"{document.title} {document.text}" for document in task.documents]
        return cls(task, embedded(texts), embedded_queries(list(task.queries.values())))

    def ndcg(self, x_ND: FloatArray, q_QD: FloatArray) -> float:
        """nDCG@10 of the rows ranked by inner product."""
        rankings = (np.argsort(-(x_ND @ q_D), kind="stable")[:DEPTH].tolist() for q_D in q_QD)
        ids = self.task.ids
        return float(
            np.mean(
                [
                    ndcg([ids[number] for number in ranking], judged)
                    for ranking, judged in zip(rankings, self.task.judged.values(), strict=True)
                ]
            )
        )

    def dense(self) -> float:
        """nDCG@10 of the embeddings themselves."""
        return self.ndcg(self.x_ND.astype(np.float32), self.q_QD)

    def figures(self, dictionary: Dictionary) -> dict[str, float]:
        """nDCG@10 with both sides reconstructed, FVU of the documents, and what explanations account for."""
        acts = dictionary.encode(self.x_ND)
        x_hat_ND = dictionary.decode(acts)
        q_hat_QD = dictionary.decode(dictionary.encode(self.q_QD))
        unit_ND = x_hat_ND / np.linalg.norm(x_hat_ND, axis=1, keepdims=True)
        return {
            "ndcg": self.ndcg(unit_ND, q_hat_QD),
            "fvu": fvu(self.x_ND, x_hat_ND),
            "l0": float((acts.values_NK > 0).sum(axis=1).mean()),
            **asdict(explained(dictionary, self.x_ND, self.q_QD)),
        }
