"""Retention drops generations, dictionaries and versions of documents that nothing needs any more."""

import logging
import shutil
import time
from pathlib import Path

from sqlalchemy import delete, exists, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from indexer.hooks.events import tell
from search.db.lookup import installation_of
from search.db.models import CollectionRow, DictionaryRow, DocumentRow, GenerationRow, PassageRow, ShardRow
from search.errors import ConfigurationError, VectorsUnavailable
from search.index.generation_files import generation_folder
from search.index.milvus_connection import FOR_CHECKS
from search.index.milvus_index import prefix_of
from search.index.milvus_server import milvus_address, milvus_server

DROP_ATTEMPTS, LOCK_MILLISECONDS, PAUSE_SECONDS = 8, 200, 0.3

logger = logging.getLogger(__name__)


def drop_generation(session: Session, data: Path, generation: int) -> None:
    """Drops a generation that is not live, in a transaction of its own: partition and row, then files.

    Dropping needs all of `passages` for a moment, and a reader keeps it until it has answered. Searches queue
    behind whoever waits, so that this waits shortly, a few times over; where somebody reads for long it is
    left to the next build.
    """
    for attempt in range(DROP_ATTEMPTS):
        try:
            row = session.get(GenerationRow, generation, with_for_update=True)
            if row is None or row.state == "live":
                session.rollback()
                return
            drop_partitions(session, [generation])
            session.delete(row)
            if row.live_at is not None:
                collection = session.get_one(CollectionRow, row.collection_id)
                tell(session, "generation.dropped", collection, generation=generation)
            session.commit()
        except OperationalError:
            session.rollback()
            time.sleep(PAUSE_SECONDS if attempt + 1 < DROP_ATTEMPTS else 0.0)
        else:
            remove_files(data, generation)
            return
    logger.info("Generation %d is still being read; the next build drops it.", generation)


def drop_partitions(session: Session, generations: list[int]) -> None:
    """Drops the passages of generations (not committed), if all that read let go of them shortly."""
    session.execute(text(f"SET LOCAL lock_timeout = '{LOCK_MILLISECONDS}ms'"))
    for generation in generations:
        session.execute(text(f"DROP TABLE IF EXISTS passages_{generation}"))


def remove_files(data: Path, generation: int) -> None:
    """Removes the derived files of a generation that is dropped."""
    shutil.rmtree(generation_folder(data, generation), ignore_errors=True)


def drop_vectors(session: Session) -> None:
    """Drops what a Milvus server holds of generations that are dropped. One that does not answer keeps it
    until the next build."""
    try:
        if milvus_address() is None:
            return
        server, ours = milvus_server(), prefix_of(installation_of(session))
        names = server.names(ours, FOR_CHECKS)  # before the generations: one may come meanwhile
        kept = {str(number) for number in session.scalars(select(GenerationRow.id))}
        session.commit()
        for name in names:
            if name.removeprefix(ours).partition("_")[0] not in kept:
                server.drop(name)
    except (ConfigurationError, VectorsUnavailable) as error:
        logger.warning("Vectors that nothing needs any more stay until the next build: %s", error)


def drop_shards(session: Session, collection: int) -> None:
    """Drops the shards of a collection's builds, which have ended."""
    builds = select(GenerationRow.id).where(GenerationRow.collection_id == collection)
    session.execute(delete(ShardRow).where(ShardRow.generation_id.in_(builds)))
    session.commit()


def drop_dictionaries(session: Session, collection: int) -> None:
    """Drops a collection's dictionaries that none of its generations uses, with their labels."""
    used = select(GenerationRow.dictionary_id).where(GenerationRow.dictionary_id.is_not(None))
    session.execute(
        delete(DictionaryRow).where(DictionaryRow.collection_id == collection, DictionaryRow.id.not_in(used))
    )
    session.commit()


def drop_old_versions(session: Session, collection: int) -> None:
    """Drops documents that were replaced or deleted and that no generation holds passages of: what was
    deleted does not stay longer than one can go back to it."""
    held = exists().where(PassageRow.document_id == DocumentRow.id)
    session.execute(
        delete(DocumentRow).where(
            DocumentRow.collection_id == collection, DocumentRow.superseded.is_not(None), ~held
        ),
        execution_options={"synchronize_session": False},
    )
    session.commit()
