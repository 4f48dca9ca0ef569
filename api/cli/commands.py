"""What the commands do. Imported only when one runs, so that --help need not wait for torch."""

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import watchfiles
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from api.cli.context import opened
from api.cli.output import (
    ProgressDisplay,
    console,
    print_build,
    print_dump,
    print_generations,
    print_ingest,
    print_scorecard,
    print_verified,
)
from api.server import listen, serve
from api.worker_process import beside, end_with_parent
from indexer.backup.dump import dump
from indexer.backup.restore import restore
from indexer.build.generations import list_generations, roll_back
from indexer.build.verify import verify
from indexer.dictionary.inherit import adapted_from
from indexer.documents import delete_documents, ensure_collection
from indexer.jobs.worker import run_worker
from indexer.pipeline import Taken, reindex, take_in
from indexer.progress import Reporter
from indexer.sources import Failure, SourceDocument, checked, open_source
from search.browse.collections import collections
from search.db.lookup import find_collection, live_generation
from search.db.models import CollectionRow, DictionaryRow
from search.dictionary.autoencoder import Dictionary
from search.embedding.embedder import load_embedder
from search.engine.engine import SearchEngine
from search.errors import DocumentNotFound, InvalidRequest, SourceError
from search.query.limits import IndexKind
from search.settings import Settings

SHOWN = 20
NICENESS = 10


def run_demo(port: int | None, collection: str) -> None:
    """Indexes the documentation of the installed Python where it is not live yet, and serves it."""
    with opened() as (settings, database):
        wanted = settings.port if port is None else port
        engine = SearchEngine(database, settings.data)
        if not any(known.name == collection and known.state == "live" for known in collections(engine)):
            listen(settings.host, wanted).close()  # a taken port is told now, not after the work
            console.print("First start: indexing the documentation of the installed Python.")
            _index(settings, database, collection, None, "pydoc", {}, sync=False)
        with beside(worker=True):
            serve(engine, listen(settings.host, wanted), settings, say=_say)


def serve_all(port: int | None, *, worker: bool) -> None:
    """Serves every collection, with a worker beside."""
    with opened() as (settings, database):
        listening = listen(settings.host, settings.port if port is None else port)
        with beside(worker=worker):
            serve(SearchEngine(database, settings.data), listening, settings, say=_say)


def index(
    path: Path | None,
    collection: str,
    format: str | None,
    columns: dict[str, str | None],
    *,
    sync: bool | None,
    watch: bool,
) -> None:
    """Reads documents and makes them searchable; then again whenever something changes, if they are watched.
    Of a folder, what is there no more is deleted unless the caller says otherwise."""
    if sync is None:
        sync = path is not None and path.is_dir() and format in (None, "files")
    with opened() as (settings, database):
        changes = _watched(path) if watch and path is not None else iter(())
        # What changes from here on is seen, also while the documents are read.
        next(changes, None)
        _index(settings, database, collection, path, format, columns, sync=sync)
        if watch:
            console.print(f"Watching {path}; Ctrl-C stops it.", markup=False)
        for changed in changes:
            try:
                if changed:
                    _index(settings, database, collection, path, format, columns, sync=sync)
            except SourceError as error:  # the folder is empty, or on its way to another place
                console.print(str(error), markup=False)


def rebuild(name: str, *, model: str | None, passage_tokens: int | None, index: IndexKind | None) -> None:
    """Makes a new generation live from the documents in the store."""
    with opened() as (settings, database):
        with ProgressDisplay() as display:
            built = reindex(
                database,
                settings.data,
                name,
                Reporter(database, display),
                model=model,
                passage_tokens=passage_tokens,
                index=index,
            )
        print_build(built)


def add(name: str, document: str, path: Path | None, title: str, url: str | None) -> None:
    """Writes one document; its text is a file's or standard input's."""
    body = sys.stdin.read() if path is None else read_text(path)
    (given,) = checked([SourceDocument(document, title or (path.stem if path else document), body, url)])
    if isinstance(given, Failure):
        raise InvalidRequest(f"{document[:80]!r} cannot be stored: {given.reason}.")
    with opened() as (settings, database):
        _take_in(settings, database, name, [given], source=None, sync=False)


def delete(name: str, documents: list[str]) -> None:
    """Deletes documents by their ids."""
    with opened() as (_, database), Session(database) as session:
        deleted = delete_documents(session, find_collection(session, name).id, documents)
        session.commit()
    unknown = [each for each in documents if each not in deleted]
    if deleted:
        console.print(f"{len(deleted):,} deleted.")
    if unknown:
        shown = ", ".join(repr(each[:80]) for each in unknown[:SHOWN])
        raise DocumentNotFound(f"Not there: {shown}.", hint="Ids are case-sensitive.")


