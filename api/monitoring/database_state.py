"""The database's state is read by few fixed statements, in a connection and a thread of its own.

So a scrape waits for no search, and where the database hangs one thread hangs with it and nothing else.
"""

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine, Row, TextClause, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from search.metrics import MOST_LABELLED

T = TypeVar("T")

CONNECT_SECONDS = 2
STATEMENT_MS = 500

LIVE = text(
    """
    SELECT c.name, g.id AS generation, extract(epoch FROM now() - g.live_at) AS age
    FROM collections AS c LEFT JOIN generations AS g ON g.collection_id = c.id AND g.state = 'live'
    ORDER BY c.id LIMIT :most
    """
)
# What a generation lacks is what `indexer.build.catch_up` would add to it; where none is live, that is all.
WAITING = text(
    """
    SELECT c.name, count(*) AS documents, extract(epoch FROM now() - min(d.written_at)) AS lag
    FROM (SELECT * FROM collections ORDER BY id LIMIT :most) AS c
    LEFT JOIN generations AS g ON g.collection_id = c.id AND g.state = 'live'
    JOIN documents AS d
        ON d.collection_id = c.id AND d.superseded IS NULL AND d.seq > coalesce(g.seq, 0)
    WHERE NOT EXISTS (SELECT FROM passages AS p WHERE p.generation_id = g.id AND p.document_id = d.id)
    GROUP BY c.name
    """
)
JOBS = text(
    """
    SELECT job.task_name AS kind, job.status, count(*) AS jobs,
           extract(epoch FROM now() - min(event.at)) AS oldest
    FROM jobs.procrastinate_jobs AS job
    LEFT JOIN LATERAL (
        SELECT max(at) AS at FROM jobs.procrastinate_events
        WHERE job_id = job.id AND job.status IN ('todo', 'doing')
            AND type::text = CASE job.status WHEN 'todo' THEN 'deferred' ELSE 'started' END
    ) AS event ON true
    WHERE job.queue_name <> 'shards'
    GROUP BY 1, 2
    """
)
WORKERS = text(
    "SELECT count(*) FROM jobs.procrastinate_workers WHERE last_heartbeat > now() - interval '30 seconds'"
)
COLLECTIONS = text("SELECT count(*) FROM collections")
WEBHOOKS = text(
    """
    SELECT CASE WHEN disabled_at IS NOT NULL THEN 'disabled' WHEN failing_since IS NOT NULL THEN 'failing'
           ELSE 'enabled' END AS state, count(*) AS number
    FROM webhooks GROUP BY 1
    """
)
DELIVERIES = text("SELECT state, count(*) AS number FROM deliveries GROUP BY 1")


@dataclass(frozen=True)
class Live:
    """Says which generation of a collection is live (None: none yet) and for how many seconds."""

    collection: str
    generation: int | None
    age: float | None


@dataclass(frozen=True)
class Waiting:
    """Says how many documents of a collection are not searched yet, and for how many seconds the oldest
    of them."""

    collection: str
    documents: int
    lag: float


@dataclass(frozen=True)
class Jobs:
    """Counts the jobs of a kind in a state; `oldest`: for how many seconds one waits or runs."""

    kind: str
    status: str
    jobs: int
    oldest: float | None


@dataclass(frozen=True)
class Counted:
    """Counts what is in a state."""

    state: str
    number: int


@dataclass(frozen=True)
class DatabaseState:
    """Holds what the database says; None: it did not say that in time. Of more collections than
    `MOST_LABELLED` the oldest are told apart."""

    collections: int | None
    live: list[Live] | None
    waiting: list[Waiting] | None
    jobs: list[Jobs] | None
    workers: int | None
    webhooks: list[Counted] | None
    deliveries: list[Counted] | None


class Impatient(Generic[T]):
    """Runs a function in a thread, and waits for it only so long. As long as one run goes on no other is
    begun."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._lock = threading.Lock()
        self._running: Future[T] | None = None

    def __call__(self, seconds: float) -> T:
        """Gives what the function gives.

        Raises:
            TimeoutError: it takes longer.
        """
        with self._lock:
            running = self._running
            if running is None or running.done():
                running = self._running = Future()
                threading.Thread(target=self._run, args=(running,), name="state", daemon=True).start()
        return running.result(seconds)

    def _run(self, promised: Future[T]) -> None:
        try:
            promised.set_result(self._call())
        except BaseException as error:
            promised.set_exception(error)


class StateReader:
    """Reads the state of one database."""

    def __init__(self, database: Engine) -> None:
        arguments = {"connect_timeout": CONNECT_SECONDS}
        self._database = create_engine(database.url, poolclass=NullPool, connect_args=arguments)
        self._impatient = Impatient(self._read)

    def __call__(self, seconds: float) -> DatabaseState | None:
        """Reads it; None where the database does not answer in time."""
        try:
            return self._impatient(seconds)
        except (TooLate, DBAPIError):
            return None

    def _read(self) -> DatabaseState:
        with self._database.begin() as connection:
            connection.execute(text(f"SET LOCAL statement_timeout = {STATEMENT_MS}"))
            connection.execute(text("SET TRANSACTION READ ONLY"))
            return read_state(connection)


def read_state(connection: Connection) -> DatabaseState:
    """Reads the state of the database of a connection."""
    return DatabaseState(
        collections=_number(connection, COLLECTIONS),
        live=_rows(connection, LIVE, lambda row: Live(row.name, row.generation, _seconds(row.age))),
        waiting=_rows(
            connection, WAITING, lambda row: Waiting(row.name, row.documents, _seconds(row.lag) or 0.0)
        ),
        jobs=_rows(connection, JOBS, lambda row: Jobs(row.kind, row.status, row.jobs, _seconds(row.oldest))),
        workers=_number(connection, WORKERS),
        webhooks=_rows(connection, WEBHOOKS, lambda row: Counted(row.state, row.number)),
        deliveries=_rows(connection, DELIVERIES, lambda row: Counted(row.state, row.number)),
    )


def _rows(connection: Connection, statement: TextClause, make: Callable[[Row[Any]], T]) -> list[T] | None:
    """Reads the rows of one statement; None where it takes too long or a table is missing, which keeps no
    other from its answer."""
    values = dict.fromkeys(statement.compile().params, MOST_LABELLED)
    with contextlib.suppress(DBAPIError), connection.begin_nested():
        return [make(row) for row in connection.execute(statement, values)]
    return None


def _number(connection: Connection, statement: TextClause) -> int | None:
    rows = _rows(connection, statement, lambda row: int(row[0]))
    return rows[0] if rows else None


def _seconds(age: object) -> float | None:
    """Gives an age as a number; a clock that was set back makes nothing younger than now."""
    return None if age is None else max(float(str(age)), 0.0)
