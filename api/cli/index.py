"""The commands that change what is searched: index, add, delete, reindex."""

import functools
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.files import NAMED, given_path, is_document, is_whole, named_source, read_document, watched
from api.cli.terminal.context import Collection, opened
from api.cli.terminal.output import ProgressDisplay, console, print_build, print_estimate, print_ingest
from search.db.recipe import IndexKind
from search.errors import DocumentNotFound, GateClosed, InvalidRequest, SourceError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from indexer.documents import IngestReport
    from indexer.sources import Failure, Item
    from search.settings import Settings

SHOWN = 20
NOTHING: Mapping[str, str] = {}
app = typer.Typer()


@app.command()
def index(
    path: Annotated[
        str | None,
        typer.Argument(
            help="A file, a folder, the address of a database or web site, or - for standard input."
        ),
    ] = None,
    collection: Collection = "default",
    format: Annotated[
        str | None,
        typer.Option(
            help="beir, jsonl, csv, files, code (files and source code) or pydoc; else guessed from PATH."
        ),
    ] = None,
    id_column: Annotated[str | None, typer.Option(help="Field of the id (JSONL, CSV).")] = None,
    title_column: Annotated[str | None, typer.Option(help="Field of the title (JSONL, CSV).")] = None,
    text_column: Annotated[str | None, typer.Option(help="Field of the text (JSONL, CSV).")] = None,
    url_column: Annotated[str | None, typer.Option(help="Field of the address (JSONL, CSV).")] = None,
    as_text: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A column that stays text, though it looks like numbers (CSV)."),
    ] = None,
    sync: Annotated[
        bool | None,
        typer.Option(
            help="Delete what was read from PATH before and is there no more; folders and archives do."
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            help="Leave out what this pattern fits, as in .gitignore (which is heeded); repeatable."
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(help="What text is in that is no UTF-8 and does not say so, like cp1251; else guessed."),
    ] = None,
    query: Annotated[str | None, typer.Option(help="What to read of a database, in SQL.")] = None,
    table: Annotated[str | None, typer.Option(help="Which table to read of a database.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many pages of a web site are read.")] = 1000,
    host: Annotated[
        list[str] | None, typer.Option(help="Another host whose pages are read too; repeatable.")
    ] = None,
    dimensions: Annotated[
        int | None,
        typer.Option(
            min=1, help="How many dimensions of the model's vectors a new collection keeps; else all."
        ),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on: read again what changes.")] = False,
) -> None:
    """Read documents from PATH and make them searchable; only what changed is embedded again."""
    from indexer.sources import Bounds

    columns = {
        "id_column": id_column,
        "title_column": title_column,
        "text_column": text_column,
        "url_column": url_column,
        "as_text": as_text or (),
        "encoding": encoding,
        "query": query,
        "table": table,
        "bounds": Bounds(limit=limit, hosts=tuple(host or ())),
    }
    given, source = named_source(path, query, table)
    if sync is None:
        sync = is_whole(given) and format in (None, "files", "code")
    with opened() as (settings, database), given_path(given, format) as file:
        changes = watched(file) if watch and isinstance(file, Path) and source != NAMED else iter(())
        # What changes from here on is seen, also while the documents are read.
        next(changes, None)
        run = functools.partial(
            read_in,
            settings,
            database,
            collection,
            file,
            format,
            columns,
            exclude or (),
            source=source,
            sync=sync,
            dimensions=dimensions,
        )
        told = run()
        if watch:
            console.print(f"Watching {path}; Ctrl-C stops it.", markup=False)
        for changed in changes:
            try:
                told = run(told=told) if changed else told
            except SourceError as error:  # the folder is empty, or on its way to another place
                console.print(str(error), markup=False)


@app.command()
def add(
    document: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="The document's id; one there is replaced. A file's path: its name."
        ),
    ],
    path: Annotated[
        Path | None, typer.Argument(help="A file with its text, of any kind; - or nothing: standard input.")
    ] = None,
    collection: Collection = "default",
    title: Annotated[str, typer.Option(help="Its title; else what the file says.")] = "",
    url: Annotated[str | None, typer.Option(help="Its address.")] = None,
) -> None:
    """Write one document, or replace it, and make it searchable."""
    from indexer.sources import SourceDocument, checked

    if path is None and is_document(document):
        path, document = Path(document), Path(document).name
    (given,) = checked([read_document(document, path, title=title, url=url)])
    if not isinstance(given, SourceDocument):
        reason = getattr(given, "reason", "it cannot be read")
        raise InvalidRequest(f"{document[:80]!r} cannot be stored: {reason}.")
    with opened() as (settings, database):
        _take_in(settings, database, collection, [given], source=None, sync=False)


