"""This benchmark times searches, first ones and those of a slider that is dragged, for one client and for
many, beside FAISS.

    python -m benchmarks.latency SHARED_DATA_FOLDER --keep FOLDER [--documents 100000] [--clients 1 16]

Asks the collection that `benchmarks.upkeep` keeps in FOLDER (or makes it there). *First*: a question that
was never asked, embedding included. *Slider*: the same question with a feature of it turned a tenth further
each time: ten results with all terms of their scores. *FAISS alone*: ten neighbours of the same steered
vectors, in the same index, asked by as many threads, in turns with the others.
"""

import argparse
import functools
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.common import report, table
from benchmarks.harness.glosses import CORPUS, NAME, index
from indexer.sources.beir import read_queries
from search.db.database import open_database
from search.engine.engine import SearchEngine
from search.query.request import SearchRequest
from search.query.steering import FeatureTarget, Knob, Steering
from search.settings import Settings

QUESTIONS = 24
STEPS = 20
ROUNDS = 3

Call = Callable[[], object]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how long searches take.")
    parser.add_argument("shared", type=Path)
    parser.add_argument("--keep", type=Path, required=True, help="the folder of the index")
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16])
    given = parser.parse_args()
    questions = list(read_queries(given.shared / "beir" / "clapnq_dev").values())
    with open_database(Settings(data=given.keep, database_url=None)) as database:
        passages = index(database, given.keep, given.shared / CORPUS, given.documents)
        engine = SearchEngine(database, given.keep)
        engine.snapshots.follow()
        engine.warm(NAME)
        rows = [row for clients in given.clients for row in _measured(engine, questions, clients)]
        engine.snapshots.end()
    header = ["clients", "what", "p50 ms", "p99 ms", "p50 / FAISS", "p50 over 1.3 x FAISS"]
    report("latency", f"{table(header, rows)}\n\n{passages:,} passages", {"rows": rows, "passages": passages})


def _measured(engine: SearchEngine, questions: Sequence[str], clients: int) -> list[list[Any]]:
    """Measures rounds of every kind in turns, each with questions that were not asked before."""
    times: dict[str, list[float]] = {"FAISS alone": [], "slider": [], "first": []}
    for turn in range(ROUNDS):
        fresh = [f"{question} {clients} {turn}" for question in questions[:QUESTIONS]]
        times["first"] += _timed(
            [functools.partial(_ask, engine, SearchRequest(text)) for text in fresh], clients
        )
        calls = [(text, step) for text in fresh for step in range(1, STEPS + 1)]
        vectors = [_steered(engine, text, step) for text, step in calls[:: STEPS // 2]]
        times["FAISS alone"] += _timed([functools.partial(_scan, engine, q_D) for q_D in vectors], clients)
        sliders = [_request(engine, text, step) for text, step in calls]
        times["slider"] += _timed([functools.partial(_ask, engine, each) for each in sliders], clients)
    alone = statistics.median(times["FAISS alone"])
    return [
        [
            clients,
            name,
            statistics.median(found),
            float(np.percentile(found, 99)),
            statistics.median(found) / alone,
            statistics.median(found) - 1.3 * alone,
        ]
        for name, found in times.items()
    ]


def _timed(calls: Sequence[Call], clients: int) -> list[float]:
    """Times each call in milliseconds, made by so many threads at once."""

    def timed(call: Call) -> float:
        start = time.perf_counter()
        call()
        return (time.perf_counter() - start) * 1000

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(timed, calls))


def _request(engine: SearchEngine, question: str, step: int) -> SearchRequest:
    with engine.reader(NAME) as reader:
        asked = reader.prepare(SearchRequest(question)).asked
    strongest = FeatureTarget(next(iter(asked.question.active)))
    return SearchRequest(question, Steering((Knob(step / 10, strongest),)))


def _ask(engine: SearchEngine, request: SearchRequest) -> None:
    engine.search(request, collection=NAME)


def _steered(engine: SearchEngine, question: str, step: int) -> NDArray[np.float32]:
    request = _request(engine, question, step)
    with engine.reader(NAME) as reader:
        return reader.prepare(request).steered.vector_D


def _scan(engine: SearchEngine, q_D: NDArray[np.float32]) -> None:
    engine.snapshot(NAME).index.search(q_D[None], 10)


if __name__ == "__main__":
    main()
