"""A dump is restored in one transaction on an empty database, so that all of it is there or nothing."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from zipfile import ZipFile

import psycopg
from psycopg.sql import SQL, Identifier
from pydantic import ValidationError
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from indexer.audit import record
from indexer.backup.checks import find_odd
from indexer.backup.dump import ROWS
from indexer.backup.manifest import Manifest, Member, blocks, open_dump, read_checked
from indexer.backup.storage import Place
from indexer.build.passage_rows import create_partition, fill, passage_texts
from indexer.default_collection import ensure_default
from indexer.hooks.events import tell
from indexer.progress import Reporter
from search.db.connection import GONE, driver, first_line
from search.db.listener import notify
from search.db.migrations import take_tables_to
from search.db.models import CollectionRow, GenerationRow, KeyRow, PassageRow
from search.embedding.embedder import embedder_of, splitter_of
from search.embedding.splitter import embedded_text
from search.errors import DictionaryError, InvalidRequest, SourceError
from search.index.generation_files import write_files
from search.index.passage_store import read_dictionary
from search.index.snapshot import space_of

EARLIER = ("feature_stats",)
"""Tables that dumps of earlier versions hold and a migration drops."""

MOST_NUMBERS = 1 << 62
"""Beyond this a sequence has too few numbers left."""

OWNED_SEQUENCES = """
    SELECT s.relname, t.relname, a.attname FROM pg_class AS s
    JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.deptype = 'i'
    JOIN pg_class AS t ON t.oid = d.refobjid
    JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
    WHERE s.relkind = 'S' AND s.relnamespace = current_schema()::regnamespace
