"""Judgements are listed and counted, and what one judge has said of a question is looked up."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from search.db.models import DocumentRow, JudgementRow
from search.query.question_key import question_key


@dataclass(frozen=True)
class JudgementInfo:
    """Describes a judgement by its number: how well a document answers a question, 0 (not at all) to 4, who
    said so, when, and what was live then. `counts`: the document is there."""

    number: int
    question: str
    document: str
    grade: int
    judge: str
    judged_at: datetime
    generation: int | None
    counts: bool


@dataclass(frozen=True)
class JudgementCounts:
    """Counts the judgements of a collection, their questions and who gave them."""

    judgements: int
    questions: int
    judges: int


def list_judgements(
    session: Session, collection: int, *, after: int = 0, limit: int = 1000
) -> list[JudgementInfo]:
    """Lists judgements of a collection in the order of their numbers, those behind one."""
    there = exists().where(
        DocumentRow.collection_id == collection,
        DocumentRow.superseded.is_(None),
        DocumentRow.external_id == JudgementRow.document,
    )
    rows = (
        select(JudgementRow, there)
        .where(JudgementRow.collection_id == collection, JudgementRow.id > after)
        .order_by(JudgementRow.id)
        .limit(limit)
    )
    return [
        JudgementInfo(
            number=row.id,
            question=row.question,
            document=row.document,
            grade=row.grade,
            judge=row.judge,
            judged_at=row.judged_at,
            generation=row.generation,
            counts=counts,
        )
        for row, counts in session.execute(rows)
    ]


def walk_judgements(session: Session, collection: int) -> Iterator[JudgementInfo]:
    """Walks all judgements of a collection."""
    after = 0
    while page := list_judgements(session, collection, after=after):
        yield from page
        after = page[-1].number


def count_judgements(session: Session, collection: int) -> JudgementCounts:
    """Counts what was judged in a collection."""
    counted = select(
        func.count(),
        func.count(JudgementRow.question_key.distinct()),
        func.count(JudgementRow.judge.distinct()),
    )
    return JudgementCounts(*session.execute(counted.where(JudgementRow.collection_id == collection)).one())


def own_judgements(session: Session, collection: int, question: str, judge: str) -> dict[str, int]:
    """Reads what a judge has said of documents for a question: grades by document."""
    rows = select(JudgementRow.document, JudgementRow.grade).where(
        JudgementRow.collection_id == collection,
        JudgementRow.question_key == question_key(question),
        JudgementRow.judge == judge,
    )
    return {row.document: row.grade for row in session.execute(rows)}
