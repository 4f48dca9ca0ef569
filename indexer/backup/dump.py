"""A dump holds all that the store has and cannot make again, in one file that any host can restore.

It is a zip: a member or more for each table, rows in PostgreSQL's own COPY text format, and `manifest.json`,
written last. All of it is of one moment, while others write. Of generations only the live ones are in it, of
documents the current ones and the versions before that a live generation may still show.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, LiteralString
from zipfile import ZIP_DEFLATED, ZipFile

from psycopg import Copy, Cursor
from psycopg.sql import SQL, Composed, Identifier
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from indexer.backup.manifest import BLOCK_BYTES, FORMAT, MANIFEST, Manifest, Member
from indexer.backup.storage import Place
from indexer.progress import Reporter
from search.db.connection import driver
from search.db.lookup import find_collection
from search.db.migrations import current_revision
from search.errors import InvalidRequest

COMPRESSION = 1
"""Embeddings hardly get smaller with more (3%), and it takes four times as long."""

COMPUTED = ("embedding", "feature_ids", "activations")
"""Columns of passages that can be made again from the texts and the dictionary."""

OF_GENERATIONS = "generation_id = ANY(%(generations)s)"
OF_DICTIONARIES = "dictionary_id = ANY(%(dictionaries)s)"
# A document that was replaced leads to its next version, also where no passage is left of it.
NEEDED = """
    collection_id = ANY(%(collections)s) AND (
        superseded IS NULL
        OR superseded > (
            SELECT g.seq FROM generations AS g
            WHERE g.id = ANY(%(generations)s) AND g.collection_id = documents.collection_id)
        OR id IN ({held}))
