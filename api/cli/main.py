"""The command line."""

import logging
import os
import signal
import sys
from pathlib import Path
from threading import Timer
from typing import Annotated

import typer

from api.cli.jobs import jobs
from api.cli.keys import keys
from api.cli.labels import labels
from api.cli.presets import presets
from api.cli.search import add_commands
from search.errors import RefractError
from search.query.limits import IndexKind

app = typer.Typer(
    help="Refract: semantic search that can say why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(labels, name="labels")
app.add_typer(jobs, name="jobs")
app.add_typer(keys, name="keys")
app.add_typer(presets, name="presets")

Collection = Annotated[str, typer.Option(help="Name of the collection.")]
Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port (else PORT, else 8000; 0 takes a free one).")
]


@app.command()
def run(port: Port = None, collection: Collection = "demo") -> None:
    """Index the demo (the documentation of the installed Python) if it is not there yet, and serve it."""
    from api.cli import commands

    commands.run_demo(port, collection)


@app.command()
def serve(
    port: Port = None,
    worker: Annotated[bool, typer.Option(help="Whether a worker runs beside; see refract worker.")] = True,
) -> None:
    """Serve what is indexed: the web page at / and the JSON API at /v1."""
    from api.cli import commands

    commands.serve_all(port, worker=worker)


@app.command()
def worker(with_parent: Annotated[bool, typer.Option(hidden=True)] = False) -> None:
    """Add new documents to what is searched and do the jobs of the queue, as a process of its own."""
    from api.cli import commands

    commands.work(with_parent=with_parent)


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
    from api.cli import commands

    columns = {
        "id_column": id_column,
        "title_column": title_column,
        "text_column": text_column,
        "url_column": url_column,
    }
    commands.index(path, collection, format, columns, sync=sync, watch=watch)


@app.command()
def add(
    document: Annotated[str, typer.Argument(metavar="ID", help="The document's id; one there is replaced.")],
    path: Annotated[Path | None, typer.Argument(help="Its text; standard input when left out.")] = None,
    collection: Collection = "default",
    title: Annotated[str, typer.Option(help="Its title.")] = "",
    url: Annotated[str | None, typer.Option(help="Its address.")] = None,
) -> None:
    """Write one document, or replace it, and make it searchable."""
    from api.cli import commands

    commands.add(collection, document, path, title, url)


@app.command()
def delete(
    documents: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of documents.")],
    collection: Collection = "default",
) -> None:
    """Delete documents; searches do not find them any more at once."""
    from api.cli import commands

    commands.delete(collection, documents)


@app.command()
def reindex(
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
    from api.cli import commands

    commands.rebuild(collection, model=model, passage_tokens=passage_tokens, index=index)


@app.command()
def generations(collection: Collection = "default") -> None:
    """List the collection's generations: the live one, and the one before, that rollback goes back to."""
    from api.cli import commands

    commands.generations(collection)


@app.command()
def rollback(
    collection: Collection = "default",
    to: Annotated[int | None, typer.Option(help="Number of a generation; else the one before.")] = None,
) -> None:
    """Make an earlier generation live again, at once: its texts as they were, its dictionary, its index."""
    from api.cli import commands

    commands.rollback(collection, to)


@app.command()
def verify(
    collection: Annotated[str | None, typer.Option(help="Name of the collection; else all.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Make damaged files again.")] = False,
) -> None:
    """Compare the database with the files made from it; exit status 1 if something is wrong."""
    from api.cli import commands

    if not commands.verify_all(collection, repair=repair):
        raise typer.Exit(1)


@app.command()
def dump(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.")],
    collection: Annotated[
        str | None, typer.Option(help="One collection alone, without the keys; else all.")
    ] = None,
    without_embeddings: Annotated[
        bool, typer.Option("--without-embeddings", help="Much smaller; restoring it embeds all texts again.")
    ] = False,
) -> None:
    """Write documents, labels, dictionaries, live indexes and keys into one file, also while serving."""
    from api.cli import commands

    commands.dump_all(file, collection, embeddings=not without_embeddings)


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="A file that refract dump wrote.")]) -> None:
    """Put a dump into an empty database, embedded or of DATABASE_URL: all of it or, if stopped, nothing."""
    from api.cli import commands

    commands.restore_all(file)


@app.command()
def scorecard(
    collection: Collection = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Everything that was measured.")] = False,
) -> None:
    """Show how good the collection's dictionary is."""
    from api.cli import commands

    commands.scorecard(collection, as_json=as_json)


add_commands(app)


def main() -> None:
    """Runs the command line: a foreseen error is one line on standard error and exit status 1."""
    logging.basicConfig(level=logging.WARNING, format="refract: %(message)s")
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # its errors are raised as well
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGHUP, _terminate)  # the terminal was closed
    sys.unraisablehook = _end_again
    try:
        app()
    except RefractError as error:
        _fail(str(error), 1)
    except KeyboardInterrupt:
        _fail("stopped.", 130)


def _fail(message: str, status: int) -> None:
    print(f"refract: {message}", file=sys.stderr, flush=True)
    sys.exit(status)


def _terminate(signum: int, _frame: object) -> None:
    """Ends the process in order, so that the embedded database is stopped too."""
    sys.exit(128 + signum)


def _end_again(lost: "sys.UnraisableHookArgs") -> None:
    """Sends a signal once more where Python has dropped the exception that was to end the process.

    A handler runs wherever the main thread happens to be. In a finalizer or the callback of a weak reference
    (imports have those), Python reports the exception and goes on, and the process would stay.
    """
    if not issubclass(lost.exc_type, SystemExit | KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    signum = signal.SIGINT if lost.exc_type is KeyboardInterrupt else signal.SIGTERM
    timer = Timer(0.1, os.kill, (os.getpid(), signum))
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    main()
