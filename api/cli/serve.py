"""The commands that go on until they are stopped: run, serve, worker."""

import contextlib
import os
import sys
from typing import Annotated

import typer

from api.cli.context import Collection, opened
from api.cli.output import console
from api.monitoring.processes import shared_metrics

NICENESS = 10

app = typer.Typer()

# Before NumPy is loaded: as many searches run at once as there are cores, and threads of theirs that wait for
# each other make small products ten times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port (else PORT, else 8000; 0 takes a free one).")
]


@app.command()
@shared_metrics()
def run(port: Port = None, collection: Collection = "demo") -> None:
    """Index the demo (the documentation of the installed Python) if it is not there yet, and serve it."""
    from api.cli.files import PYDOC
    from api.cli.index import read_in
    from api.server import listen, serve
    from api.worker_process import beside
    from search.engine.engine import SearchEngine

    with opened() as (settings, database):
        wanted = settings.port if port is None else port
        engine = SearchEngine(database, settings.data)
        if collection not in engine.snapshots.live():
            listen(settings.host, wanted).close()  # a taken port is told now, not after the work
            console.print(
                "First start: indexing the documentation of the installed Python. This takes some minutes, "
                "once; later starts serve at once."
            )
            read_in(settings, database, collection, None, PYDOC, {}, source=PYDOC, sync=False)
        with beside(worker=True):
            serve(engine, listen(settings.host, wanted), settings, say=_say)
        _say_stopped()


@app.command("serve")
@shared_metrics()
def serve_all(
    port: Port = None,
    worker: Annotated[bool, typer.Option(help="Whether a worker runs beside; see refract worker.")] = True,
) -> None:
    """Serve what is indexed: the web page at / and the JSON API at /v1."""
    from api.server import listen, serve
    from api.worker_process import beside
    from search.engine.engine import SearchEngine

    with opened() as (settings, database):
        listening = listen(settings.host, settings.port if port is None else port)
        with beside(worker=worker):
            serve(SearchEngine(database, settings.data), listening, settings, say=_say)
        _say_stopped()


@app.command()
def worker(with_parent: Annotated[bool, typer.Option(hidden=True)] = False) -> None:
    """Add new documents to what is searched and do the jobs of the queue, as a process of its own."""
    from api.worker_process import begin_anew, end_with_parent
    from indexer.backup.scheduled import Backups
    from indexer.jobs.places import Places
    from indexer.jobs.worker import run_worker

    with opened() as (settings, database):
        if with_parent:
            end_with_parent()
        with contextlib.suppress(OSError, AttributeError):
            os.nice(NICENESS - os.nice(0))  # searches go first
        print("Refract's worker runs (Ctrl-C stops it)", flush=True)
        places = Places.of(settings.folders, settings.data)
        backups = Backups.of(settings)
        run_worker(database, settings.data, places=places, backups=backups, begin_anew=begin_anew)


def _say_stopped() -> None:
    """Ctrl-C is how a server is meant to end, so that is no failure."""
    print("refract: stopped.", file=sys.stderr, flush=True)


def _say(address: str, admin_link: str) -> None:
    print(f"Refract is at {address} (Ctrl-C stops it)", flush=True)
    if admin_link:
        print(f"Admin page: {admin_link} (works once, within an hour)", flush=True)