"""
ROWS: dict[str, LiteralString] = {
    "collections": "id = ANY(%(collections)s)",
    "dictionaries": "id = ANY(%(dictionaries)s)",
    "generations": "id = ANY(%(generations)s)",
    "documents": NEEDED,
    "passages": OF_GENERATIONS,
    "features": OF_DICTIONARIES,
    "families": OF_DICTIONARIES,
    "feature_matches": OF_DICTIONARIES,
    "presets": "collection_id = ANY(%(collections)s)",
    "judgements": "collection_id = ANY(%(collections)s)",
    "repairs": "collection_id = ANY(%(collections)s)",
    "keys": "true",
}
"""The tables, each after those that its rows point to, and which of their rows a dump holds; `held` are the
documents that live generations have passages of. The audit log, events and webhooks are left out: they are of
this installation. So are questions that were kept: what people asked goes no further."""

OF_INSTALLATION = ("audit_id_seq", "events_id_seq", "webhooks_id_seq")


@dataclass(frozen=True)
class _Part:
    """Describes a member to be written: where its rows are read, and which."""

    name: str
    table: str
    columns: list[str]
    rows: Composed


def dump(
    database: Engine,
    where: str | Path,
    reporter: Reporter,
    *,
    collection: str | None = None,
    embeddings: bool = True,
) -> Manifest:
    """Writes all collections and the keys into a new file, or one collection alone, on this machine or at an
    address (s3://bucket/key). It has its name only once it is whole, and only its owner may read it.

    Raises:
        CollectionNotFound: there is no collection of that name.
        InvalidRequest: there is a file of that name.
        ConfigurationError: it cannot be written there.
    """
    place = Place(str(where))
    if place.exists():
        raise InvalidRequest(f"{place} is there already.", hint="Choose another name, or move it away.")
    with _moment(database) as connection, place.written() as file:
        scope = _scope(connection, collection)
        parts = _parts(connection, scope, keys=collection is None, embeddings=embeddings)
        cursor = driver(connection).cursor()
        total = sum(_count(cursor, part, scope) for part in parts)
        with (
            ZipFile(file, "w", ZIP_DEFLATED, compresslevel=COMPRESSION) as archive,
            reporter.step("writing the dump", total),
        ):
            manifest = Manifest(
                format=FORMAT,
                version=version("refract"),
                revision=current_revision(connection),
                made_at=datetime.now(UTC).isoformat(timespec="seconds"),
                embeddings=embeddings,
                collections=scope["names"],
                sequences=_sequences(connection),
                members=[_write(archive, cursor, part, scope, reporter) for part in parts],
            )
            archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))
    return manifest


@contextlib.contextmanager
def _moment(database: Engine) -> Iterator[Connection]:
    """Opens a transaction that sees one moment and writes values in the same form on every server."""
    reading = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with database.connect().execution_options(**reading) as connection:
        for setting in ("datestyle = 'ISO'", "timezone = 'UTC'", "bytea_output = 'hex'"):
            connection.execute(text(f"SET LOCAL {setting}"))
        connection.execute(text("SET LOCAL extra_float_digits = 3"))  # every bit of a float
        yield connection


def _scope(connection: Connection, collection: str | None) -> dict[str, Any]:
    """Reads what is dumped: collections with their names, live generations, their dictionaries."""
    if collection is not None:
        find_collection(Session(connection), collection)
    chosen = connection.execute(
        text("SELECT id, name FROM collections WHERE name = coalesce(:name, name) ORDER BY name"),
        {"name": collection},
    ).all()
    collections = [row.id for row in chosen]
    live = connection.execute(
        text(
            "SELECT id, dictionary_id FROM generations "
            "WHERE state = 'live' AND collection_id = ANY(:collections) ORDER BY id"
        ),
        {"collections": collections},
    ).all()
    return {
        "collections": collections,
        "names": [row.name for row in chosen],
        "generations": [row.id for row in live],
        "dictionaries": [row.dictionary_id for row in live],
    }


def _parts(connection: Connection, scope: dict[str, Any], *, keys: bool, embeddings: bool) -> list[_Part]:
    """Lists the members to be written, in the order in which they can be restored."""
    columns = _columns(connection, set() if embeddings else set(COMPUTED))
    # From each partition by its own name: a lock on all of `passages` would hold up the next build, and
    # every search behind it.
    partitions = [f"passages_{generation}" for generation in scope["generations"]]
    nothing = SQL("SELECT NULL::bigint").format()
    held = [SQL("SELECT document_id FROM {}").format(Identifier(name)) for name in partitions] or [nothing]
    parts = []
    for table, rows in ROWS.items():
        if table not in columns or (table == "keys" and not keys):
            continue
        condition = SQL(rows).format(held=SQL(" UNION ALL ").join(held))
        for source in partitions if table == "passages" else [table]:
            chosen = SQL("{} WHERE {}").format(Identifier(source), condition)
            parts.append(_Part(f"{source}.copy", table, columns[table], chosen))
    return parts


def _columns(connection: Connection, left_out: set[str]) -> dict[str, list[str]]:
    """Lists the columns of every table as the database has them, which a later version of the models need not
    know."""
    statement = (
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
    )
    columns: dict[str, list[str]] = {}
    for table, column in connection.execute(text(statement)):
        if table != "passages" or column not in left_out:
            columns.setdefault(table, []).append(column)
    return columns


def _sequences(connection: Connection) -> dict[str, int]:
    """The last numbers that were given; those of what is left out are so, too."""
    statement = (
        "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema() "
        "AND last_value IS NOT NULL AND sequencename <> ALL(:left_out) ORDER BY sequencename"
    )
    found = connection.execute(text(statement), {"left_out": list(OF_INSTALLATION)})
    return {row.sequencename: row.last_value for row in found}


def _count(cursor: Cursor, part: _Part, scope: dict[str, Any]) -> int:
    row = cursor.execute(SQL("SELECT count(*) FROM {}").format(part.rows), scope).fetchone()
    return int(row[0]) if row else 0


def _write(
    archive: ZipFile, cursor: Cursor, part: _Part, scope: dict[str, Any], reporter: Reporter
) -> Member:
    """Streams the rows into the archive, in one order: the same rows are always the same bytes."""
    columns = SQL(", ").join(map(Identifier, part.columns))
    statement = SQL("COPY (SELECT {} FROM {} ORDER BY 1, 2, 3) TO STDOUT (ENCODING 'UTF8')")
    digest, rows, size = hashlib.sha256(), 0, 0
    with (
        archive.open(part.name, "w", force_zip64=True) as member,
        cursor.copy(statement.format(columns, part.rows), scope) as copy,
    ):
        for block in _blocks(copy):
            member.write(block)
            digest.update(block)
            size += len(block)
            ended = block.count(b"\n")  # within a row it is escaped
            rows += ended
            reporter.advance(ended)
    return Member(
        name=part.name,
        table=part.table,
        columns=part.columns,
        rows=rows,
        size=size,
        sha256=digest.hexdigest(),
    )


def _blocks(copy: Copy) -> Iterator[bytes]:
    """Gathers rows that come one at a time into blocks of many."""
    block = bytearray()
    for row in copy:
        block += row
        if len(block) >= BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    yield bytes(block)
