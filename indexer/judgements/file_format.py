"""Judgements as files: JSON Lines, and qrels as TREC and BEIR have them, with their questions beside them.

    {"question": "how do cells divide", "document": "biology/mitosis", "grade": 1, "judge": "ann",
     "judged_at": "2026-11-30T12:00:00+00:00", "generation": 3}

`judge`, `judged_at` and `generation` may be left out. A line of qrels is `QUESTION 0 DOCUMENT GRADE` (TREC)
or `QUESTION DOCUMENT GRADE` (BEIR, after a line of headings), where QUESTION is the number of a line of the
questions' file: `{"_id": …, "text": …}` (JSON Lines) or `NUMBER<tab>QUESTION`.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from indexer.judgements.listing import JudgementInfo
from indexer.judgements.store import BEST, Given
from search.errors import InvalidRequest, SourceError
from search.query.limits import MAX_ID, MAX_QUERY
from search.query.sent import Sent

YEARS = range(1970, 9999)
LIKE = 'A line is like {"question": "how do cells divide", "document": "notes/1", "grade": 1}.'
QRELS = "A line is QUESTION 0 DOCUMENT GRADE, as TREC has it, or QUESTION DOCUMENT GRADE."


class FileLine(Sent):
    """Holds a line of JSON Lines."""

    question: Annotated[str, Field(max_length=MAX_QUERY)]
    document: Annotated[str, Field(max_length=MAX_ID)]
    grade: Annotated[int, Field(ge=0, le=BEST, strict=True)]
    judge: Annotated[str, Field(max_length=MAX_ID)] = ""
    judged_at: datetime | None = None
    generation: Annotated[int, Field(ge=1, lt=1 << 62)] | None = None


def read_jsonl(path: Path, judge: str) -> list[Given]:
    """Reads judgements of a file of JSON Lines; those that name nobody are `judge`'s.

    Raises:
        SourceError: it cannot be read, or one of its lines cannot be used.
    """
    return [_given(f"line {number}", line, judge) for number, line in _lines(path)]


def read_qrels(path: Path, questions: Path, judge: str) -> list[Given]:
    """Reads qrels, with what their questions are; a grade below 0 is 0. Without blanks in their ids the
    columns of TREC may stand apart by any of them, those of BEIR by tabs.

    Raises:
        SourceError: a file cannot be read, or one of its lines cannot be used.
    """
    asked = _read_questions(questions)
    given = []
    for number, line in _lines(path):
        where = f"line {number}"
        columns = line.split("\t") if line.count("\t") >= 2 else line.split()
        columns = [each.strip() for each in columns]
        try:
            question, document, grade = columns[0], columns[-2], int(columns[-1])
            if len(columns) not in (3, 4):
                raise ValueError
        except (ValueError, IndexError):
            if number == 1:  # headings
                continue
            raise SourceError(f"{path}, {where}: {line[:80]!r} is no line of qrels.", hint=QRELS) from None
        if question not in asked:
            raise SourceError(
                f"{path}, {where}: there is no question {question[:80]!r} in {questions}.",
                hint="Name the file of the questions that these judgements belong to.",
            )
        given.append(Given(asked[question], document, max(grade, 0), judge, where=where))
    return given


def write_jsonl(judgements: Iterable[JudgementInfo]) -> Iterator[str]:
    """Writes judgements as lines of JSON Lines."""
    for each in judgements:
        fields = {
            "question": each.question,
            "document": each.document,
            "grade": each.grade,
            "judge": each.judge,
            "judged_at": each.judged_at.isoformat(),
            "generation": each.generation,
        }
        yield json.dumps(
            {name: value for name, value in fields.items() if value is not None}, ensure_ascii=False
        )


def write_qrels(grades: dict[str, dict[str, int]]) -> tuple[list[str], list[str]]:
    """Writes grades by question and document as lines of qrels, and the questions as lines of theirs.

    Raises:
        InvalidRequest: a document's id has blanks, which qrels cannot hold.
    """
    qrels, questions = [], []
    for number, (question, judged) in enumerate(grades.items(), start=1):
        questions.append(f"{number}\t{' '.join(question.split())}")
        for document, grade in judged.items():
            if document.split() != [document]:
                raise InvalidRequest(
                    f"The id {document[:80]!r} has blanks, which qrels cannot hold.",
                    hint="Export JSON Lines: refract judgements export without --questions.",
                )
            qrels.append(f"{number} 0 {document} {grade}")
    return qrels, questions


def _given(where: str, line: str, judge: str) -> Given:
    try:
        read = FileLine.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise SourceError(f"{where}: {field + ': ' if field else ''}{first['msg']}.", hint=LIKE) from None
    if read.judged_at is not None and (read.judged_at.tzinfo is None or read.judged_at.year not in YEARS):
        raise SourceError(
            f"{where}: judged_at: it has no time zone, or is no time of ours.",
            hint="Write 2026-11-30T12:00:00Z.",
        )
    return Given(
        question=read.question,
        document=read.document,
        grade=read.grade,
        judge=read.judge or judge,
        judged_at=read.judged_at,
        generation=read.generation,
        where=where,
    )


def _read_questions(path: Path) -> dict[str, str]:
    """Reads questions by what qrels call them."""
    asked: dict[str, str] = {}
    for number, line in _lines(path):
        try:
            if line.startswith("{"):
                record = json.loads(line)
                asked[str(record["_id"])] = str(record["text"])
            else:
                name, question = line.split("\t", 1)
                asked[name.strip()] = question.strip()
        except (ValueError, KeyError, TypeError):
            raise SourceError(
                f"{path}, line {number}: {line[:80]!r} is no question.",
                hint='A line is {"_id": "1", "text": "how do cells divide"}, or 1<tab>how do cells divide.',
            ) from None
    return asked


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Reads the lines of a file that hold anything, by their number."""
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise SourceError(f"{path} is not UTF-8 text.", hint="Save it as UTF-8.") from None
    return ((number, line.rstrip("\r")) for number, line in enumerate(lines, start=1) if line.strip())
