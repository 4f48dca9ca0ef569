"""The commands that go on until they are stopped: run, serve, worker; and what run has beside it at first."""

import contextlib
import os
import sys
from functools import cache, partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.terminal.context import Collection, opened
from api.cli.terminal.output import console
from api.monitoring.processes import shared_metrics

if TYPE_CHECKING:
    import socket

    from sqlalchemy import Engine

    from api.auth.sessions import OneTimeLinks
    from search.settings import Settings

FIRST = 600
"""So many documents of the demo are searched before the others are read."""

app = typer.Typer()

# Before NumPy is loaded: as many searches run at once as there are cores, and threads of theirs that wait for
# each other make small products ten times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

Processes = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=256,
        help="How many processes serve (else REFRACT_PROCESSES; else run is one, and serve one a core, as "
        "far as memory and the database's connections go). The worker is not one of them.",
    ),
]
Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port (else PORT, else 8000; 0 takes a free one).")
]


@app.command()
@shared_metrics()
def run(port: Port = None, processes: Processes = None, collection: Collection = "demo") -> None:
    """Index the demo (the documentation of the installed Python) if it is not there yet, and serve it."""
    from sqlalchemy.orm import Session

    from api.beside import indexing_demo, working
    from api.cli.files import PYDOC
    from api.listening import listen
    from indexer.documents import ensure_collection
    from indexer.sources import about_source

    with opened() as (settings, database), contextlib.ExitStack() as beside:
        listening = listen(settings.host, settings.port if port is None else port)
        if not _is_live(database, collection) or _unfinished(settings, collection).exists():
            console.print(
                "First start: the documentation of the installed Python is being indexed, which takes some "
                "minutes, once. The page shows how far it is, and searches what is there."
            )
            with Session(database) as session:
                about = about_source(PYDOC)
                number = ensure_collection(session, collection, settings.model, None, **about).id
                session.commit()
            beside.enter_context(indexing_demo(database, number, collection))
        beside.enter_context(working())
        _serve(settings, database, listening, processes or settings.processes or 1)
        beside.close()
        _say_stopped()


@app.command(hidden=True)
def demo(collection: Collection = "demo", first: int = FIRST, with_parent: bool = False) -> None:
    """Index the documentation of the installed Python: a first part, which is searched soon, then all. Begun
    again it goes on."""
    from api.beside import end_with_parent, stand_back
    from api.cli.files import PYDOC
    from api.cli.index import read_in

    with opened() as (settings, database):
        if with_parent:
            end_with_parent()
        stand_back()
        unfinished = _unfinished(settings, collection)
        unfinished.touch()
        for most in (first, None):
            read_in(settings, database, collection, None, PYDOC, {}, source=PYDOC, sync=False, most=most)
        unfinished.unlink()


def _unfinished(settings: "Settings", collection: str) -> Path:
    """The file that is there while the demo is read."""
    return settings.data / f"{collection}.unfinished"


@app.command("serve")
@shared_metrics()
def serve_all(
    port: Port = None,
    processes: Processes = None,
    worker: Annotated[bool, typer.Option(help="Whether a worker runs beside; see refract worker.")] = True,
) -> None:
    """Serve what is indexed: the web page at / and the JSON API at /v1."""
    from api.beside import working
    from api.listening import listen

    with opened() as (settings, database):
        listening = listen(settings.host, settings.port if port is None else port)
        with working(int(worker)):
            _serve(settings, database, listening, processes)
        _say_stopped()


@app.command(hidden=True)
@shared_metrics()
def serving(
    listening: int,
    beats: int,
    tables: int,
    place: int,
    places: int,
    cores: int,
    connections: int,
    with_parent: bool = False,
) -> None:
    """Serve as one of several processes: a socket, a pipe and tables are inherited, by these descriptors."""
    from api.beside import end_with_parent
    from api.listening import inherited
    from api.server import serve
    from search.engine.engine import SearchEngine
    from search.shared_tables import SharedTables

    def answers() -> None:
        with contextlib.suppress(OSError):  # who would read it is gone, or has not for long
            os.write(beats, b".")

    with opened(connections) as (settings, database):
        if with_parent:
            end_with_parent()
        shared = SharedTables(tables)
        engine = SearchEngine(database, settings.data, cores=cores, changes=shared["changes"])
        socket = inherited(listening)
        serve(engine, socket, settings, tables=shared, answers=answers, place=place, places=places)


@app.command()
def worker(
    processes: Annotated[
        int,
        typer.Option(
            min=1, max=256, help="How many workers: they do several jobs at a time, and one build together."
        ),
    ] = 1,
    with_parent: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Add new documents to what is searched and do the jobs of the queue, as a process of its own."""
    from api.beside import begin_anew, end_with_parent, stand_back, working
    from indexer.backup.scheduled import Backups
    from indexer.jobs.places import Places
    from indexer.jobs.worker import run_worker

    with opened() as (settings, database):
        if with_parent:
            end_with_parent()
        stand_back()
        print("Refract's worker runs (Ctrl-C stops it)", flush=True)
        if processes > 1:
            with working(processes), contextlib.suppress(KeyboardInterrupt):
                Event().wait()
            _say_stopped()
            return
        places = Places.of(settings.folders, settings.data)
        backups = Backups.of(settings)
        run_worker(database, settings.data, places=places, backups=backups, begin_anew=begin_anew)


def _serve(
    settings: "Settings", database: "Engine", listening: "socket.socket", processes: int | None
) -> None:
    """Serves in this process or, where there are to be several, looks after them."""
    from api.auth.sessions import OneTimeLinks
    from api.supervisor import share_of, supervise
    from search.shared_tables import SharedTables, new_file

    share = share_of(database, processes or settings.processes)
    file = new_file() if share.processes > 1 else None
    tables = SharedTables(file)
    say = cache(partial(_say, listening, OneTimeLinks(tables["links"])))
    if file is not None:
        supervise(listening, share, file, answers=say)
        return
    from api.server import serve
    from search.engine.engine import SearchEngine

    serve(SearchEngine(database, settings.data), listening, settings, tables=tables, answers=say)


def _is_live(database: "Engine", collection: str) -> bool:
    from search.db.connection import open_session
    from search.db.lookup import live_generation
    from search.errors import CollectionNotFound, NotIndexed

    with open_session(database) as session, contextlib.suppress(CollectionNotFound, NotIndexed):
        return live_generation(session, collection) is not None
    return False


def _say_stopped() -> None:
    """Ctrl-C is how a server is meant to end, so that is no failure."""
    print("refract: stopped.", file=sys.stderr, flush=True)


def _say(listening: "socket.socket", links: "OneTimeLinks") -> None:
    from api.listening import addresses

    address, admin_link = addresses(listening, links)
    print(f"Refract is at {address} (Ctrl-C stops it)", flush=True)
    if admin_link:
        print(f"Admin page: {admin_link} (works once, within an hour)", flush=True)
