"""Documents and how they come into a collection."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexer.backup.scheduled import Backups
from indexer.build.builder import Build, BuildReport
from indexer.build.stages import Naming, name_features
from indexer.documents import ensure_collection, ingest
from indexer.jobs.places import Places
from indexer.jobs.worker import run_worker
from indexer.progress import Reporter
from indexer.sources import SourceDocument
from search.embedding.embedder import Embedder
from search.settings import DEFAULT_MODEL
from tests.support.model import lend_dictionary

SECONDS = 180


def document(number: int) -> SourceDocument:
    """A document of its own for each number."""
    text = " ".join(f"Whale number {number} sings its song number {song}." for song in range(8))
    return SourceDocument(f"d{number}", f"Title {number}", text, None, {})


def write(database: Engine, name: str, documents: list[SourceDocument], *, model: str = DEFAULT_MODEL) -> int:
    """Stores documents in a collection, which is made if it is not there; gives its number."""
    with Session(database) as session:
        collection = ensure_collection(session, name, model).id
        session.commit()
    ingest(database, collection, documents, Reporter(database))
    return collection


def build(
    database: Engine,
    data: Path,
    embedder: Embedder,
    name: str,
    documents: list[SourceDocument],
    *,
    passage_tokens: int | None = None,
    naming: Naming = name_features,
) -> BuildReport:
    """Takes documents through the whole pipeline, as `refract index` does."""
    collection = write(database, name, documents, model=embedder.space.model)
    lend_dictionary(embedder.space.model, data)
    builder = Build(database, data, embedder, Reporter(database), naming=naming)
    return builder.run(collection, passage_tokens=passage_tokens)


def many(database: Engine, name: str, documents: int, *, model: str = DEFAULT_MODEL) -> int:
    """Stores so many documents in a collection; gives its number."""
    return write(database, name, [document(number) for number in range(documents)], model=model)


def work_off(
    database: Engine,
    data: Path,
    places: Places = Places(("/",)),  # noqa: B008 - frozen
    backups: Backups | None = None,
) -> None:
    """Does all jobs that wait. In a thread: a browser that is open gives this one an event loop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(run_worker, database, data, places=places, backups=backups, wait=False).result()


def eventually(holds: Callable[[], bool]) -> None:
    """Waits for something that has to happen."""
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)
