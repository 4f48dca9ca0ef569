"""Reads what people have judged, as an evaluation counts it: one grade a question and document."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from search.db.models import DocumentRow, JudgementRow
from search.errors import InvalidRequest

FEWEST = 50
"""So many questions are learned from at least: fewer teach nothing that holds for others."""


@dataclass(frozen=True)
class Contradiction:
    """Names a document of which people say different things for a question: grades by who said so, and the
    one that counts."""

    question: str
    document: str
    said: dict[str, int]
    counts: int


@dataclass(frozen=True)
class Judged:
    """Holds what is counted: for each question that has an answer, grades by document.

    `judgements` counts all that were read, of whatever document; `judges` gave them; `gone` are of documents
    that are not there; `unanswerable` are questions that no document which is there answers: nothing can be
    measured of them.
    """

    grades: dict[str, dict[str, int]]
    judgements: int = 0
    judges: tuple[str, ...] = ()
    gone: int = 0
    unanswerable: tuple[str, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()

    def check(self, collection: str) -> None:
        """Refuses to measure nothing.

        Raises:
            InvalidRequest: no question can be measured; it says why.
        """
        if self.grades:
            return
        if not self.judgements:
            raise InvalidRequest(
                f"Nothing has been judged in {collection!r}.",
                hint="Judge results on the pages, or take judgements in with refract judgements import.",
            )
        raise InvalidRequest(
            f"None of the {self.judgements:,} judgements in {collection!r} says that a document which is "
            "there answers its question, so nothing can be measured.",
            hint="Judge what does answer, too.",
        )

    def check_teaches(self, collection: str) -> None:
        """Refuses to learn from too little.

        Raises:
            InvalidRequest: no question can be measured, or too few; it says how many.
        """
        self.check(collection)
        if len(self.grades) < FEWEST:
            raise InvalidRequest(
                f"{len(self.grades):,} judged questions of {collection!r} have an answer that is there; "
                f"learning takes {FEWEST}.",
                hint="Judge more questions, or take judgements in with refract judgements import.",
            )


def read_judged(session: Session, collection: int, *others: int) -> Judged:
    """Reads a collection's judgements of documents that it and the `others` have (row ids of collections).

    Where people differ the mean counts, rounded to a whole grade, a half down: what is said as often as its
    opposite is no answer.
    """
    said: dict[bytes, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    asked: dict[bytes, str] = {}
    columns = (JudgementRow.question_key, JudgementRow.question, JudgementRow.document, JudgementRow.judge)
    rows = session.execute(
        select(*columns, JudgementRow.grade)
        .where(JudgementRow.collection_id == collection)
        .order_by(JudgementRow.id)
    ).all()
    there = _documents(session, collection, *others)
    for row in rows:
        asked.setdefault(row.question_key, row.question)
        if row.document in there:
            said[row.question_key][row.document][row.judge] = row.grade
    merged = {
        key: {document: _agreed(each.values()) for document, each in said[key].items()} for key in asked
    }
    return Judged(
        grades={asked[key]: grades for key, grades in merged.items() if any(grades.values())},
        judgements=len(rows),
        judges=tuple(sorted({row.judge for row in rows})),
        gone=sum(row.document not in there for row in rows),
        unanswerable=tuple(asked[key] for key, grades in merged.items() if not any(grades.values())),
        contradictions=tuple(
            Contradiction(asked[key], document, dict(each), merged[key][document])
            for key in asked
            for document, each in said[key].items()
            if len(set(each.values())) > 1
        ),
    )


def _agreed(grades: Iterable[int]) -> int:
    """Gives the mean grade, a half rounded down."""
    given = list(grades)
    return math.ceil(sum(given) / len(given) - 0.5)


def _documents(session: Session, *collections: int) -> set[str]:
    """Finds the judged documents that all of some collections have now."""
    judged = select(JudgementRow.document).where(JudgementRow.collection_id == collections[0])
    ids = (
        select(DocumentRow.external_id)
        .where(
            DocumentRow.collection_id.in_(collections),
            DocumentRow.superseded.is_(None),
            DocumentRow.external_id.in_(judged),
        )
        .group_by(DocumentRow.external_id)
        .having(func.count() == len(set(collections)))
    )
    return set(session.scalars(ids))
