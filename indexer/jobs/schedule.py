"""The schedule asks for a dump when one is due; any number of workers may look."""

import contextlib
import time
from datetime import timedelta

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from indexer.backup.scheduled import Backups
from indexer.jobs.queue import SCHEMA, start_job
from search.db.locks import take_turn
from search.errors import Busy

LOOK_SECONDS = 30.0
AGAIN = timedelta(hours=1)
"""A dump that failed is tried again after so long, or as often as there are to be any."""


class Schedule:
    """Looks from time to time whether a dump is due."""

    def __init__(self, database: Engine, backups: Backups | None) -> None:
        self._database = database
        self._backups = backups
        self._next = 0.0

    def look(self) -> None:
        """Puts a dump into the queue if one is due, by the database's clock."""
        if self._backups is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + LOOK_SECONDS
        with Session(self._database) as session, contextlib.suppress(Busy):
            take_turn(session, "refract schedule")
            if is_due(session, self._backups.every):
                start_job(self._database, "backup")


def is_due(session: Session, every: timedelta) -> bool:
    """Whether none waits or runs, and the latest one that was made or tried was asked for long enough ago."""
    there = text(
        f"""
        SELECT EXISTS (
            SELECT 1 FROM {SCHEMA}.procrastinate_jobs AS job
            JOIN {SCHEMA}.procrastinate_events AS event ON event.job_id = job.id AND event.type = 'deferred'
            WHERE job.task_name = 'backup' AND (job.status IN ('todo', 'doing')
                OR event.at > now() - CASE WHEN job.status = 'succeeded' THEN :every ELSE :again END))
        """
    )
    return not session.scalar(there, {"every": every, "again": min(every, AGAIN)})
