"""The shipped dictionary, adapted to a judged collection's documents, its questions unseen.

    python -m benchmarks.adaptation SHARED_DATA_FOLDER [--name scifact]

Beside it: the same dictionary as it ships, adaptations held more and less, and one trained on the documents
alone, of the same size and at the size a collection of its own would get. Columns: nDCG@10 with both sides
reconstructed (dense in the line above), FVU of the documents, shares of the score of the top 20, order
explained in the top 10, median cosine of decoder rows to the shipped ones, share of labels whose score on the
mix stays within .03 (needs `benchmarks.general` to have embedded it), seconds per 10,000 passages.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import typer

from benchmarks.common import embedder, report, table
from benchmarks.judged import Judged
from benchmarks.mix import shards
from indexer.label import Names, score_labels
from indexer.train import adapt, drift, recipe_for, train
from indexer.train.adaptation import ANCHOR
from indexer.trials import Half
from search.artifact import Artifact, shipped
from search.dictionary import Dictionary
from search.errors import DictionaryError
from search.settings import DEFAULT_MODEL

MIX_ROWS = slice(98_304, 98_304 + 32_768)  # no evidence for labels was drawn from them
SAME = 0.03
FACTORS = {"adapted": 1.0, "held 10 x more": 10.0, "held 10 x less": 0.1}


def main(shared: Path, name: str = "scifact") -> None:
    """Measures and prints the table."""
    judged, base = Judged.read(shared, name), shipped(DEFAULT_MODEL)
    assert base is not None
    print(f"{name}: dense {judged.dense():.3f}")
    rows = [{"dictionary": "as it ships", **_figures(judged, base.dictionary)}]
    for what, factor in FACTORS.items():
        start = time.perf_counter()
        adapted = adapt(base.dictionary, judged.x_ND, anchor=factor * ANCHOR)
        seconds = (time.perf_counter() - start) * 10_000 / len(judged.x_ND)
        cosine = 1 - float(np.median(drift(base.dictionary, adapted)))
        kept = _labels_kept(base, adapted) if what == "adapted" else ""
        extra = {"cosine": cosine, "labels kept": kept, "s / 10k": round(seconds)}
        rows.append({"dictionary": what, **_figures(judged, adapted), **extra})
        print(rows[-1], flush=True)
    usual = recipe_for(len(judged.x_ND))
    large = replace(usual, features=base.dictionary.features, active=base.dictionary.card.active, steps=600)
    for what, recipe in {"its own, usual size": usual, "its own, shipped size": large}.items():
        own = train(judged.x_ND, recipe, model=DEFAULT_MODEL)
        rows.append({"dictionary": f"{what} ({recipe.features} × {recipe.active})", **_figures(judged, own)})
        print(rows[-1], flush=True)
    header = list(rows[1])
    report(
        "adaptation", table(header, [[row.get(key, "") for key in header] for row in rows]), {"rows": rows}
    )


def _figures(judged: Judged, dictionary: Dictionary) -> dict[str, Any]:
    found = judged.figures(dictionary)
    return {key: found[key] for key in ("ndcg", "fvu", "carried", "shared", "baseline", "ordered")}


def _labels_kept(base: Artifact, adapted: Dictionary) -> float | str:
    """The share of reliable labels whose score on the mix is as before, within .03."""
    try:
        x_ND = shards()[MIX_ROWS].astype(np.float32)
    except DictionaryError:
        return ""
    texts = {feature: label.text for feature, label in enumerate(base.labels) if label.reliable}
    names, scores = Names(embedder().encode), []
    for dictionary in (base.dictionary, adapted):
        acts = dictionary.encode(x_ND).matrix(dictionary.features).tocsc()
        half = Half(np.arange(len(x_ND)), x_ND, acts)
        found = score_labels(texts, half, base.dictionary, names)  # the same near misses for both
        scores.append([found[feature].score for feature in texts])
    pairs = [(a, b) for a, b in zip(*scores, strict=True) if a is not None and b is not None]
    return float(np.mean([b >= a - SAME for a, b in pairs]))


if __name__ == "__main__":
    typer.run(main)
