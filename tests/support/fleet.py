"""Several workers, each a process of its own, that build together in small shards; and what a build made."""

import contextlib
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from indexer.sources import SourceDocument
from search.db.lookup import find_collection, live_of
from search.db.models import PassageRow
from search.index.generation_files import INDEX_FILE
from tests.support.building import eventually

SHARD = 16
PRECISION = "float32"
"""Which one is faster is measured anew by each process."""

# (They do not stand back: other tests would hold them up for long.)
SMALL_SHARDS = f"""
from indexer.build.shard_work import Embedding, FindingFeatures
from search.embedding import embedder
from api import beside
Embedding.size = FindingFeatures.size = {SHARD}
embedder._fastest_precision = lambda: "{PRECISION}"
beside.stand_back = lambda: None
from api.cli.main import main
main()
"""
WORKING = "SELECT count(*) FROM jobs.procrastinate_workers WHERE last_heartbeat > now() - interval '8 s'"
WORDS = ["whales", "ships", "bread", "stars", "cells", "kings", "rivers", "songs", "letters", "winter"]


def notes(number: int) -> list[SourceDocument]:
    """Documents of one passage each, whose texts differ in length."""
    return [
        SourceDocument(
            f"d{each}",
            f"Note {each}",
            " ".join(
                f"The {WORDS[(each + place) % 10]} of {each * place}." for place in range(8 + each % 13)
            ),
            None,
            {},
        )
        for each in range(number)
    ]


class Fleet:
    """Workers on one database and data folder, by their number."""

    def __init__(self, database: Engine, data: Path) -> None:
        self._database = database
        url = database.url.render_as_string(hide_password=False)
        self._environment = {**os.environ, "DATABASE_URL": url, "REFRACT_DATA": str(data)}
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, number: int) -> None:
        """Starts so many more, each under a name that the database knows, and waits until they work."""
        there = _count(self._database, WORKING)
        for _ in range(number):
            name = f"worker {len(self.processes)}"
            environment = self._environment | {"PGAPPNAME": name, "OMP_NUM_THREADS": "1"}
            command = [sys.executable, "-c", SMALL_SHARDS, "worker"]
            self.processes.append(subprocess.Popen(command, env=environment))
        eventually(lambda: _count(self._database, WORKING) >= there + number)

    def leader(self) -> "subprocess.Popen[bytes]":
        """The one that holds the lock of a build."""
        return next(each for each in self._running() if self._leads(each))

    def helper(self) -> "subprocess.Popen[bytes]":
        """One that does not."""
        return next(each for each in self._running() if not self._leads(each))

    def end(self) -> None:
        for process in self._running():
            process.terminate()
        for process in self.processes:
            process.wait(60)

    def _running(self) -> list["subprocess.Popen[bytes]"]:
        return [each for each in self.processes if each.poll() is None]

    def _leads(self, process: "subprocess.Popen[bytes]") -> bool:
        statement = """
            SELECT EXISTS (
                SELECT FROM pg_stat_activity JOIN pg_locks USING (pid) JOIN collections AS c
                ON objid::bigint = (hashtext('refract build ' || c.id)::bigint & 4294967295)
                WHERE locktype = 'advisory' AND application_name = :name)
        """
        with self._database.connect() as connection:
            name = f"worker {self.processes.index(process)}"
            return bool(connection.scalar(text(statement), {"name": name}))


@contextlib.contextmanager
def fleet(database: Engine, data: Path) -> Iterator[Fleet]:
    """Workers that are started within the block, until it ends."""
    started = Fleet(database, data)
    try:
        yield started
    finally:
        started.end()


def shards_done(database: Engine) -> int:
    """How many shards are done of builds under way."""
    return _count(database, "SELECT count(*) FROM shards WHERE done")


def helping(database: Engine) -> int:
    """How many workers help at this moment."""
    return _count(
        database,
        "SELECT count(*) FROM jobs.procrastinate_jobs WHERE queue_name = 'shards' AND status = 'doing'",
    )


def made(database: Engine, name: str) -> tuple[str, str]:
    """The hash of all that the live generation holds in Postgres, and that of its index file."""
    found = hashlib.sha256()
    with Session(database) as session:
        live = live_of(session, find_collection(session, name).id)
        assert live is not None
        columns = (PassageRow.id, PassageRow.sha256, PassageRow.embedding, PassageRow.feature_ids)
        rows = select(*columns, PassageRow.activations).where(PassageRow.generation_id == live.id)
        for row in session.execute(rows.order_by(PassageRow.id)):
            found.update(repr(tuple(row)).encode())
        return found.hexdigest(), live.files[INDEX_FILE]


def _count(database: Engine, statement: str) -> int:
    with contextlib.suppress(DBAPIError), database.connect() as connection:
        return int(connection.scalar(text(statement)) or 0)
    return 0  # the server is away
