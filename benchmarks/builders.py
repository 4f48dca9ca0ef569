"""This benchmark builds one collection with several numbers of workers, and as one process did before there
were shards that others take: seconds, and whether the bits are the same.

python -m benchmarks.builders SHARED_DATA_FOLDER [--documents 600] [--repeats 3] [--workers 1 --workers 2]
"""

import hashlib
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from benchmarks.harness.common import report, table
from indexer.documents import ensure_collection, ingest
from indexer.jobs.queue import get_job, start_job
from indexer.progress import Reporter
from indexer.sources import SourceDocument, open_source
from search.db.database import open_database
from search.db.locks import reading_lock, shared
from search.db.lookup import live_of
from search.db.models import GenerationRow, PassageRow
from search.settings import DEFAULT_MODEL, Settings

STEPS = ("embedding passages", "finding features")
LOOK_SECONDS = 0.1
WAIT_SECONDS = 20.0
"""Workers have loaded their libraries after so long."""


def main(
    shared: Path,
    set_name: str = "scifact",
    documents: int = 600,
    repeats: int = 3,
    workers: Annotated[list[int], typer.Option()] = [1, 2, 4],  # noqa: B006 - typer's way
) -> None:
    """Builds the documents with each number of workers in turn, a few times over, and prints one table."""
    found = itertools.islice(open_source(shared / "beir" / set_name, "beir"), documents)
    kept = [item for item in found if isinstance(item, SourceDocument)]
    seconds: dict[int, list[dict[str, float]]] = {number: [] for number in workers}
    made: set[str] = set()
    loads = []
    for _, number in itertools.product(range(repeats), workers):
        loads.append(os.getloadavg()[0])
        took, bits = _build(kept, number)
        seconds[number].append(took)
        made.add(bits)
    names = [*STEPS, "the whole job"]
    median = {
        number: {name: statistics.median(run[name] for run in runs) for name in names}
        for number, runs in seconds.items()
    }
    first = median[workers[0]]
    rows: list[list[object]] = [
        [name, *(median[number][name] for number in workers)]
        + [first[name] / median[number][name] for number in workers[1:]]
        for name in names
    ]
    header = ["seconds, median", *map(str, workers), *(f"{number}: times as fast" for number in workers[1:])]
    print(f"{len(kept)} documents; different results: {len(made)}; load before each: {loads}\n")
    record = {
        "set": set_name,
        "documents": len(kept),
        "seconds": seconds,
        "results": len(made),
        "loads": loads,
    }
    report("builders", table(header, rows), record)


def _build(documents: Sequence[SourceDocument], workers: int) -> tuple[dict[str, float], str]:
    """Builds on a server of its own with so many workers, all of which are there before; gives the seconds of
    each step and the hash of what was made."""
    with tempfile.TemporaryDirectory(prefix="refract-") as folder:
        settings = Settings(data=Path(folder), database_url=None)
        with open_database(settings) as database:
            environment = {
                **os.environ,
                "DATABASE_URL": database.url.render_as_string(hide_password=False),
                "REFRACT_DATA": folder,
            }
            command = [sys.executable, "-m", "api.cli.main", "worker"]
            processes = [
                subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) for _ in range(workers)
            ]
            try:
                time.sleep(WAIT_SECONDS)
                return _run(database, documents)
            finally:
                for process in processes:
                    process.terminate()
                for process in processes:
                    process.wait()


def _run(database: Engine, documents: Sequence[SourceDocument]) -> tuple[dict[str, float], str]:
    with Session(database) as session:
        collection = ensure_collection(session, "benchmark", DEFAULT_MODEL).id
        session.commit()
    with shared(database, reading_lock(collection)):  # else a worker begins a build by itself
        ingest(database, collection, documents, Reporter(database))
        start = time.perf_counter()
        job = start_job(database, "reindex", "benchmark")
    while (now := get_job(database, job)).state in ("waiting", "running"):
        time.sleep(LOOK_SECONDS)
    whole = time.perf_counter() - start
    assert now.state == "done", now.reason
    with Session(database) as session:
        live = live_of(session, collection)
        assert live is not None
        took = {name: live.timings[name] for name in STEPS} | {"the whole job": whole}
        return took, _bits(session, live)


def _bits(session: Session, generation: GenerationRow) -> str:
    """The hash of all embeddings and activations of a generation."""
    columns = (PassageRow.id, PassageRow.embedding, PassageRow.feature_ids, PassageRow.activations)
    rows = select(*columns).where(PassageRow.generation_id == generation.id).order_by(PassageRow.id)
    found = hashlib.sha256()
    for row in session.execute(rows):
        found.update(repr(tuple(row)).encode())
    return found.hexdigest()


if __name__ == "__main__":
    typer.run(main)
