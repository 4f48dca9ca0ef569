"""The generations of a collection are listed here, and one goes back to an earlier one."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.orm import Session

from indexer.audit import record
from indexer.build.catch_up import CatchUp, count_pending
from indexer.default_collection import ensure_default
from indexer.documents import lock_documents, touch
from indexer.hooks.events import tell
from indexer.progress import Reporter
from search.db.locks import build_lock
from search.db.lookup import find_collection
from search.db.models import CollectionRow, GenerationRow, change_seq
from search.db.recipe import Checks, Recipe
from search.errors import Busy, InvalidRequest


@dataclass(frozen=True)
class GenerationInfo:
    """Describes a generation by its number. `live_at` is when it last became live, None while it is built;
    `checks` what it found when it checked itself."""

    number: int
    state: str
    passages: int | None
    dictionary: int | None
    recipe: Recipe
    checks: Checks
    created_at: datetime
    live_at: datetime | None


def list_generations(session: Session, collection: str) -> list[GenerationInfo]:
    """Lists all generations of a collection, the newest first.

    Raises:
        CollectionNotFound: there is no collection of that name.
    """
    number = find_collection(session, collection).id
    rows = (
        select(GenerationRow).where(GenerationRow.collection_id == number).order_by(GenerationRow.id.desc())
    )
    return [
        GenerationInfo(
            number=row.id,
            state=row.state,
            passages=row.passages,
            dictionary=row.dictionary_id,
            recipe=row.recipe,
            checks=row.checks,
            created_at=row.created_at,
            live_at=row.live_at,
        )
        for row in session.scalars(rows)
    ]


def roll_back(database: Engine, collection: str, to: int | None = None) -> int:
    """Makes an earlier generation live again, the one before or that number; gives its number. What changed
    since it was live is added to it first. The one that was live stays, so that rolling back twice changes
    nothing.

    Raises:
        CollectionNotFound: there is no collection of that name.
        InvalidRequest: there is none to go back to, or none of that number.
        Busy: one is being built.
        ConfigurationError: its embedding model cannot be loaded.
    """
    with Session(database) as session:
        number = find_collection(session, collection).id
        chosen = _chosen(session, number, collection, to).id
        missing = count_pending(session, session.get_one(GenerationRow, chosen))
    replay = CatchUp(database, chosen) if missing else None
    if replay:
        replay.run(Reporter(database))
    with Session(database) as session:
        lock = {"key": build_lock(number)}
        if not session.scalar(text("SELECT pg_try_advisory_xact_lock(hashtext(:key))"), lock):
            raise Busy(
                f"The collection {collection!r} is being built.",
                hint="Wait until that has ended, or stop it.",
            )
        lock_documents(session, number)
        row = _chosen(session, number, collection, chosen)
        if replay is None and count_pending(session, row):  # changed just now
            replay = CatchUp(database, chosen)
        if replay:
            replay.finish(session)
        make_live(session, row)
        record(session, "generation.rollback", collection, generation=chosen)
        session.commit()
    return chosen


def make_live(session: Session, generation: GenerationRow) -> None:
    """Retires what is live in the collection and puts a generation in its place (not committed)."""
    before = session.scalar(
        update(GenerationRow)
        .where(GenerationRow.collection_id == generation.collection_id, GenerationRow.state == "live")
        .values(state="retired")
        .returning(GenerationRow.id)
    )
    generation.state = "live"
    generation.live_at = func.now()
    generation.live_seq = change_seq.next_value()
    collection = session.get_one(CollectionRow, generation.collection_id)
    collection.model = generation.recipe.model
    ensure_default(session)
    touch(session, collection.id)
    tell(session, "generation.live", collection, generation=generation.id, before=before)


def _chosen(session: Session, number: int, collection: str, to: int | None) -> GenerationRow:
    """Finds the retired generation of that number, or the one that was live last."""
    rows = select(GenerationRow).where(
        GenerationRow.collection_id == number, GenerationRow.state == "retired"
    )
    retired = session.scalars(rows.order_by(GenerationRow.live_seq.desc())).all()
    if not retired:
        raise InvalidRequest(
            f"The collection {collection!r} has no earlier generation to go back to.",
            hint="The generation before stays when a build goes live; there was none yet.",
        )
    if to is None:
        return retired[0]
    chosen = next((row for row in retired if row.id == to), None)
    if chosen is None:
        known = ", ".join(str(row.id) for row in retired)
        raise InvalidRequest(f"There is no generation {to} to go back to.", hint=f"There is: {known}.")
    return chosen
