"""This benchmark measures the most memory that a build of a large collection and a label edit take, step by
step. (On Linux.)

    python -m benchmarks.memory SHARED_DATA_FOLDER [--documents 100000]

Indexes paragraphs of textbooks with a model of static word vectors (those that the default model begins with:
embedding costs next to nothing), then writes a label by hand. Each runs in a process of its own, whose peak
of resident memory stands beside that of one which imports the same modules and does nothing else. What the
database server takes is not counted.
"""

import itertools
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar

import typer
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from benchmarks.harness.common import report, table
from benchmarks.harness.static_model import NAME as MODEL
from benchmarks.harness.static_model import write_static_model
from indexer.build.builder import Build
from indexer.documents import ensure_collection, ingest
from indexer.labels.edit import edit_label
from indexer.progress import Reporter
from indexer.sources import open_source
from search.db.database import open_database
from search.embedding.embedder import Embedder, load_embedder
from search.settings import Settings

NAME = "memory"
CORPUS = "corpora/openstax_paragraphs.jsonl.gz"
BETWEEN = "between the steps"

T = TypeVar("T")


class Peaks(Reporter):
    """Follows a build and keeps the peak of each of its steps (MiB), and of what lies between them."""

    def __init__(self, database: Engine) -> None:
        super().__init__(database)
        self.peaks: dict[str, float] = {}

    @contextmanager
    def step(self, name: str, total: int = 1, *, done: int = 0) -> Iterator[None]:
        self.keep(BETWEEN)
        with super().step(name, total, done=done):
            yield
        self.keep(name)

    def keep(self, name: str) -> None:
        """Notes the peak until now as that of this step; the next begins at what is in memory now."""
        self.peaks[name] = max(peak(), self.peaks.get(name, 0.0))
        Path("/proc/self/clear_refs").write_text("5")


def peak() -> float:
    """Reads the peak of this process, MiB. (Its `ru_maxrss` would begin with that of the process it came
    from.)"""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def main(shared: Path, documents: int = 100_000) -> None:
    """Measures both and prints one table."""
    folder = Path(mkdtemp(prefix="refract-memory-"))
    try:
        write_static_model(folder)
        with open_database(Settings(data=folder, database_url=None)) as database:
            with Session(database) as session:
                number = ensure_collection(session, NAME, str(folder / MODEL)).id
                session.commit()
            found = itertools.islice(open_source(shared / CORPUS), documents)
            ingest(database, number, found, Reporter(database))
            url = database.url.render_as_string(hide_password=False)
            nothing = in_process(peak)
            model = in_process(_model, folder)
            steps, passages = in_process(_build, url, folder, number)
            edit = in_process(_edit, url)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rows: list[list[object]] = [
        ["imports alone", nothing, 0.0],
        ["the model loaded", model, model - nothing],
        ["a label edit", edit, edit - nothing],
        ["a build", max(steps.values()), max(steps.values()) - nothing],
        *([f"– {step}", most, most - nothing] for step, most in steps.items()),
    ]
    markdown = table(["peak of a process, MiB", "resident", "beyond its imports"], rows)
    report("memory", f"{markdown}\n\n{passages:,} passages", {"rows": rows, "passages": passages})


def in_process(call: Callable[..., T], *given: object) -> T:
    """Runs a call in a new process and gives what it gave."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(call, *given).result()


def _embedder(folder: Path) -> Embedder:
    return load_embedder(str(folder / MODEL), "float32")


def _model(folder: Path) -> float:
    _embedder(folder).encode(["warm"])
    return peak()


def _build(url: str, folder: Path, collection: int) -> tuple[dict[str, float], int]:
    """Builds and gives the peak of each step, and how many passages there are."""
    database = create_engine(url)
    reporter = Peaks(database)
    built = Build(database, folder, _embedder(folder), reporter).run(collection)
    reporter.keep(BETWEEN)
    return reporter.peaks, built.passages


def _edit(url: str) -> float:
    edit_label(create_engine(url), NAME, 0, "written by hand")
    return peak()


if __name__ == "__main__":
    typer.run(main)
