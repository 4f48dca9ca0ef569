"""The whole pipeline on a BEIR folder: seconds by step, the share of embedding, and that a second run embeds
nothing.

python -m benchmarks.pipeline SHARED_DATA_FOLDER [--set-name scifact] [--documents 5000]
"""

import itertools
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import typer
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from benchmarks.harness.common import embedder, report, table
from indexer.build.builder import Build, BuildReport
from indexer.documents import ensure_collection, ingest
from indexer.progress import Reporter
from indexer.sources import SourceDocument, open_source
from search.db.database import open_database
from search.settings import DEFAULT_MODEL, Settings

EMBEDDING = "embedding passages"


@dataclass(frozen=True)
class Run:
    """One run of the pipeline: its report and its seconds, those of each step too."""

    report: BuildReport
    seconds: float
    steps: dict[str, float]


def main(shared: Path, set_name: str = "scifact", documents: int = 5000) -> None:
    """Indexes the documents twice into an empty store and prints one table."""
    found = itertools.islice(open_source(shared / "beir" / set_name, "beir"), documents)
    kept = [item for item in found if isinstance(item, SourceDocument)]
    embedder().encode(["warm"])  # loading the model is no part of the pipeline
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder), database_url=None)
        with open_database(settings) as database:
            first, second = (_index(database, settings.data, kept) for _ in range(2))
    rows: list[list[object]] = [
        [step, first.steps[step], second.steps.get(step, 0.0)] for step in first.steps
    ]
    rows += [
        ["everything", first.seconds, second.seconds],
        ["passages embedded", first.report.embedded, second.report.embedded],
    ]
    embedding = first.steps[EMBEDDING]
    passages = first.report.passages
    print(
        f"{first.report.documents} documents, {passages} passages: "
        f"embedding is {embedding / first.seconds:.1%} of the time; "
        f"{passages / first.seconds:.0f} passages/s, {passages / embedding:.0f} while embedding.\n"
    )
    record = {"set": set_name, "first": first.steps, "second": second.steps, "passages": passages}
    report("pipeline", table(["step", "seconds", "again"], rows), record)


def _index(database: Engine, data: Path, documents: list[SourceDocument]) -> Run:
    """What `refract index` does."""
    start = time.perf_counter()
    with Session(database) as session:
        collection = ensure_collection(session, "benchmark", DEFAULT_MODEL).id
        session.commit()
    reporter = Reporter(database)
    ingest(database, collection, documents, reporter)
    built = Build(database, data, embedder(), reporter).run(collection)
    return Run(built, time.perf_counter() - start, dict(reporter.seconds))


if __name__ == "__main__":
    typer.run(main)
