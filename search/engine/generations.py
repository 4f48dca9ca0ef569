"""Opens readers of any generation that is there, live or not: for who compares them, in a process or thread
that nobody's searches wait for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from search import machine
from search.db.connection import open_session
from search.db.lookup import find_collection, holds, live_generation
from search.db.models import GenerationRow
from search.engine.reader import Reader, Shared
from search.errors import IndexReplaced, InvalidRequest
from search.index.snapshot import load_snapshot
from search.scoring.ranking import POOL

OPEN = ("live", "ready", "retired")


@contextmanager
def generation_reader(
    database: Engine, data: Path, collection: str, generation: int | None = None, beside: Reader | None = None
) -> Iterator[Reader]:
    """Opens a reader of a generation of a collection (None: the live one), with everything that is in it. It
    is not dropped meanwhile. `beside` another reader, texts that both embed alike are embedded once.

    Raises:
        CollectionNotFound, NotIndexed: there is nothing to search.
        InvalidRequest: there is no generation of that number that can be searched.
        StoreUnavailable: the database does not answer.
    """
    shared = Shared.among(POOL, machine.cores(), None)
    if beside is not None:
        shared = replace(shared, encoder=beside.shared.encoder)
    with open_session(database) as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})  # all of one moment
        snapshot = load_snapshot(session, data, _find(session, collection, generation))
        session.commit()  # a file that was made again is recorded
        if not holds(session, snapshot.generation):
            raise IndexReplaced("The index was replaced just now.", hint="Ask again.")
        yield Reader(snapshot, session, shared)


def _find(session: Session, collection: str, generation: int | None) -> GenerationRow:
    if generation is None:
        return live_generation(session, collection)
    of_collection = GenerationRow.collection_id == find_collection(session, collection).id
    rows = session.scalars(select(GenerationRow).where(of_collection).order_by(GenerationRow.id))
    there = {each.id: each for each in rows if each.state in OPEN}
    if generation not in there:
        known = ", ".join(f"{number} ({each.state})" for number, each in there.items())
        raise InvalidRequest(
            f"There is no generation {generation} of {collection!r} that can be searched.",
            hint=f"There is: {known}." if known else "There is none yet.",
        )
    return there[generation]