@app.command()
def delete(
    documents: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of documents.")],
    collection: Collection = "default",
) -> None:
    """Delete documents; searches do not find them any more at once."""
    from sqlalchemy.orm import Session

    from indexer.documents import delete_documents
    from search.db.lookup import find_collection

    with opened() as (_, database), Session(database) as session:
        deleted = delete_documents(session, find_collection(session, collection).id, documents)
        session.commit()
    unknown = [each for each in documents if each not in deleted]
    if deleted:
        console.print(f"{len(deleted):,} deleted.")
    if unknown:
        shown = ", ".join(repr(each[:80]) for each in unknown[:SHOWN])
        raise DocumentNotFound(f"Not there: {shown}.", hint="Ids are case-sensitive.")


@app.command("reindex")
def rebuild(
    collection: Collection = "default",
    model: Annotated[
        str | None, typer.Option(help="Another embedding model; ADDRESS#MODEL for one of an endpoint.")
    ] = None,
    dimensions: Annotated[
        int | None, typer.Option(min=1, help="How many dimensions of the model's vectors are kept.")
    ] = None,
    passage_tokens: Annotated[
        int | None, typer.Option(min=16, max=8192, help="How long passages are to be; 192 at first.")
    ] = None,
    index: Annotated[
        IndexKind | None,
        typer.Option(help="flat scans all (exact), rabitq bits first (quicker from 200,000 passages on)."),
    ] = None,
    gate: Annotated[
        float | None,
        typer.Option(
            help="Go live only if nDCG@10, by what was judged, is not lower than the live one's by more; "
            "0.01, say."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Build a new generation from the documents in the store; unchanged passages are not embedded again. It
    says first what is, and asks on a terminal."""
    from api.cli.evaluate import print_evaluation
    from indexer.build.gate import Gate
    from indexer.estimate import estimate
    from indexer.pipeline import reindex
    from indexer.progress import Reporter
    from search.db.connection import open_session
    from search.db.lookup import find_collection
    from search.responses.evaluation import EvaluationReport

    with opened() as (settings, database):
        if gate is not None:
            with open_session(database) as session:
                number = find_collection(session, collection).id
            Gate(gate).check_before(database, number)
        vectors: dict[str, Any] = {"model": model, "dimensions": dimensions, "passage_tokens": passage_tokens}
        cost = estimate(database, settings.data, collection, **vectors)
        print_estimate(cost)
        if cost.embedded and not yes and sys.stdin.isatty() and not typer.confirm("Build it?", err=True):
            raise InvalidRequest("Nothing was built.", hint="Confirm with y, or with --yes.")
        with ProgressDisplay() as display:
            try:
                built = reindex(
                    database,
                    settings.data,
                    collection,
                    Reporter(database, display),
                    **vectors,
                    index=index,
                    gate=gate,
                )
            except GateClosed as error:
                print_evaluation(EvaluationReport.model_validate(error.found["gate"]))
                raise
        print_build(built)


def read_in(
    settings: "Settings",
    database: "Engine",
    name: str,
    path: Path | str | None,
    format: str | None,
    columns: dict[str, Any],
    exclude: Sequence[str] = (),
    *,
    source: str,
    sync: bool,
    dimensions: int | None = None,
    most: int | None = None,
    told: "Sequence[Failure] | None" = None,
) -> "Sequence[Failure]":
    """Makes the documents of a source searchable, `most` at most, and says what became of them; gives what
    could not be read. Where that was `told` before, and nothing else came of it, nothing is said."""
    from indexer.sources import about_source, open_source

    known = _known_stamps(database, name, source)
    items = islice(open_source(path, format, **columns, known=known, exclude=exclude), most)
    return _take_in(
        settings,
        database,
        name,
        items,
        source=source,
        sync=sync,
        dimensions=dimensions,
        about=about_source(format),
        told=told,
    )


def _known_stamps(database: "Engine", name: str, source: str) -> dict[str, str]:
    """By which state of its file each document of a source was read before."""
    from sqlalchemy import select
    from sqlalchemy.orm import Session

    from indexer.documents import read_stamps
    from search.db.models import CollectionRow

    with Session(database) as session:
        number = session.scalar(select(CollectionRow.id).where(CollectionRow.name == name))
        return read_stamps(session, number, source) if number is not None else {}


def _take_in(
    settings: "Settings",
    database: "Engine",
    name: str,
    items: "Iterable[Item]",
    *,
    source: str | None,
    sync: bool,
    dimensions: int | None = None,
    about: Mapping[str, str] = NOTHING,
    told: "Sequence[Failure] | None" = None,
) -> "Sequence[Failure]":
    from sqlalchemy.orm import Session

    from indexer.documents import ensure_collection
    from indexer.pipeline import take_in
    from indexer.progress import Reporter

    def on_stored(report: "IngestReport") -> None:
        if told is None or report.is_news or report.failures != told:
            print_ingest(report)

    items = _worth_a_collection(settings, database, name, items, dimensions)
    with Session(database) as session:
        number = ensure_collection(session, name, settings.model, dimensions, **about).id
        session.commit()
    with ProgressDisplay(quiet=told is not None) as display:
        taken = take_in(
            database,
            settings.data,
            number,
            items,
            Reporter(database, display),
            source=source,
            sync=sync,
            on_stored=on_stored,
        )
    searchable = taken.report.added + taken.report.changed
    if taken.build:
        print_build(taken.build)
    elif searchable or told is None:
        console.print(f"{searchable:,} added to what is searched.")
    return taken.report.failures


def _worth_a_collection(
    settings: "Settings", database: "Engine", name: str, items: "Iterable[Item]", dimensions: int | None
) -> "Iterable[Item]":
    """The same items. Where there is no collection of the name yet, the first document is looked for, and the
    model, before it is made: a run that comes to nothing leaves none behind.

    Raises:
        InvalidRequest: the name cannot be used, or the width.
        SourceError: there is no document.
    """
    from sqlalchemy import select
    from sqlalchemy.orm import Session

    from indexer.documents import IngestReport
    from indexer.pipeline import check_dimensions, embedder_for
    from indexer.sources import Failure, Note
    from search.db.lookup import check_collection_name
    from search.db.models import CollectionRow
    from search.embedding.embedder import load_embedder

    check_collection_name(name)
    with Session(database) as session:
        known = session.scalar(select(CollectionRow).where(CollectionRow.name == name))
        if known:
            check_dimensions(embedder_for(session, known), name, dimensions)
            return items
    load_embedder(settings.model, dimensions=dimensions)
    begun, rest = [], iter(items)
    for item in rest:
        begun.append(item)
        if not isinstance(item, Failure | Note):
            return chain(begun, rest)
    failures = [item for item in begun if isinstance(item, Failure)]
    print_ingest(IngestReport(failures=failures, notes=[item for item in begun if isinstance(item, Note)]))
    raise SourceError(f"The collection {name!r} was not made: there is no document.", hint="Index others.")
