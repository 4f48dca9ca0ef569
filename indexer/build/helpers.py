"""Whoever builds calls for help in the queue; workers that have nothing else to do come.

At most one call of a build waits at a time. Who takes it puts the next one in its place, until all that are
free are there. Calls have a queue of their own, where nobody lists them as jobs.
"""

import json
import socket
from collections import Counter
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

QUEUE = "shards"
"""The name of the queue, and of what its jobs do."""

MOST_FAILED = 5
"""After so many workers that could not help no more are called."""

CALL = """
    INSERT INTO procrastinate_jobs (queue_name, task_name, priority, queueing_lock, args)
    VALUES (:queue, :queue, -1, :waiting, cast(:args AS jsonb))
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
"""
IN_QUEUE = "SELECT set_config('search_path', 'jobs, ' || current_setting('search_path'), true)"
"""Triggers of the queue name its tables alone."""

OF_BUILD = "queue_name = :queue AND (args ->> 'generation')::bigint = :generation"


@cache
def this_host() -> str:
    """What this machine is called; workers of one machine share its cores."""
    return socket.gethostname()


@dataclass(frozen=True)
class Call:
    """Asks for help with a step of a generation of a collection. `sign`: whose is another one would make
    other bits. `host` is the leader's."""

    collection: int
    generation: int
    step: str
    sign: str
    host: str


@dataclass(frozen=True)
class AtWork:
    """Says how many help, by their machine, and what kept others from it, by the number of their job."""

    hosts: Counter[str]
    failures: dict[int, str]

    def share(self, leader: str) -> int:
        """Counts those at work on this machine, who divide its cores, the leader among them."""
        return max(1, self.hosts[this_host()] + (leader == this_host()))


def call_for_help(database: Engine, call: Call) -> None:
    """Puts a call into the queue if none of this build waits."""
    with Session(database) as session:
        session.execute(text(IN_QUEUE))
        waiting = f"{QUEUE} {call.generation}"
        session.execute(text(CALL), {"queue": QUEUE, "waiting": waiting, "args": json.dumps(vars(call))})
        session.commit()


def who_helps(database: Engine, generation: int) -> AtWork:
    """Looks who is at work for a generation."""
    statement = text(
        f"""
        SELECT job.id, job.status::text, report.result ->> 'host', coalesce(report.reason, '')
        FROM jobs.procrastinate_jobs AS job LEFT JOIN job_reports AS report ON report.job_id = job.id
        WHERE {OF_BUILD} AND job.status IN ('doing', 'failed')
        """
    )
    with Session(database) as session:
        rows = session.execute(statement, {"queue": QUEUE, "generation": generation}).all()
    hosts = Counter(host for _, status, host, _ in rows if status == "doing" and host)
    return AtWork(
        hosts, {number: reason for number, status, _, reason in rows if status == "failed" and reason}
    )


def dismiss(database: Engine, generation: int) -> None:
    """Takes back a call that waits, and removes those that have ended: also of other builds where they ended
    after their build."""
    ended = f"{OF_BUILD} AND status <> 'doing' OR queue_name = :queue AND status = 'succeeded'"
    removed = f"DELETE FROM jobs.procrastinate_jobs WHERE {ended} RETURNING id"
    statement = f"WITH gone AS ({removed}) DELETE FROM job_reports USING gone WHERE job_id = gone.id"
    with Session(database) as session:
        session.execute(text(IN_QUEUE))
        session.execute(text(statement), {"queue": QUEUE, "generation": generation})
        session.commit()
