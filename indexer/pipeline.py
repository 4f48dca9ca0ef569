"""The pipeline takes documents from a source to where they are searched: stored, then added to what is live,
or built."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from indexer.build.builder import Build, BuildReport
from indexer.build.catch_up import CatchUp
from indexer.documents import IngestReport, ingest
from indexer.progress import Reporter
from indexer.sources import Item
from search.db.locks import reading_lock, shared
from search.db.lookup import count_passages, find_collection, live_of
from search.db.models import CollectionRow, DocumentRow, GenerationRow
from search.db.recipe import IndexKind
from search.embedding.embedder import Embedder, load_embedder
from search.errors import Busy, InvalidRequest

OUTGROWN_SHARE = 0.25
OUTGROWN_LEAST = 100
BUSY_SECONDS = 1.0


@dataclass(frozen=True)
class Taken:
    """Says what became of the documents, and what a build made where the collection had none or
    had outgrown it."""

    report: IngestReport
    build: BuildReport | None


def take_in(
    database: Engine,
    data: Path,
    collection: int,
    items: Iterable[Item],
    reporter: Reporter,
    *,
    source: str | None = None,
    sync: bool = False,
    on_stored: Callable[[IngestReport], None] = lambda _: None,
) -> Taken:
    """Stores documents and makes them searchable. See `indexer.documents.ingest` for source and sync;
    `on_stored` hears what became of them before they are made searchable, which may fail.

    Raises:
        SourceError, DictionaryError, IndexDamaged: as a build does.
    """
    with shared(database, reading_lock(collection)):  # no worker need build what is built here
        report = ingest(database, collection, items, reporter, source=source, sync=sync)
        on_stored(report)
        return Taken(report, make_searchable(database, data, collection, reporter))


def make_searchable(database: Engine, data: Path, collection: int, reporter: Reporter) -> BuildReport | None:
    """Adds the documents of a collection that wait to its live generation, or builds one where it has none or
    has outgrown it: then what was built.

    Raises:
        SourceError, DictionaryError, IndexDamaged: as a build does.
    """
    with Session(database) as session:
        embedder = embedder_for(session, session.get_one(CollectionRow, collection))
    while True:
        with Session(database) as session:
            live = live_of(session, collection)
        if live:
            CatchUp(database, live.id, embedder).run(reporter)
            with Session(database) as session:
                if not is_outgrown(session, session.get_one(GenerationRow, live.id)):
                    return None
        try:
            return Build(database, data, embedder, reporter).run(collection)
        except Busy:  # a worker has begun meanwhile; what it builds gets these documents too
            if live:
                return None
            with reporter.step("waiting for another build"):
                time.sleep(BUSY_SECONDS)


def reindex(
    database: Engine,
    data: Path,
    name: str,
    reporter: Reporter,
    *,
    model: str | None = None,
    dimensions: int | None = None,
    passage_tokens: int | None = None,
    index: IndexKind | None = None,
    gate: float | None = None,
) -> BuildReport:
    """Makes a new generation of a collection live, from the documents in the store. What is not given is as
    the live generation has it; another model comes at its full width. A `gate` it has to pass, see
    `Build.run`.

    Raises:
        GateClosed: it did not pass, and is ready but not live.
        CollectionNotFound, ConfigurationError, InvalidRequest: no such collection, model or width.
        ModelUnavailable: the model's endpoint does not answer as it should.
        Busy, SourceError, DictionaryError, IndexDamaged: as a build does.
    """
    with Session(database) as session:
        collection = find_collection(session, name)
        number, embedder = collection.id, embedder_for(session, collection, model, dimensions)
    build = Build(database, data, embedder, reporter)
    return build.run(number, passage_tokens=passage_tokens, index=index, gate=gate)


def embedder_for(
    session: Session, collection: CollectionRow, model: str | None = None, dimensions: int | None = None
) -> Embedder:
    """Loads the embedder of a collection, or of another model or width for it. The precision chosen for its
    first generation of a model stays: another one would be another vector space, and everything would be
    embedded again.

    Raises:
        ConfigurationError, InvalidRequest: the model cannot be loaded, or has no such width.
        ModelUnavailable: its endpoint does not answer as it should.
    """
    model = model or collection.model
    chosen = session.scalar(
        select(GenerationRow.recipe["precision"].astext)
        .where(GenerationRow.collection_id == collection.id, GenerationRow.recipe["model"].astext == model)
        .order_by(GenerationRow.id)
        .limit(1)
    )
    return load_embedder(model, chosen, dimensions or _dimensions(session, collection, model))


def _dimensions(session: Session, collection: CollectionRow, model: str) -> int | None:
    """How many dimensions a collection keeps of this model's vectors; None: all."""
    if model != collection.model:
        return None
    live = live_of(session, collection.id)
    return (live.recipe.dimensions if live else collection.first_build.get("dimensions")) or None


def check_dimensions(embedder: Embedder, name: str, dimensions: int | None) -> None:
    """Refuses another width than a collection has where documents are read: then all of it is built anew.

    Raises:
        InvalidRequest: it keeps another number of dimensions.
    """
    if dimensions not in (None, embedder.width):
        raise InvalidRequest(
            f"The collection {name!r} keeps {embedder.width:,} dimensions, not {dimensions:,}.",
            hint=f"Run refract reindex --collection {name} --dimensions {dimensions} to change that.",
        )


def is_outgrown(session: Session, generation: GenerationRow) -> bool:
    """Tells whether so much was added or hidden since a generation was built that another build is worth it:
    a scan of all passages would go on reading those that are hidden."""
    ended = select(func.count()).where(
        DocumentRow.collection_id == generation.collection_id, DocumentRow.superseded > generation.seq
    )
    built = generation.passages or 0
    changed = count_passages(session, generation.id) - built + (session.scalar(ended) or 0)
    return changed > max(OUTGROWN_LEAST, OUTGROWN_SHARE * built)