"""
"""The sequences of numbered tables, and which column each gives numbers to."""

EMBED_ROWS = 8192
"""A step makes a table of its own, which stays locked to the end: not too many of them."""


def restore(database: Engine, data: Path, where: str | Path, reporter: Reporter) -> Manifest:
    """Puts all that a dump holds into an empty database, with the numbers it had, and writes the index
    files. What the dump was made without is computed. A dump of older tables is brought up to date.

    Raises:
        InvalidRequest: the database is not empty.
        SourceError: it is no dump, is damaged or cut off, a newer Refract has made it, or it does not fit.
        ConfigurationError: an embedding model that is needed cannot be loaded.
    """
    place = Place(str(where))
    with Session(database) as session:
        _require_empty(session)
        manifest = read_checked(where, reporter)
        with _fitting(place):
            _refuse_tables(manifest)
            take_tables_to(session.connection(), manifest.revision)
            with open_dump(place) as archive, reporter.step("loading the dump", manifest.rows):
                for member in manifest.members:
                    _load(session, archive, member, reporter)
            _set_sequences(session, manifest.sequences)
            take_tables_to(session.connection(), "head")
            _raise_sequences(session)
            ensure_default(session)
            with reporter.step("checking what was loaded"):
                _check(session, manifest)
            for generation in _generations(session) if not manifest.embeddings else []:
                _compute(session, generation, reporter)
        with reporter.step("writing the index"):
            for generation in _generations(session):
                write_files(session, data, generation)
        record(session, "restore", place.name, collections=manifest.collections)
        notify(session)
        for generation in _generations(session):
            collection = session.get_one(CollectionRow, generation.collection_id)
            tell(session, "generation.live", collection, generation=generation.id, before=None)
        session.commit()
    return manifest


@contextlib.contextmanager
def _fitting(place: Place) -> Iterator[None]:
    """Says in a line where a dump does not fit the tables, or holds what no Refract writes."""
    try:
        yield
    except (psycopg.Error, DBAPIError, ValidationError, DictionaryError, OddDumpError) as error:
        if isinstance(error, GONE):
            raise
        raise SourceError(
            f"The dump {place} does not fit this database: {_line(error)}.",
            hint="Nothing was restored. Make another one with refract dump.",
        ) from None


def _line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return f"{error.title}: {error.errors()[0]['msg']}"
    return first_line(error)


class OddDumpError(Exception):
    """A dump holds what no Refract writes."""


def _refuse_tables(manifest: Manifest) -> None:
    """Refuses tables that no dump has: those of sessions, or of the server itself."""
    for member in manifest.members:
        if member.table not in (*ROWS, *EARLIER):
            raise OddDumpError(f"it has rows for the table {member.table[:80]!r}, which no dump holds")


def _generations(session: Session) -> Sequence[GenerationRow]:
    return session.scalars(select(GenerationRow).order_by(GenerationRow.id)).all()


def _check(session: Session, manifest: Manifest) -> None:
    """Refuses rows that no Refract writes, and a manifest that tells other collections than there are."""
    if odd := find_odd(session, embeddings=manifest.embeddings):
        raise OddDumpError(odd)
    names = session.scalars(select(CollectionRow.name)).all()
    if sorted(names) != sorted(manifest.collections):
        raise OddDumpError(f"it tells of other collections than it has: {', '.join(names)[:200]}")


def _require_empty(session: Session) -> None:
    """Refuses a database that holds anything, and lets nobody add to it until the transaction ends."""
    session.execute(text("LOCK TABLE collections, keys IN SHARE ROW EXCLUSIVE MODE"))
    names = session.scalars(select(CollectionRow.name).order_by(CollectionRow.name)).all()
    keys = session.scalar(select(func.count()).select_from(KeyRow)) or 0
    there = [f"the collection {name}" for name in names] + ([f"{keys} key(s)"] if keys else [])
    if there:
        raise InvalidRequest(
            f"The database is not empty: it has {', '.join(there)}.",
            hint="Restore into a new one: point REFRACT_DATA or DATABASE_URL to another place.",
        )


def _load(session: Session, archive: ZipFile, member: Member, reporter: Reporter) -> None:
    columns = SQL(", ").join(map(Identifier, member.columns))
    statement = SQL("COPY {} ({}) FROM STDIN (ENCODING 'UTF8')").format(Identifier(member.table), columns)
    with driver(session.connection()).cursor() as cursor:
        with cursor.copy(statement) as copy:
            for block in blocks(archive, member):
                copy.write(block)
                reporter.advance(block.count(b"\n"))
        if cursor.rowcount != member.rows:
            raise OddDumpError(f"{member.name} has {cursor.rowcount:,} rows and tells of {member.rows:,}")
    if member.table == "generations":
        for generation in session.scalars(select(GenerationRow.id)).all():
            create_partition(session, generation)


def _set_sequences(session: Session, sequences: dict[str, int]) -> None:
    """Sets the sequences behind the dump's last numbers, so that none is given twice: somebody may remember
    one that is not in the dump."""
    known = set(
        session.scalars(text("SELECT sequencename FROM pg_sequences WHERE schemaname = current_schema()"))
    )
    statement = text("SELECT setval(CAST(quote_ident(:name) AS regclass), :last)")
    for name, last in sequences.items():
        if name not in known:
            raise OddDumpError(f"there is no sequence {name[:80]!r}")
        if not 1 <= last <= MOST_NUMBERS:
            raise OddDumpError(f"the sequence {name} is at {last}")
        session.execute(statement, {"name": name, "last": last})


def _raise_sequences(session: Session) -> None:
    """Sets sequences behind the numbers that rows have, whatever the dump told of them."""
    for sequence, table, column in session.execute(text(OWNED_SEQUENCES)).all():
        _raise_to(session, sequence, f"SELECT max({column}) FROM {table}")
    changes = "SELECT max(greatest(seq, superseded)) FROM documents"
    _raise_to(session, "change_seq", f"SELECT greatest(({changes}), (SELECT max(live_seq) FROM generations))")


def _raise_to(session: Session, sequence: str, highest: str) -> None:
    last = session.scalar(text(highest))
    if last is not None and not 0 <= last <= MOST_NUMBERS:
        raise OddDumpError(f"a number of {sequence} is {last}")
    values = {"name": sequence, "last": last}
    told = session.scalar(text("SELECT pg_sequence_last_value(CAST(:name AS regclass))"), values) or 0
    if last and last > told:
        session.execute(text("SELECT setval(CAST(:name AS regclass), :last)"), values)


def _compute(session: Session, generation: GenerationRow, reporter: Reporter) -> None:
    """Embeds all passages and finds their features, as the build did (not committed)."""
    embedder = embedder_of(space_of(generation.recipe))
    dictionary = read_dictionary(session, generation.dictionary_id)
    splitter = splitter_of(embedder, generation.recipe.passage_tokens)
    longest_first = (PassageRow.end - PassageRow.start).desc()
    missing = session.scalars(
        select(PassageRow.id).where(PassageRow.generation_id == generation.id).order_by(longest_first)
    ).all()
    with reporter.step("embedding passages", len(missing)):
        for start in range(0, len(missing), EMBED_ROWS):
            rows = passage_texts(session, generation.id, missing[start : start + EMBED_ROWS])
            texts = [embedded_text(splitter.clip_title(title), body) for _, title, body in rows]
            x_ND = embedder.encode(texts, on_batch=reporter.advance)
            acts = dictionary.encode(x_ND, device=embedder.device)
            values = zip(rows, x_ND, acts.ids_NK, acts.values_NK, strict=True)
            filled = ((row[0], *(value.tobytes() for value in computed)) for row, *computed in values)
            fill(session, generation.id, ("embedding", "feature_ids", "activations"), filled)
