"""The worker: a process beside those that search, for all that takes long.

One thread keeps the live generations up with their documents, within a second of each write; the other does
the jobs of the queue. Any number of workers may run, and each may be killed at any moment: what one leaves is
taken up by the next.
"""

import asyncio
import contextlib
import logging
from pathlib import Path
from threading import Event, Thread

from procrastinate import App, PsycopgConnector
from sqlalchemy import Engine as Database
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from indexer.intake import is_outgrown, live_of
from indexer.jobs import connection_options, list_jobs, start_job
from indexer.replay import Replay, read_pending
from indexer.tasks import tasks
from search.catalog import is_built
from search.db import listening
from search.errors import Busy, RefractError
from search.models import Collection, Document

HEARTBEAT_SECONDS = 2.0
STALLED_SECONDS = 8.0
"""A job whose worker has not been heard of for so long is begun again."""

POLL_SECONDS = 1.0
RETRY_SECONDS = 5.0

logger = logging.getLogger(__name__)


def run_worker(database: Database, data: Path, *, wait: bool = True) -> None:
    """Works until the process is asked to stop; without `wait`, until nothing is left to do."""
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # jobs log their own failures
    keeper = Keeper(database)
    keeper.catch_up()
    if wait:
        keeper.start()
    try:
        asyncio.run(_work(database, data, wait=wait))
    finally:
        keeper.end()


async def _work(database: Database, data: Path, *, wait: bool) -> None:
    app = App(connector=PsycopgConnector(**connection_options(database), min_size=1, max_size=4))
    app.add_tasks_from(tasks, namespace="")
    async with app.open_async():
        await _take_up_stalled(app)
        sweeping = asyncio.create_task(_sweep(app)) if wait else None
        try:
            await app.run_worker_async(
                wait=wait,
                concurrency=1,
                additional_context={"database": database, "data": data},
                fetch_job_polling_interval=POLL_SECONDS,
                abort_job_polling_interval=POLL_SECONDS,
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=STALLED_SECONDS,
                shutdown_graceful_timeout=0,
            )
        finally:
            if sweeping:
                sweeping.cancel()


async def _sweep(app: App) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        try:
            await _take_up_stalled(app)
        except Exception as error:
            logger.warning("Stalled jobs cannot be looked for: %s", error)


async def _take_up_stalled(app: App) -> None:
    """Puts jobs of workers that were killed back into the queue."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        logger.warning("Job %s stalled and is begun again.", job.id)
        await app.job_manager.retry_job(job)


class Keeper:
    """Keeps the live generations up with their documents."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._replays: dict[int, Replay] = {}
        self._asked: dict[int, int] = {}
        self._ended = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begins, in a thread that ends with `end`."""
        self._thread = Thread(target=self._keep, name="keeper", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stops after the step at hand."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _keep(self) -> None:
        while not self._ended.is_set():
            try:
                with listening(self._database) as wait:
                    while not self._ended.is_set():
                        self.catch_up()
                        wait(POLL_SECONDS)
            except (DBAPIError, RefractError) as error:
                logger.warning("New documents wait: %s", error)
                self._ended.wait(RETRY_SECONDS)
            except Exception:
                logger.exception("New documents wait.")
                self._ended.wait(RETRY_SECONDS)

    def catch_up(self) -> None:
        """Adds what is pending in any collection; where none is live yet, or one has outgrown its generation,
        a build is put in the queue."""
        with Session(self._database) as session:
            collections = session.scalars(select(Collection)).all()
        for collection in collections:
            self._keep_up(collection.id, collection.name)

    def _keep_up(self, collection: int, name: str) -> None:
        added = False
        while not self._ended.is_set():
            with Session(self._database) as session:
                live = live_of(session, collection)
                if live is None:
                    self._build_first(session, collection, name)
                    return
                generation, pending = live.id, bool(read_pending(session, live))
            if not pending:
                break
            if generation not in self._replays:
                self._replays = {generation: Replay(self._database, generation)}
            added = self._replays[generation].step() > 0
        if added:
            with Session(self._database) as session:
                live = live_of(session, collection)
                if live is not None and is_outgrown(session, live):
                    self._defer(name)

    def _build_first(self, session: Session, collection: int, name: str) -> None:
        """A build for a collection that has none, once for what is in it now: one that failed is not begun
        again before something changes."""
        is_current = (Document.collection_id == collection, Document.superseded.is_(None))
        newest = session.scalar(select(func.max(Document.seq)).where(*is_current))
        if newest is not None and self._asked.get(collection) != newest and not is_built(session, collection):
            self._asked[collection] = newest
            self._defer(name)

    def _defer(self, name: str) -> None:
        there = list_jobs(self._database, collection=name)
        if not any(job.kind == "reindex" and job.state in ("waiting", "running") for job in there):
            with contextlib.suppress(Busy):  # another worker was faster
                start_job(self._database, "reindex", name)
