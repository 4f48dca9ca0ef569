"""A dump is restored in one transaction on an empty database, so that all of it is there or nothing."""

from pathlib import Path
from zipfile import ZipFile

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from indexer.audit import record
from indexer.backup.manifest import Manifest, Member, blocks, open_dump, read_checked
from indexer.build.passage_rows import create_partition, fill, passage_texts, splitter_for
from indexer.progress import Reporter
from search.db.connection import driver, first_line
from search.db.listener import notify
from search.db.migrations import take_tables_to
from search.db.models import CollectionRow, GenerationRow, KeyRow, PassageRow
from search.embedding.embedder import embedder_of
from search.embedding.splitter import embedded_text
from search.errors import InvalidRequest, SourceError
from search.index.generation_files import write_files
from search.index.passage_store import read_dictionary
from search.index.snapshot import space_of

EMBED_ROWS = 8192
"""A step makes a table of its own, which stays locked to the end: not too many of them."""


def restore(database: Engine, data: Path, path: Path, reporter: Reporter) -> Manifest:
    """Puts all that a dump holds into an empty database, with the numbers it had, and writes the index
    files. What the dump was made without is computed. A dump of older tables is brought up to date.

    Raises:
        InvalidRequest: the database is not empty.
        SourceError: it is no dump, is damaged or cut off, a newer Refract has made it, or it does not fit.
        ConfigurationError: an embedding model that is needed cannot be loaded.
    """
    with Session(database) as session:
        _require_empty(session)
        manifest = read_checked(path, reporter)
        take_tables_to(session.connection(), manifest.revision)
        with open_dump(path) as archive, reporter.step("loading the dump", manifest.rows):
            for member in manifest.members:
                _load(session, archive, member, path, reporter)
        _set_sequences(session, manifest.sequences)
        take_tables_to(session.connection(), "head")
        for generation in session.scalars(select(GenerationRow).order_by(GenerationRow.id)).all():
            if not manifest.embeddings:
                _compute(session, generation, reporter)
            with reporter.step("writing the index"):
                write_files(session, data, generation)
        record(session, "restore", path.name, collections=manifest.collections)
        notify(session)
        session.commit()
    return manifest


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


def _load(session: Session, archive: ZipFile, member: Member, path: Path, reporter: Reporter) -> None:
    columns = SQL(", ").join(map(Identifier, member.columns))
    statement = SQL("COPY {} ({}) FROM STDIN (ENCODING 'UTF8')").format(Identifier(member.table), columns)
    try:
        with driver(session.connection()).cursor() as cursor, cursor.copy(statement) as copy:
            for block in blocks(archive, member):
                copy.write(block)
                reporter.advance(block.count(b"\n"))
    except (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError) as error:
        raise SourceError(f"The dump {path} does not fit this database: {first_line(error)}.") from None
    if member.table == "generations":
        for generation in session.scalars(select(GenerationRow.id)).all():
            create_partition(session, generation)


def _set_sequences(session: Session, sequences: dict[str, int]) -> None:
    """Sets the sequences behind the dump's last numbers, so that none is given twice: somebody may remember
    one that is not in the dump."""
    statement = text("SELECT setval(CAST(quote_ident(:name) AS regclass), :last)")
    for name, last in sequences.items():
        session.execute(statement, {"name": name, "last": last})


def _compute(session: Session, generation: GenerationRow, reporter: Reporter) -> None:
    """Embeds all passages and finds their features, as the build did (not committed)."""
    embedder = embedder_of(space_of(generation.recipe))
    dictionary = read_dictionary(session, generation.dictionary_id)
    splitter = splitter_for(embedder, generation.recipe)
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
