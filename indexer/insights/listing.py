"""What is asked of a collection most, what it has no good answer to, which words it lacks, what is turned."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from search.db.models import CollectionRow

USUAL = 20
"""So many of each are shown."""

KEPT = """
    kept AS (
        SELECT * FROM questions
        WHERE collection_id = :collection AND day > (now() AT TIME ZONE 'UTC')::date - :days)
"""
"""The days that are kept; what is older is gone, or is about to be."""

COUNTS = text(
    f"""
    WITH {KEPT}
    SELECT count(DISTINCT question_key) AS questions, coalesce(sum(asked), 0) AS asked,
        coalesce(sum(weak), 0) AS weak FROM kept
    """
)
QUESTIONS = f"""
    WITH {KEPT}, judged AS (
        SELECT question_key, count(*) FILTER (WHERE grade = 0) AS down,
            count(*) FILTER (WHERE grade > 0) AS up
        FROM judgements WHERE collection_id = :collection GROUP BY question_key),
    asked AS (
        SELECT question_key, (array_agg(question ORDER BY day DESC))[1] AS question,
            greatest(sum(asked), 1) AS asked, max(last_at) AS last_at, count(*) AS days,
            (array_agg(found ORDER BY day DESC))[1] AS found, sum(weak) AS weak,
            jsonb_agg(to_jsonb(nowhere) ORDER BY day DESC) -> 0 AS nowhere,
            jsonb_agg(to_jsonb(knobs)) AS knobs, jsonb_agg(to_jsonb(modes)) AS modes
        FROM kept GROUP BY question_key)
    SELECT asked.*, coalesce(down, 0) AS down, coalesce(up, 0) AS up
    FROM asked LEFT JOIN judged USING (question_key)
"""
MOST_ASKED = text(f"{QUESTIONS} ORDER BY asked DESC, last_at DESC, question LIMIT :limit")
UNANSWERED = text(
    f"""
    {QUESTIONS} WHERE weak > 0 OR coalesce(down, 0) > 0 AND up = 0
    ORDER BY weak DESC, asked DESC, last_at DESC, question LIMIT :limit
    """
)
COUNTED = """
    WITH {kept}
    SELECT name, count(DISTINCT question_key) AS questions,
        (array_agg(question ORDER BY day DESC, last_at DESC, question))[1] AS question
    FROM kept, unnest({column}) AS name GROUP BY name ORDER BY questions DESC, name LIMIT :limit
"""
NOWHERE = text(COUNTED.format(kept=KEPT, column="nowhere"))
KNOBS = text(COUNTED.format(kept=KEPT, column="knobs"))


@dataclass(frozen=True)
class AskedQuestion:
    """Describes a question as people asked it: how often, when last (the hour), on how many `days`, how many
    documents it `found` then, how often the answer was `weak` (nothing was really about it, or nothing was
    found), and how many thumbs say that a result is no answer (`down`) or one (`up`). `nowhere` are words of
    it that no passage had, `knobs` what was turned by its label, `modes` how it was searched."""

    question: str
    asked: int
    last_at: datetime
    days: int
    found: int
    weak: int
    down: int
    up: int
    nowhere: list[str]
    knobs: list[str]
    modes: list[str]


@dataclass(frozen=True)
class Counted:
    """Counts the questions with a word that is nowhere, or with a knob that was turned; `question` is the
    latest of them."""

    name: str
    questions: int
    question: str


@dataclass(frozen=True)
class Insights:
    """Says what is asked of a collection, as far as questions are kept: for so many `days`, None where they
    are not. `questions` counts different ones, `asked` how often they were asked, `weak` how often without a
    good answer; what comes most often is first. `unanswered` are those with a weak answer, or with thumbs
    down and none up."""

    collection: str
    days: int | None
    questions: int
    asked: int
    weak: int
    most_asked: list[AskedQuestion]
    unanswered: list[AskedQuestion]
    nowhere: list[Counted]
    knobs: list[Counted]


def read_insights(session: Session, collection: CollectionRow, *, limit: int = USUAL) -> Insights:
    """Reads what is asked of a collection, so many of each."""
    values = _values(collection, limit)
    counts = session.execute(COUNTS, values).one()
    return Insights(
        collection=collection.name,
        days=collection.keep_questions,
        questions=counts.questions,
        asked=counts.asked,
        weak=counts.weak,
        most_asked=[_asked(row) for row in session.execute(MOST_ASKED, values)],
        unanswered=[_asked(row) for row in session.execute(UNANSWERED, values)],
        nowhere=[Counted(**row) for row in session.execute(NOWHERE, values).mappings()],
        knobs=[Counted(**row) for row in session.execute(KNOBS, values).mappings()],
    )


def list_questions(session: Session, collection: CollectionRow, *, limit: int) -> list[AskedQuestion]:
    """Lists questions, those asked most often first."""
    return [_asked(row) for row in session.execute(MOST_ASKED, _values(collection, limit))]


def _values(collection: CollectionRow, limit: int) -> dict[str, int]:
    return {"collection": collection.id, "days": collection.keep_questions or 0, "limit": limit}


def _asked(row: Row[Any]) -> AskedQuestion:
    return AskedQuestion(
        question=row.question,
        asked=row.asked,
        last_at=row.last_at,
        days=row.days,
        found=row.found,
        weak=row.weak,
        down=row.down,
        up=row.up,
        nowhere=row.nowhere,
        knobs=_once(row.knobs),
        modes=_once(row.modes),
    )


def _once(lists: list[list[str]]) -> list[str]:
    return sorted({each for one in lists for each in one})
