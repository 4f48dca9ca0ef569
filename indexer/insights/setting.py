"""Whether questions of a collection are kept, and for how long; and that they go when their time is up."""

from sqlalchemy import Engine, delete, text
from sqlalchemy.orm import Session

from indexer.audit import record
from search.db.connection import open_session
from search.db.listener import notify
from search.db.locks import take_turn
from search.db.lookup import find_collection
from search.db.models import QuestionRow
from search.errors import InvalidRequest

TURN = "refract questions"
"""Whoever writes or deletes what is kept holds the lock of this name until the transaction ends."""

USUAL_DAYS = 30
MOST_DAYS = 365

# A day is over for a collection when its first question is as old as questions may be.
OLD = text(
    """
    DELETE FROM questions USING collections AS c
    WHERE c.id = collection_id AND day <= (now() AT TIME ZONE 'UTC')::date - coalesce(c.keep_questions, 0)
    """
)


def keep_questions(database: Engine, name: str, days: int) -> None:
    """Lets questions of a collection be kept for so many days from now on; 0: no more, and those that are
    kept are deleted at once.

    Raises:
        CollectionNotFound
        InvalidRequest: they cannot be kept for so long.
    """
    if not 0 <= days <= MOST_DAYS:
        raise InvalidRequest(
            f"Questions cannot be kept for {days:,} days.", hint=f"Use 1 to {MOST_DAYS}; 0 keeps none."
        )
    with open_session(database) as session:
        take_turn(session, TURN)
        collection = find_collection(session, name)
        if collection.keep_questions != (days or None):
            collection.keep_questions = days or None
            session.flush()
            forget_old(session)
            record(session, "collection.questions", name, days=days)
            notify(session)
        session.commit()


def delete_questions(database: Engine, name: str) -> int:
    """Deletes all questions of a collection that are kept; gives how many there were on all days.

    Raises:
        CollectionNotFound
    """
    with open_session(database) as session:
        take_turn(session, TURN)
        number = find_collection(session, name).id
        gone = delete(QuestionRow).where(QuestionRow.collection_id == number)
        deleted = len(session.scalars(gone.returning(QuestionRow.day)).all())
        record(session, "questions.delete", name, deleted=deleted)
        session.commit()
    return deleted


def forget_old(session: Session) -> None:
    """Deletes the questions whose time is up, and those of collections that keep none."""
    session.execute(OLD)
