"""The default collection, where requests go that name none: a choice that stays, whoever writes elsewhere.

It is the first that could be searched, until an admin chooses another one or it is deleted.
"""

from sqlalchemy import Engine, exists, select, update
from sqlalchemy.orm import Session

from search.db.connection import open_session
from search.db.listener import notify
from search.db.locks import take_turn
from search.db.lookup import find_collection
from search.db.models import CollectionRow, GenerationRow

_TURN = "refract default collection"


def choose_default(database: Engine, name: str) -> None:
    """Makes a collection the default.

    Raises:
        CollectionNotFound
    """
    with open_session(database) as session:
        take_turn(session, _TURN)
        chosen = find_collection(session, name).id
        session.execute(update(CollectionRow).where(CollectionRow.is_default).values(is_default=False))
        session.execute(update(CollectionRow).where(CollectionRow.id == chosen).values(is_default=True))
        notify(session)
        session.commit()


def ensure_default(session: Session) -> None:
    """Makes the oldest collection that can be searched the default, where none is (not committed)."""
    take_turn(session, _TURN)
    if session.scalar(select(exists().where(CollectionRow.is_default))):
        return
    is_live = exists().where(GenerationRow.collection_id == CollectionRow.id, GenerationRow.state == "live")
    oldest = select(CollectionRow.id).where(is_live).order_by(CollectionRow.id).limit(1).scalar_subquery()
    session.execute(update(CollectionRow).where(CollectionRow.id == oldest).values(is_default=True))
