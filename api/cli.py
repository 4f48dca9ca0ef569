"""The command line."""

import contextlib
import dataclasses
import json
import logging
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine as Database
from sqlalchemy.orm import Session

from api.server import listen, serve
from api.terminal import ProgressDisplay, console, fail, print_build, print_ingest, print_results
from indexer.build import Build
from indexer.documents import ensure_collection, ingest
from indexer.progress import Reporter
from indexer.sources import FORMATS, open_source
from search.db import open_database
from search.embedder import load_embedder
from search.engine import Engine
from search.errors import RefractError
from search.features import collections
from search.settings import Settings, load_settings
from search.snapshot import find_collection
from search.steering import FORM, parse

DEMO = "demo"

app = typer.Typer(
    help="Refract: semantic search that can say why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Collection = Annotated[str, typer.Option(help="Name of the collection.")]
Port = Annotated[
    int | None, typer.Option(help="Port to listen on (else PORT, else 8000; 0 takes a free one).")
]
Format = Annotated[
    str | None, typer.Option(help=f"One of {', '.join(FORMATS)}; guessed from PATH when left out.")
]


@app.command()
def run(port: Port = None, collection: Collection = DEMO) -> None:
    """Index the demo (the documentation of the installed Python) if it is not there yet, and serve it."""
    with _opened() as (settings, database):
        listening = listen(settings.host, settings.port if port is None else port)
        engine = Engine(database, settings.data)
        if not any(known.name == collection and known.state == "live" for known in collections(engine)):
            console.print("First start: indexing the documentation of the installed Python.")
            _index(settings, database, collection, None, "pydoc", {})
        serve(engine, listening, say=_say)


@app.command("serve")
def serve_command(port: Port = None) -> None:
    """Serve what is indexed: the web page at / and the JSON API at /v1."""
    with _opened() as (settings, database):
        listening = listen(settings.host, settings.port if port is None else port)
        serve(Engine(database, settings.data), listening, say=_say)


@app.command()
def index(
    path: Annotated[Path | None, typer.Argument(help="A file or folder; none for --format pydoc.")] = None,
    collection: Collection = "default",
    format: Format = None,
    id_column: Annotated[str | None, typer.Option(help="Field of the id (JSONL, CSV).")] = None,
    title_column: Annotated[str | None, typer.Option(help="Field of the title (JSONL, CSV).")] = None,
    text_column: Annotated[str | None, typer.Option(help="Field of the text (JSONL, CSV).")] = None,
    url_column: Annotated[str | None, typer.Option(help="Field of the address (JSONL, CSV).")] = None,
) -> None:
    """Read documents from PATH and make a new generation of the collection live."""
    columns = {
        "id_column": id_column,
        "title_column": title_column,
        "text_column": text_column,
        "url_column": url_column,
    }
    with _opened() as (settings, database):
        _index(settings, database, collection, path, format, columns)


@app.command()
def reindex(collection: Collection = "default") -> None:
    """Build a new generation from the documents in the store; unchanged passages are not embedded again."""
    with _opened() as (settings, database):
        _rebuild(settings, database, collection)


@app.command()
def train(
    collection: Collection = "default",
    features: Annotated[int | None, typer.Option(help="Number of features.")] = None,
    active: Annotated[int | None, typer.Option(help="Features active in a passage.")] = None,
    steps: Annotated[int | None, typer.Option(help="Training steps.")] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same dictionary.")] = 0,
) -> None:
    """Train a new dictionary on the collection, label it, and make a generation with it live."""
    given = {"features": features, "active": active, "steps": steps, "seed": seed}
    with _opened() as (settings, database):
        changes = {name: value for name, value in given.items() if value is not None}
        _rebuild(settings, database, collection, retrain=True, changes=changes)


@app.command()
def label(collection: Collection = "default") -> None:
    """Label the features of the collection's dictionary anew."""
    with _opened() as (settings, database):
        _rebuild(settings, database, collection, relabel=True)


@app.command()
def search(
    query: str,
    collection: Collection = "default",
    steer: Annotated[str, typer.Option(help=FORM)] = "",
    limit: Annotated[int, typer.Option(help="How many documents.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="The API's JSON instead of a table.")] = False,
) -> None:
    """Search a collection and show what each score is made of."""
    with _opened() as (settings, database):
        engine = Engine(database, settings.data)
        response = engine.search(query, steering=parse(steer), collection=collection, limit=limit)
        if as_json:
            print(json.dumps(dataclasses.asdict(response), indent=2, ensure_ascii=False))
        else:
            print_results(response)


def main() -> None:
    """Runs the command line: a foreseen error is one line on standard error and exit status 1."""
    logging.basicConfig(level=logging.WARNING, format="refract: %(message)s")
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except RefractError as error:
        fail(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        fail("stopped.")
        sys.exit(130)


def _terminate(signum: int, _frame: object) -> None:
    """Ends the process in order, so that the embedded database is stopped too."""
    sys.exit(128 + signum)


@contextlib.contextmanager
def _opened() -> Iterator[tuple[Settings, Database]]:
    settings = load_settings()
    with open_database(settings) as database:
        yield settings, database


def _say(address: str) -> None:
    print(f"Refract is at {address} (Ctrl-C stops it)", flush=True)


def _index(
    settings: Settings,
    database: Database,
    name: str,
    path: Path | None,
    format: str | None,
    columns: dict[str, str | None],
) -> None:
    source = open_source(path, format, **columns)
    embedder = load_embedder(settings.model)
    with Session(database) as session:
        collection = ensure_collection(session, name, settings.model).id
        session.commit()
    with ProgressDisplay() as display:
        reporter = Reporter(database, display)
        ingested = ingest(database, collection, source, reporter)
        built = Build(database, settings.data, embedder, reporter).run(collection)
    print_ingest(ingested)
    print_build(built)


def _rebuild(
    settings: Settings,
    database: Database,
    name: str,
    *,
    retrain: bool = False,
    relabel: bool = False,
    changes: dict[str, int] | None = None,
) -> None:
    with Session(database) as session:
        collection = find_collection(session, name)
        number, model = collection.id, collection.model
    embedder = load_embedder(model)
    with ProgressDisplay() as display:
        build = Build(database, settings.data, embedder, Reporter(database, display))
        built = build.run(number, retrain=retrain, relabel=relabel, changes=changes or {})
    print_build(built)


if __name__ == "__main__":
    main()
