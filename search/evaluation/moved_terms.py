"""Says by which terms a question got better or worse: what they add to a judged document over a rival that it
passed, on the one side and on the other."""

from collections.abc import Mapping
from dataclasses import dataclass

from search.engine.reader import Reader
from search.errors import DocumentNotFound
from search.evaluation.evaluate import Evaluation, Setting
from search.explain.compare import Places, margins, passages_of, result_of, seen_in
from search.responses.evaluation import ChangedQuestion, MovedTerm

MOST_TERMS = 4
LEAST = 0.0005  # what is less is no change in three digits


@dataclass(frozen=True, eq=False)
class Side:
    """Holds one side of a comparison: a reader, the setting, what was found with them."""

    reader: Reader
    setting: Setting
    evaluation: Evaluation


def changed_question(
    question: str, grades: Mapping[str, int], this: Side, against: Side, values: tuple[float, float]
) -> ChangedQuestion:
    """Describes a question whose `values` on the two sides differ."""
    ours, theirs = (_ranks(side, question) for side in (this, against))
    better, worse = (ours, theirs) if values[0] > values[1] else (theirs, ours)
    document = _moved_most(grades, better, worse)
    rival = _rival(grades, document, better, worse)
    return ChangedQuestion(
        question=question,
        this=values[0],
        against=values[1],
        document=document,
        rank_this=ours.get(document),
        rank_against=theirs.get(document),
        rival=rival,
        terms=_moved(question, document, rival, this, against) if rival else (),
    )


def _ranks(side: Side, question: str) -> dict[str, int]:
    return {document: rank for rank, document in enumerate(side.evaluation.rankings[question], start=1)}


def _gain(rank: int | None) -> float:
    return 0.0 if rank is None else 1.0 / rank


def _moved_most(grades: Mapping[str, int], better: Mapping[str, int], worse: Mapping[str, int]) -> str:
    """Finds the answer that the better ranking gains most by: a high grade, near the top."""

    def gained(document: str) -> float:
        nearer = _gain(better.get(document)) - _gain(worse.get(document))
        return float(2 ** grades[document] - 1) * nearer

    return max((document for document, grade in grades.items() if grade), key=gained)


def _rival(
    grades: Mapping[str, int], document: str, better: Mapping[str, int], worse: Mapping[str, int]
) -> str:
    """Finds the first document, judged no answer or not judged, that stands before the given one in the worse
    ranking and behind it in the better one; "" if there is none."""
    last, place = len(worse) + 1, better.get(document, len(better) + 1)
    before = (
        each
        for each, rank in worse.items()
        if rank < worse.get(document, last) and not grades.get(each) and each != document
    )
    return next((each for each in before if better.get(each, place + 1) > place), "")


def _moved(question: str, document: str, rival: str, this: Side, against: Side) -> tuple[MovedTerm, ...]:
    """Lists the terms whose part in the distance of two documents changed most from side to side; none where
    one of them is not there on both."""
    try:
        ours, theirs = (_margins(question, document, rival, side) for side in (this, against))
    except DocumentNotFound:
        return ()
    found = [
        MovedTerm(kind=kind, label=label, this=ours.get(key, 0.0), against=theirs.get(key, 0.0))
        for key in {**ours, **theirs}
        for kind, label in [key]
        if abs(ours.get(key, 0.0) - theirs.get(key, 0.0)) >= LEAST
    ]
    return tuple(sorted(found, key=lambda term: -abs(term.this - term.against))[:MOST_TERMS])


def _margins(question: str, document: str, rival: str, side: Side) -> dict[tuple[str, str], float]:
    """Gives what each term adds to one document more than to the other."""
    reader = side.reader
    prepared = reader.prepare(side.setting.request(question))
    rows = passages_of(reader.session, reader.snapshot, [document, rival])
    unranked = Places(prepared.rank(1), {}, {})
    seen = seen_in(prepared, rows.values())
    one, other = (result_of(reader, prepared, rows[name], unranked, seen) for name in (document, rival))
    return {(each.kind, each.label): each.margin for each in margins(one, other)}
