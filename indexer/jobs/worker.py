"""The worker is a process beside those that search, for all that takes long.

One thread keeps the live generations up with their documents, within a second of each write; another one
delivers events to webhooks, and one does the jobs of the queue. Any number of workers may run, and each may
be killed at any moment: what one leaves is taken up by the next.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from procrastinate import App, PsycopgConnector
from procrastinate.job_context import AbortReason
from procrastinate.jobs import Status
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from indexer.backup.scheduled import Backups
from indexer.build.catch_up import CatchUp, count_pending
from indexer.hooks.courier import Courier
from indexer.jobs.helping import helping
from indexer.jobs.places import Places
from indexer.jobs.queue import AT_ONCE, connection_options, list_jobs, start_job
from indexer.jobs.schedule import Schedule
from indexer.jobs.stalled import note_end, settle
from indexer.jobs.tasks import tasks
from indexer.jobs.watchdog import Watchdog, give_sign, stop_signs
from indexer.pipeline import is_outgrown
from search.db.connection import GONE, first_line
from search.db.listener import ChangeListener
from search.db.locks import is_built, is_held, reading_lock
from search.db.lookup import live_of
from search.db.models import CollectionRow, DocumentRow
from search.errors import Busy, RefractError
from search.logs import doing

HEARTBEAT_SECONDS = 2.0
STALLED_SECONDS = 8.0
"""A job whose worker has not been heard of for so long is begun again."""

POLL_SECONDS = 1.0
RETRY_SECONDS = 5.0

logger = logging.getLogger(__name__)


def run_worker(
    database: Engine,
    data: Path,
    *,
    places: Places,
    backups: Backups | None = None,
    wait: bool = True,
    begin_anew: Callable[[], None] = os.abort,
) -> None:
    """Works until the process is asked to stop; without `wait`, until nothing is left to do. `begin_anew` is
    called where only a fresh process can go on: it does not return."""
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # jobs log their own failures
    keeper, courier = Keeper(database), Courier(database)
    if wait:
        keeper.start()
        courier.start()
    else:
        keeper.catch_up()
    try:
        resources = {"database": database, "data": data, "places": places, "backups": backups}
        asyncio.run(_work(database, resources, begin_anew if wait else None))
        if not wait:
            courier.deliver()
    finally:
        courier.end()
        keeper.end()


async def _work(database: Engine, resources: dict[str, Any], begin_anew: Callable[[], None] | None) -> None:
    app = App(connector=PsycopgConnector(**connection_options(database), min_size=1, max_size=4))
    app.add_tasks_from(tasks, namespace="")
    app.add_tasks_from(helping, namespace="")
    watchdog, schedule = Watchdog(), Schedule(database, resources["backups"])
    async with app.open_async():
        await _take_up_stalled(app, database)
        beside = (
            [
                asyncio.create_task(_look_after(app, database, watchdog, schedule, begin_anew)),
                asyncio.create_task(_give_signs()),
            ]
            if begin_anew
            else []
        )
        try:
            await app.run_worker_async(
                wait=bool(beside),
                concurrency=1,
                additional_context={"resources": resources, "watchdog": watchdog},
                fetch_job_polling_interval=POLL_SECONDS,
                abort_job_polling_interval=POLL_SECONDS,
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=STALLED_SECONDS,
                shutdown_graceful_timeout=0,
                install_signal_handlers=bool(beside),
            )
        finally:
            for task in beside:
                task.cancel()
            stop_signs()


async def _look_after(
    app: App, database: Engine, watchdog: Watchdog, schedule: Schedule, begin_anew: Callable[[], None]
) -> None:
    """Asks for dumps that are due, takes up jobs of dead workers, and ends those of this one that do not
    hear."""
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        try:
            if deaf := watchdog.deaf():
                await _leave(app, database, deaf, begin_anew)
            await _take_up_stalled(app, database)
            await asyncio.to_thread(schedule.look)
        except Exception as error:
            logger.warning("Stalled jobs cannot be looked for: %s", error)


async def _give_signs() -> None:
    """Says that this process can be spoken to, whether the database answers or not."""
    while True:
        give_sign()
        await asyncio.sleep(HEARTBEAT_SECONDS)


async def _leave(
    app: App, database: Engine, deaf: dict[int, AbortReason], begin_anew: Callable[[], None]
) -> None:
    """Ends jobs that were cancelled and do not hear it, with this process. Where it is the worker that is to
    stop, they wait for the next one."""
    for number, reason in deaf.items():
        if reason is AbortReason.USER_REQUEST:
            told = "cancelled in the middle of a step; what was done is kept"
            await asyncio.to_thread(note_end, database, number, told)
            await app.job_manager.finish_job_by_id_async(number, Status.ABORTED, delete_job=False)
            logger.warning("Job %s did not hear that it was cancelled; the worker begins anew.", number)
        else:
            with contextlib.suppress(Exception):  # it stalls, then
                await asyncio.wait_for(app.job_manager.retry_job_by_id_async(number, AT_ONCE), POLL_SECONDS)
    if AbortReason.SHUTDOWN in deaf.values():
        os._exit(1)
    stop_signs()
    begin_anew()


async def _take_up_stalled(app: App, database: Engine) -> None:
    """Looks for jobs of workers that were killed."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        logger.warning("Job %s %s.", job.id, await settle(app, database, job))


