"""The commands that change what is searched: index, add, delete, reindex."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.context import Collection, opened, read_text
from api.cli.output import ProgressDisplay, console, print_build, print_ingest
from search.db.recipe import IndexKind
from search.errors import DocumentNotFound, InvalidRequest, SourceError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from indexer.pipeline import Taken
    from indexer.sources import Failure, SourceDocument
    from search.settings import Settings

SHOWN = 20

app = typer.Typer()


@app.command()
def index(
    path: Annotated[Path | None, typer.Argument(help="A file or folder; none for --format pydoc.")] = None,
    collection: Collection = "default",
    format: Annotated[
        str | None, typer.Option(help="beir, jsonl, csv, files or pydoc; guessed from PATH when left out.")
    ] = None,
    id_column: Annotated[str | None, typer.Option(help="Field of the id (JSONL, CSV).")] = None,
    title_column: Annotated[str | None, typer.Option(help="Field of the title (JSONL, CSV).")] = None,
    text_column: Annotated[str | None, typer.Option(help="Field of the text (JSONL, CSV).")] = None,
    url_column: Annotated[str | None, typer.Option(help="Field of the address (JSONL, CSV).")] = None,
    sync: Annotated[
        bool | None,
        typer.Option(help="Delete what was read from PATH before and is there no more; folders do."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on: read again what changes.")] = False,
) -> None:
    """Read documents from PATH and make them searchable; only what changed is embedded again."""
    columns = {
        "id_column": id_column,
        "title_column": title_column,
        "text_column": text_column,
        "url_column": url_column,
    }
    if sync is None:
        sync = path is not None and path.is_dir() and format in (None, "files")
    with opened() as (settings, database):
        changes = _watched(path) if watch and path is not None else iter(())
        # What changes from here on is seen, also while the documents are read.
        next(changes, None)
        read_in(settings, database, collection, path, format, columns, sync=sync)
        if watch:
            console.print(f"Watching {path}; Ctrl-C stops it.", markup=False)
        for changed in changes:
            try:
                if changed:
                    read_in(settings, database, collection, path, format, columns, sync=sync)
            except SourceError as error:  # the folder is empty, or on its way to another place
                console.print(str(error), markup=False)


@app.command()
def add(
    document: Annotated[str, typer.Argument(metavar="ID", help="The document's id; one there is replaced.")],
    path: Annotated[Path | None, typer.Argument(help="Its text; standard input when left out.")] = None,
    collection: Collection = "default",
    title: Annotated[str, typer.Option(help="Its title.")] = "",
    url: Annotated[str | None, typer.Option(help="Its address.")] = None,
) -> None:
    """Write one document, or replace it, and make it searchable."""
    from indexer.sources import Failure, SourceDocument, checked

    body = sys.stdin.read() if path is None else read_text(path)
    (given,) = checked([SourceDocument(document, title or (path.stem if path else document), body, url)])
    if isinstance(given, Failure):
        raise InvalidRequest(f"{document[:80]!r} cannot be stored: {given.reason}.")
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
    model: Annotated[str | None, typer.Option(help="Another embedding model.")] = None,
    passage_tokens: Annotated[
        int | None, typer.Option(min=16, max=8192, help="How long passages are to be; 192 at first.")
    ] = None,
    index: Annotated[
        IndexKind | None, typer.Option(help="flat scans all (exact), ivf a part (faster from a million on).")
    ] = None,
) -> None:
    """Build a new generation from the documents in the store; unchanged passages are not embedded again."""
    from indexer.pipeline import cost_of, reindex
    from indexer.progress import Reporter

    with opened() as (settings, database):
        cost = cost_of(database, collection, model) if model else None
        if cost is not None:
            told = f"{cost.passages:,} passages are embedded anew by {model}, {cost.rate:,.0f} a second here"
            console.print(f"{told}: about {max(cost.seconds / 60, 1):,.0f} minutes.", markup=False)
        with ProgressDisplay() as display:
            built = reindex(
                database,
                settings.data,
                collection,
                Reporter(database, display),
                model=model,
                passage_tokens=passage_tokens,
                index=index,
            )
        print_build(built)


def read_in(
    settings: "Settings",
    database: "Engine",
    name: str,
    path: Path | None,
    format: str | None,
    columns: dict[str, str | None],
    *,
    sync: bool,
) -> None:
    """Makes the documents of a source searchable, and says what became of them."""
    from indexer.sources import open_source

    source = open_source(path, format, **columns)
    named = str(path.resolve()) if path else "pydoc"
    taken = _take_in(settings, database, name, source, source=named, sync=sync)
    if taken.build:
        print_build(taken.build)
    else:
        console.print(f"{taken.added:,} added to what is searched.")


def _take_in(
    settings: "Settings",
    database: "Engine",
    name: str,
    items: "Iterable[SourceDocument | Failure]",
    *,
    source: str | None,
    sync: bool,
) -> "Taken":
    from sqlalchemy import select
    from sqlalchemy.orm import Session

    from indexer.documents import ensure_collection
    from indexer.pipeline import take_in
    from indexer.progress import Reporter
    from search.db.models import CollectionRow
    from search.embedding.embedder import load_embedder

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


def _watched(path: Path) -> Iterator[bool]:
    """Tells every now and then whether something at a path changed."""
    import watchfiles

    if not path.exists():
        return
    for changes in watchfiles.watch(path, debounce=500, step=100, rust_timeout=500, yield_on_timeout=True):
        yield bool(changes)
