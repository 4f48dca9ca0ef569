"""This benchmark times searches, first ones and those of a slider that is dragged, for one client and for
many, beside FAISS and txtai.

    python -m benchmarks.latency SHARED_DATA_FOLDER --keep FOLDER [FOLDER ...] [--clients 1 16 64]

Asks what `benchmarks.million` keeps in each FOLDER, else what `benchmarks.upkeep` does (or makes that there,
of `--documents`). *First*: a question that was never asked, embedding included. *Slider*: the same question
with a feature of it turned a tenth further each time: ten results with all terms of their scores. *FAISS
alone*: ten neighbours of the same steered vectors, by a scan of the same float16 vectors. *txtai*: first
questions, by a scan of the same vectors in float32, where it is installed; it gives numbers and scores of ten
and reads no text. All are asked by as many threads of one process, in turns.
"""

import argparse
import functools
import importlib.util
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from benchmarks.harness.common import report, table
from benchmarks.harness.glosses import CORPUS, index
from benchmarks.harness.glosses import NAME as GLOSSES
from benchmarks.million import NAME as MILLION
from indexer.sources.beir import read_queries
from search.db.database import open_database
from search.db.lookup import count_passages, find_collection, live_generation
from search.engine.engine import SearchEngine
from search.errors import NotFound
from search.index.faiss_index import FaissIndex
from search.index.passage_store import read_embeddings
from search.query.request import SearchRequest
from search.query.steering import FeatureTarget, Knob, Steering
from search.settings import Settings

QUESTIONS = 24
STEPS = 20
ROUNDS = 3

Call = Callable[[], object]
FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Asked:
    """What is asked: a collection, a scan of its vectors, and txtai with them, if it is there."""

    engine: SearchEngine
    collection: str
    scan: FaissIndex
    peer: Any | None

    def request(self, question: str, step: int) -> SearchRequest:
        with self.engine.reader(self.collection) as reader:
            asked = reader.prepare(SearchRequest(question)).asked
        strongest = FeatureTarget(next(iter(asked.question.active)))
        return SearchRequest(question, Steering((Knob(step / 10, strongest),)))

    def steered(self, question: str, step: int) -> FloatArray:
        request = self.request(question, step)
        with self.engine.reader(self.collection) as reader:
            return reader.prepare(request).steered.vector_D

    def ask(self, request: SearchRequest) -> None:
        self.engine.search(request, collection=self.collection)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how long searches take.")
    parser.add_argument("shared", type=Path)
    parser.add_argument("--keep", type=Path, nargs="+", required=True, help="folders of indexes")
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16])
    given = parser.parse_args()
    questions = list(read_queries(given.shared / "beir" / "clapnq_dev").values())
    rows = [
        row
        for folder in given.keep
        for row in _of_folder(folder, given.shared / CORPUS, given.documents, given.clients, questions)
    ]
    header = ["passages", "clients", "what", "p50 ms", "p99 ms", "p50 / FAISS", "p50 over 1.5 x FAISS"]
    report("latency", table(header, rows), {"header": header, "rows": rows})


def _of_folder(
    folder: Path, corpus: Path, documents: int, clients: Sequence[int], questions: Sequence[str]
) -> list[list[Any]]:
    with open_database(Settings(data=folder, database_url=None)) as database:
        with Session(database) as session:
            try:
                collection = find_collection(session, MILLION).name
            except NotFound:
                index(database, folder, corpus, documents)
                collection = GLOSSES
            live = live_generation(session, collection)
            what = f"{count_passages(session, live.id):,} {live.recipe.index}"
            x_ND = read_embeddings(session, live.id)
        engine = SearchEngine(database, folder)
        engine.snapshots.follow()
        engine.warm(collection)
        scan = FaissIndex.build(x_ND, on_gpu=False)
        asked = Asked(engine, collection, scan, _peer(engine, collection, x_ND))
        del x_ND
        try:
            return [[what, *row] for each in clients for row in _measured(asked, questions, each)]
        finally:
            engine.snapshots.end()


def _peer(engine: SearchEngine, collection: str, x_ND: NDArray[np.float16]) -> Any | None:
    """txtai, which embeds as the collection does and scans."""
    if importlib.util.find_spec("txtai") is None:
        return None
    from txtai import Embeddings

    space = engine.snapshot(collection).space

    def embedded(texts: Sequence[str]) -> FloatArray:
        return np.stack([engine.embed(space, text) for text in texts])

    peer = Embeddings(
        method="external", transform=embedded, backend="faiss", faiss={"components": "IDMap,Flat"}
    )
    peer.index((number, x_D.astype(np.float32), None) for number, x_D in enumerate(x_ND))
    return peer


def _measured(asked: Asked, questions: Sequence[str], clients: int) -> list[list[Any]]:
    """Measures rounds of every kind in turns, each with questions that were not asked before."""
    times: dict[str, list[float]] = {"FAISS alone": [], "slider": [], "first": [], "txtai": []}
    for turn in range(ROUNDS):
        fresh, others = (
            [f"{question} {clients} {turn}" for question in part]
            for part in (questions[:QUESTIONS], questions[QUESTIONS : 2 * QUESTIONS])
        )
        times["first"] += _timed(
            [functools.partial(asked.ask, SearchRequest(text)) for text in fresh], clients
        )
        if asked.peer is not None:
            searches = [functools.partial(asked.peer.search, text, 10) for text in others]
            times["txtai"] += _timed(searches, clients)
        calls = [(text, step) for text in fresh for step in range(1, STEPS + 1)]
        vectors = [asked.steered(text, step) for text, step in calls[:: STEPS // 2]]
        scans = [functools.partial(asked.scan.search, q_D[None], 10) for q_D in vectors]
        times["FAISS alone"] += _timed(scans, clients)
        sliders = [asked.request(text, step) for text, step in calls]
        times["slider"] += _timed([functools.partial(asked.ask, each) for each in sliders], clients)
    alone = statistics.median(times["FAISS alone"])
    return [
        [
            clients,
            name,
            statistics.median(found),
            float(np.percentile(found, 99)),
            statistics.median(found) / alone,
            statistics.median(found) - 1.5 * alone,
        ]
        for name, found in times.items()
        if found
    ]


def _timed(calls: Sequence[Call], clients: int) -> list[float]:
    """Times each call in milliseconds, made by so many threads at once."""

    def timed(call: Call) -> float:
        start = time.perf_counter()
        call()
        return (time.perf_counter() - start) * 1000

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(timed, calls))


if __name__ == "__main__":
    main()
