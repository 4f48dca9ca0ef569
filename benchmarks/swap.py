"""This benchmark puts a steady load of searches on a server through writes, a reindex, the flip and a
rollback.

    python -m benchmarks.swap [--seconds 20]

Starts a server with its worker on the documentation of the installed Python, and searches at a steady rate
from several connections. Counts answers that failed, and answers that mix two generations: each passage of an
answer has to be one of the generation that the answer names. Prints the latencies of each phase beside those
when nothing happens, and how long a write takes until a search finds it.
"""

import argparse
import shutil
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx2 as httpx
import numpy as np
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from api.auth.keys import create_key
from benchmarks.harness.common import report, table
from benchmarks.harness.server import serving
from indexer.build.builder import Build
from indexer.documents import ensure_collection, ingest
from indexer.progress import Reporter
from indexer.sources import open_source
from search.db.database import open_database
from search.db.models import DocumentRow, PassageRow
from search.embedding.embedder import load_embedder
from search.settings import DEFAULT_MODEL, Settings

NAME = "swap"
CONNECTIONS = 2
PAUSE = 0.1  # seconds between the answer and the next question of a connection
WRITES = 30
QUESTIONS = [
    "sort a list",
    "open a file",
    "parse dates",
    "threads and locks",
    "regular expressions",
    "http server",
]


@dataclass
class Load:
    """Holds what the searches of one phase saw."""

    phase: str
    ms: list[float] = field(default_factory=list)
    failed: int = 0
    answers: list[tuple[int, list[tuple[str, int, int]]]] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description="Search steadily through a reindex, a flip and a rollback.")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each quiet phase takes")
    given = parser.parse_args()
    folder = Path(mkdtemp(prefix="refract-swap-"))
    try:
        with open_database(Settings(data=folder, database_url=None)) as database:
            passages, key = _begin(database, folder)
            with serving(folder, database) as (address, _):
                loads, writes, reindex_seconds = _phases(address, key, given.seconds)
            mixed = _mixed(database, loads)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    idle = float(np.percentile(loads[0].ms, 99))
    rows = [
        [
            load.phase,
            len(load.ms),
            load.failed,
            *np.percentile(load.ms, [50, 99]),
            np.percentile(load.ms, 99) / idle,
        ]
        for load in loads
    ]
    header = ["phase", "searches", "failed", "median ms", "p99 ms", "p99 beside idle"]
    found = [seconds for seconds in writes if seconds is not None]
    closing = (
        f"{passages:,} passages; mixed answers: {mixed}; reindex {reindex_seconds:.0f} s; "
        f"write to searchable: median {statistics.median(found):.2f} s, p99 {np.percentile(found, 99):.2f} s"
    )
    record = {"rows": rows, "mixed": mixed, "writes": found, "passages": passages}
    report("swap", f"{table(header, rows)}\n\n{closing}", record)


def _begin(database: Engine, data: Path) -> tuple[int, str]:
    with Session(database) as session:
        number = ensure_collection(session, NAME, DEFAULT_MODEL).id
        key = create_key(session, "benchmark", "admin")
        session.commit()
    reporter = Reporter(database)
    ingest(database, number, open_source(None, "pydoc"), reporter)
    return Build(database, data, load_embedder(), reporter).run(number).passages, key


def _phases(address: str, key: str, seconds: float) -> tuple[list[Load], list[float | None], float]:
    client = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=60)
    time.sleep(10)  # the worker starts
    loads: list[Load] = []
    with _searching(address, "nothing happens", loads):
        time.sleep(seconds)
    with _searching(address, "a write a second", loads):
        writes = [_write(client, number) for number in range(WRITES)]
    started = time.monotonic()
    with _searching(address, "reindex and flip", loads):
        _job(client, {"kind": "reindex", "collection": NAME, "passage_tokens": 96})
    took = time.monotonic() - started
    with _searching(address, "rollback, twice", loads):
        for _ in range(2):
            client.post("/v1/rollback", params={"collection": NAME}).raise_for_status()
            time.sleep(seconds / 4)
    return loads, writes, took


@contextmanager
def _searching(address: str, phase: str, loads: list[Load]) -> Iterator[None]:
    load = Load(phase)
    loads.append(load)
    ended = threading.Event()
    threads = [
        threading.Thread(target=_search, args=(address, load, ended, offset)) for offset in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _search(address: str, load: Load, ended: threading.Event, offset: int) -> None:
    with httpx.Client(base_url=address, timeout=60) as client:
        count = offset
        while not ended.wait(PAUSE):
            count += CONNECTIONS
            question = f"{QUESTIONS[count % len(QUESTIONS)]} {count}"  # no question is known from before
            started = time.perf_counter()
            answer = client.get("/v1/search", params={"q": question, "collection": NAME, "limit": 10})
            load.ms.append(1000 * (time.perf_counter() - started))
            if answer.status_code != 200 or len(answer.json()["results"]) != 10:
                load.failed += 1
                continue
            found = answer.json()
            results = [(each["document"], each["passage"]) for each in found["results"]]
            spans = [(document["id"], passage["start"], passage["end"]) for document, passage in results]
            load.answers.append((found["generation"], spans))


def _write(client: httpx.Client, number: int) -> float | None:
    """Measures the seconds from a write to the first answer that holds it; None after ten seconds."""
    started = time.monotonic()
    body = {"title": f"Zebra {number}", "text": f"The zebra number {number} crosses the river at noon."}
    client.put(f"/v1/documents/zebra/{number}", params={"collection": NAME}, json=body).raise_for_status()
    while time.monotonic() - started < 10:
        asked: dict[str, str | int] = {
            "q": f"zebra number {number} crosses the river",
            "collection": NAME,
            "limit": 10,
        }
        results = client.get("/v1/search", params=asked).json()["results"]
        if any(each["document"]["id"] == f"zebra/{number}" for each in results):
            took = time.monotonic() - started
            time.sleep(max(0.0, 1.0 - took))
            return took
        time.sleep(0.02)
    return None


def _job(client: httpx.Client, body: dict[str, Any]) -> None:
    number = client.post("/v1/jobs", json=body).raise_for_status().json()["number"]
    while (state := client.get(f"/v1/jobs/{number}").json()["state"]) in ("waiting", "running"):
        time.sleep(0.5)
    if state != "done":
        raise RuntimeError(f"The job is {state}.")
    time.sleep(2)


def _mixed(database: Engine, loads: list[Load]) -> int:
    """Counts the answers that hold a passage that is not of the generation they name."""
    there: dict[int, set[tuple[str, int, int]]] = {}
    with Session(database) as session:
        columns = (PassageRow.generation_id, DocumentRow.external_id, PassageRow.start, PassageRow.end)
        rows = session.execute(select(*columns).join(DocumentRow, DocumentRow.id == PassageRow.document_id))
        for generation, document, start, end in rows:
            there.setdefault(generation, set()).add((document, start, end))
    answers = [answer for load in loads for answer in load.answers]
    return sum(not set(spans) <= there.get(generation, set()) for generation, spans in answers)


if __name__ == "__main__":
    main()
