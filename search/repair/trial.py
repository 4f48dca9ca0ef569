"""Tries repairs on the questions of a collection that are known, before anything is saved.

Only questions that a repair can touch are searched again: the others are the same. So most cost a few
searches, and what is told is of all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from search import deadline
from search.db.models import CollectionRow, QuestionRow
from search.embedding.words import stems
from search.engine.reader import Reader
from search.evaluation.evaluate import ids_of
from search.evaluation.judged import read_judged
from search.evaluation.measures import NDCG_AT_10, measured
from search.evaluation.report import SAME
from search.query.question_key import question_key
from search.query.repairs import Repair
from search.query.request import SearchRequest
from search.repair.applied import with_repair
from search.responses.repairs import QuestionMoved
from search.scoring.spelling import unknown

MOST = 200
"""So many questions are looked at, those that were judged last before those that were only asked."""

ASKED = 100
"""So many of those that were asked last are known, where they are kept."""

LOOKED_AT = 10  # documents of each: what is measured

SHARE = 0.5
"""Of the time that an answer may take, the trial has so much; questions left then are not counted."""

Grades = Mapping[str, Mapping[str, int]]
Rankings = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Outcome:
    """Says what a repair does to known questions: the change of the mean nDCG@10, how many are better and the
    same, and those that are worse; and how many that nobody judged have other first documents (`moved`)."""

    difference: float = 0.0
    better: int = 0
    same: int = 0
    lost: list[QuestionMoved] = field(default_factory=list)
    moved: int = 0


@dataclass(frozen=True)
class Trial:
    """Holds what each of some repairs does to `questions` of those that are judged (`known`), and to some
    that were `asked`."""

    outcomes: list[Outcome]
    questions: int
    known: int
    asked: int


def known_questions(reader: Reader, question: str) -> Grades:
    """Reads what repairs of a question are tried on, the latest last: all other questions that were judged,
    and before them those that were asked, without grades."""
    known = read_judged(reader.session, reader.snapshot.collection_id).grades
    keys = {question_key(each): each for each in known}
    own = question_key(question)
    asked: dict[str, Mapping[str, int]] = {
        text: {} for key, text in _asked(reader).items() if key != own and key not in keys
    }
    return {**asked, **{each: known[each] for key, each in keys.items() if key != own}}


def try_repairs(reader: Reader, repairs: Sequence[Repair], known: Grades) -> Trial:
    """Searches known questions as they are and as they would be with each repair; others have their turn
    between two questions."""
    grades = {question: known[question] for question in list(known)[-MOST:]}
    readers = [reader, *(with_repair(reader, repair) for repair in repairs)]
    found: list[dict[str, list[int]]] = [{} for _ in readers]
    counted: dict[str, Mapping[str, int]] = {}
    for question, graded in reversed(grades.items()):
        if not _time_is_left():
            break
        touched = [at for at, repair in enumerate(repairs, start=1) if may_touch(reader, repair, question)]
        for at in [0, *touched] if touched else []:
            ranking = readers[at].prepare(SearchRequest(question)).rank(LOOKED_AT)
            found[at][question] = ranking.documents[:LOOKED_AT].tolist()
            reader.breathe()
        counted[question] = graded
    ids = ids_of(reader, {row for each in found for rows in each.values() for row in rows})
    named = [{question: [ids[row] for row in rows] for question, rows in each.items()} for each in found]
    outcomes = [_outcome(named[0], each, counted) for each in named[1:]]
    judged = sum(map(bool, counted.values()))
    return Trial(outcomes, judged, sum(map(bool, known.values())), len(counted) - judged)


def may_touch(reader: Reader, repair: Repair, question: str) -> bool:
    """Whether a repair could change what is found for a question. A word that is nowhere may be taken for
    another one, so a question that has one is always looked at."""
    if repair.kind == "knob":
        return True
    asked = stems(question)
    if repair.kind == "pinned":
        return set(stems(repair.question)) <= set(asked)
    return bool(set(repair.stems) & set(asked)) or bool(unknown(reader.snapshot.lexicon, asked))


def _time_is_left() -> bool:
    limit = deadline.current()
    return limit is None or limit.left > (1 - SHARE) * limit.seconds


def _asked(reader: Reader) -> dict[bytes, str]:
    """Reads the questions that were asked last, where they are kept, the latest last."""
    columns = select(QuestionRow.question_key, QuestionRow.question).join(CollectionRow)
    kept = (
        QuestionRow.collection_id == reader.snapshot.collection_id,
        CollectionRow.keep_questions.is_not(None),
    )
    latest = columns.where(*kept).order_by(QuestionRow.last_at.desc()).limit(ASKED)
    rows = reader.session.execute(latest).all()
    return {row.question_key: row.question for row in reversed(rows)}


def _measured(rankings: Rankings, grades: Grades) -> dict[str, float]:
    graded = {question: grades[question] for question in rankings if grades[question]}
    return dict(zip(graded, measured(NDCG_AT_10, rankings, graded), strict=True)) if graded else {}


def _outcome(now: Rankings, then: Rankings, grades: Grades) -> Outcome:
    before, after = _measured(now, grades), _measured(then, grades)
    questions = sum(map(bool, grades.values()))
    gains = {question: value - before[question] for question, value in after.items()}
    worse = sorted((question for question, gain in gains.items() if gain < -SAME), key=gains.__getitem__)
    better = sum(gain > SAME for gain in gains.values())
    return Outcome(
        difference=sum(gains.values()) / questions if questions else 0.0,
        better=better,
        same=questions - better - len(worse),
        lost=[QuestionMoved(question, before[question], after[question]) for question in worse],
        moved=sum(not grades[question] and then[question] != now[question] for question in then),
    )