class Keeper:
    """Keeps the live generations up with their documents."""

    def __init__(self, database: Engine, *, retry_seconds: float = RETRY_SECONDS) -> None:
        self._database = database
        self._retry_seconds = retry_seconds
        self._replays: dict[int, CatchUp] = {}  # by collection
        self._looked_at: dict[int, int] = {}  # the version of a collection when its size was looked at
        self._paused_until: dict[int, float] = {}  # those that failed, by the clock that never goes back
        self._asked: dict[int, int] = {}  # its newest document when its first build was asked for
        self._following = ChangeListener(
            database, self.catch_up, name="keeper", seconds=POLL_SECONDS, pause=retry_seconds
        )

    def start(self) -> None:
        """Begins in a thread, which ends with `end`."""
        self._following.start()

    def end(self) -> None:
        """Stops after the step at hand."""
        self._following.end()

    def catch_up(self) -> None:
        """Adds what is pending in all collections, a step of each in turn; where none is live yet, or one has
        outgrown its generation, a build is put in the queue."""
        added = True
        while added and not self._following.ended:
            with Session(self._database) as session:
                collections = session.scalars(select(CollectionRow)).all()
            steps = [self._try_step(collection) for collection in collections]
            added = any(steps)

    def _try_step(self, collection: CollectionRow) -> bool:
        """Runs a step and tells whether something was added. A collection that cannot be kept up says so and
        holds up no other."""
        if time.monotonic() < self._paused_until.get(collection.id, 0.0):
            return False
        try:
            added, trouble = self._step(collection), ""
        except GONE:
            raise
        except Exception as error:
            added, trouble = False, first_line(error)
            self._paused_until[collection.id] = time.monotonic() + self._retry_seconds
            if trouble != collection.trouble:
                foreseen = isinstance(error, RefractError)
                told = None if foreseen else error
                logger.warning("New documents of %s wait: %s", collection.name, trouble, exc_info=told)
        if trouble != collection.trouble:
            with Session(self._database) as session:
                session.execute(
                    update(CollectionRow).where(CollectionRow.id == collection.id).values(trouble=trouble)
                )
                session.commit()
        return added

    def _step(self, collection: CollectionRow) -> bool:
        """Adds some of what is pending and tells whether something was added."""
        with Session(self._database) as session:
            live = live_of(session, collection.id)
            if live is None:
                self._build_first(session, collection)
                return False
            if collection.version != self._looked_at.get(collection.id):
                self._looked_at[collection.id] = collection.version
                if _newest(session, collection.id) is not None and is_outgrown(session, live):
                    self._defer(collection.name)
            replay = self._replays.get(collection.id)
            if replay is None or replay.generation != live.id:
                if not count_pending(session, live):
                    return False  # no model is loaded before there is something for it
                replay = self._replays[collection.id] = CatchUp(self._database, live.id)
        return replay.step() > 0 or replay.is_amid

    def _build_first(self, session: Session, collection: CollectionRow) -> None:
        """Queues a build for a collection that has none, once for what is in it now: one that failed is not
        begun again before something changes. Who reads documents into it, or builds it,
        makes them searchable."""
        newest = _newest(session, collection.id)
        if newest is None or newest == self._asked.get(collection.id):
            return
        if is_built(session, collection.id) or is_held(session, reading_lock(collection.id)):
            return
        self._asked[collection.id] = newest
        self._defer(collection.name, first=True)

    def _defer(self, name: str, **options: bool) -> None:
        there = list_jobs(self._database, collection=name)
        if not any(job.kind == "reindex" and job.state in ("waiting", "running") for job in there):
            with contextlib.suppress(Busy), doing(actor="worker", channel="worker"):  # or another was faster
                start_job(self._database, "reindex", name, **options)


def _newest(session: Session, collection: int) -> int | None:
    """Finds the change that wrote the newest document of a collection; None if it has none."""
    is_current = (DocumentRow.collection_id == collection, DocumentRow.superseded.is_(None))
    return session.scalar(select(func.max(DocumentRow.seq)).where(*is_current))
