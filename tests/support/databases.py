"""Databases for tests: cloned from a migrated one, and emptied for the next test rather than dropped.

To clone one and to drop it costs some ten times as much as to empty it.
"""

import contextlib
import itertools
import os
from collections.abc import Iterator
from typing import Any

import psycopg
from sqlalchemy import URL

END_OTHERS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""

CATALOGS = ("pg_attribute", "pg_constraint", "pg_proc", "pg_trigger")
FINGERPRINT = f"""
    SELECT concat_ws(
        ' ',
        (SELECT version_num FROM alembic_version),
        (SELECT count(*) FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase
         WHERE datname = current_database()),
        {", ".join(f"(SELECT (count(*), max(xmin::text::bigint)) FROM {name})" for name in CATALOGS)}
    )
"""
"""Becomes another when tables or settings change: rows of a catalog say which transaction wrote them."""

WRITTEN = """
    SELECT string_agg(oid::regclass::text, ', ') FROM pg_class
    WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'jobs'::regnamespace)
        AND relname <> 'alembic_version' AND pg_relation_size(oid) > 0
"""

RESTART = """
    SELECT setval(seqrelid, seqstart, false) FROM pg_sequence
    WHERE pg_sequence_last_value(seqrelid) IS NOT NULL
"""


def connected(url: URL) -> psycopg.Connection:
    """One connection whose statements take effect at once."""
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(address, autocommit=True)


def scalar(connection: psycopg.Connection, statement: str) -> Any:
    row = connection.execute(statement).fetchone()
    return row[0] if row else None


class Databases:
    """Lends databases that are copies of a template, which no test has changed."""

    def __init__(self, server: URL, template: str) -> None:
        self._server = server
        self._template = template
        self._numbers = itertools.count()
        self._free: list[str] = []
        with connected(server.set(database=template)) as connection:
            self._fingerprint = scalar(connection, FINGERPRINT)

    @contextlib.contextmanager
    def lent(self) -> Iterator[URL]:
        """Lends a database; it is lent again where its tables are those of the template."""
        name = self._free.pop() if self._free else self._clone()
        url = self._server.set(database=name)
        try:
            yield url
        finally:
            if self._emptied(url):
                self._free.append(name)
            else:
                self._drop(name)

    def close(self) -> None:
        for name in self._free:
            self._drop(name)

    def _clone(self) -> str:
        name = f"refract_test_{os.getpid()}_{next(self._numbers)}"
        with connected(self._server) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        return name

    def _drop(self, name: str) -> None:
        with connected(self._server) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _emptied(self, url: URL) -> bool:
        with connected(url) as connection:
            connection.execute(END_OTHERS)
            try:
                alike = bool(scalar(connection, FINGERPRINT) == self._fingerprint)
            except psycopg.Error:  # a table of it is gone
                alike = False
            if alike:
                if written := scalar(connection, WRITTEN):
                    connection.execute(f"TRUNCATE {written} CASCADE")
                connection.execute(RESTART)
        return alike