def work(*, with_parent: bool) -> None:
    """Does jobs and adds new documents until the process is asked to stop, or its parent is gone."""
    with opened() as (settings, database):
        if with_parent:
            end_with_parent()
        with contextlib.suppress(OSError, AttributeError):
            os.nice(NICENESS)  # searches go first
        print("Refract's worker runs (Ctrl-C stops it)", flush=True)
        run_worker(database, settings.data)


def generations(name: str) -> None:
    """Prints the generations of a collection."""
    with opened() as (_, database), Session(database) as session:
        print_generations(list_generations(session, name))


def rollback(name: str, to: int | None) -> None:
    """Makes an earlier generation live."""
    with opened() as (_, database):
        live = roll_back(database, name, to)
    console.print(f"Generation {live} of {name} is live again. Rolling back once more undoes it.")


def verify_all(name: str | None, *, repair: bool) -> bool:
    """Compares Postgres with the files made from it; says whether all is sound now."""
    with opened() as (settings, database):
        with Session(database) as session:
            number = find_collection(session, name).id if name else None
        found = verify(database, settings.data, collection=number, repair=repair)
    print_verified(found)
    return found.sound


def dump_all(path: Path, collection: str | None, *, embeddings: bool) -> None:
    """Writes a dump of all collections, or of one."""
    with opened() as (_, database), ProgressDisplay() as display:
        reporter = Reporter(database, display)
        manifest = dump(database, path, reporter, collection=collection, embeddings=embeddings)
    print_dump("Dumped", manifest, path, reporter.seconds)


def restore_all(path: Path) -> None:
    """Puts a dump into the empty database."""
    with opened() as (settings, database), ProgressDisplay() as display:
        reporter = Reporter(database, display)
        manifest = restore(database, settings.data, path, reporter)
    print_dump("Restored", manifest, path, reporter.seconds)


def scorecard(name: str, *, as_json: bool) -> None:
    """Prints the scorecard of a collection's dictionary, and that of the shipped one it was adapted from."""
    with opened() as (_, database), Session(database) as session:
        row = session.get_one(DictionaryRow, live_generation(session, name).dictionary_id)
        base = adapted_from(Dictionary.from_bytes(row.weights, row.card))
    here, shipped = row.card["scorecard"], base.dictionary.card.scorecard if base else None
    if as_json:
        print(json.dumps({**here, "shipped": shipped}, indent=2))
    else:
        print_scorecard(here, shipped)


def _say(address: str, admin_link: str) -> None:
    print(f"Refract is at {address} (Ctrl-C stops it)", flush=True)
    if admin_link:
        print(f"Admin page: {admin_link} (works once, within an hour)", flush=True)


def _watched(path: Path) -> Iterator[bool]:
    """Says every now and then whether something at a path changed."""
    if not path.exists():
        return
    for changes in watchfiles.watch(path, debounce=500, step=100, rust_timeout=500, yield_on_timeout=True):
        yield bool(changes)


def _index(
    settings: Settings,
    database: Engine,
    name: str,
    path: Path | None,
    format: str | None,
    columns: dict[str, str | None],
    *,
    sync: bool = True,
) -> None:
    source = open_source(path, format, **columns)
    named = str(path.resolve()) if path else "pydoc"
    taken = _take_in(settings, database, name, source, source=named, sync=sync)
    if taken.build:
        print_build(taken.build)
    else:
        console.print(f"{taken.added:,} added to what is searched.")


def _take_in(
    settings: Settings,
    database: Engine,
    name: str,
    items: Iterable[SourceDocument | Failure],
    *,
    source: str | None,
    sync: bool,
) -> Taken:
    with Session(database) as session:
        known = session.scalar(select(CollectionRow.model).where(CollectionRow.name == name))
        load_embedder(known or settings.model)  # a model that is not there is told before anything is made
        number = ensure_collection(session, name, settings.model).id
        session.commit()
    with ProgressDisplay() as display:
        reporter = Reporter(database, display)
        return take_in(
            database,
            settings.data,
            number,
            items,
            reporter,
            source=source,
            sync=sync,
            on_stored=print_ingest,
        )


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise SourceError(
            f"{path} is not UTF-8 text.", hint="Index other kinds of files with refract index."
        ) from None
