"""Says what came of an evaluation: means, differences, and which questions changed by which terms."""

from collections.abc import Mapping

from search.db.models import GenerationRow
from search.evaluation.evaluate import figure
from search.evaluation.judged import Judged
from search.evaluation.measures import MEASURES
from search.evaluation.moved_terms import Side, changed_question
from search.query.steering import format_steering
from search.responses.evaluation import (
    ChangedQuestion,
    EvaluatedSide,
    EvaluationReport,
    JudgedTwice,
    QuestionValues,
)

FIRST = next(iter(MEASURES))
"""By this measure questions are better or worse."""

SAME = 1e-9
SHOWN = 10  # questions that changed, each way, with their terms
LISTED = 500  # questions with their values
TOLD = 50  # contradictions


def report(judged: Judged, this: Side, against: Side | None = None) -> EvaluationReport:
    """Puts the report of one evaluation, or of two beside each other, together. Its questions are those that
    were evaluated (at least one)."""
    alone = EvaluationReport(
        judgements=judged.judgements,
        judges=len(judged.judges),
        gone=judged.gone,
        unanswerable=len(judged.unanswerable),
        questions=len(judged.grades),
        this=_side(this),
        per_question=_per_question(this, against),
        contradictions=tuple(
            JudgedTwice(question=each.question, document=each.document, said=each.said, counts=each.counts)
            for each in judged.contradictions[:TOLD]
        ),
        contradicted=len(judged.contradictions),
    )
    return alone if against is None else alone.model_copy(update=_compared(judged.grades, this, against))


def _compared(grades: Mapping[str, Mapping[str, int]], this: Side, against: Side) -> dict[str, object]:
    ours, theirs = this.evaluation.values, against.evaluation.values
    differences = {
        measure: [mine - other for mine, other in zip(ours[measure], theirs[measure], strict=True)]
        for measure in ours
    }
    first = differences[FIRST]
    order = sorted(range(len(first)), key=lambda number: first[number])
    worse = [number for number in order if first[number] < -SAME]
    better = [number for number in reversed(order) if first[number] > SAME]

    def changed(number: int) -> ChangedQuestion:
        question = this.evaluation.questions[number]
        values = ours[FIRST][number], theirs[FIRST][number]
        return changed_question(question, grades[question], this, against, values)

    return {
        "against": _side(against),
        "differences": tuple(figure(measure, values) for measure, values in differences.items()),
        "better": len(better),
        "worse": len(worse),
        "same": len(first) - len(better) - len(worse),
        "gained": tuple(map(changed, better[:SHOWN])),
        "lost": tuple(map(changed, worse[:SHOWN])),
    }


def _side(side: Side) -> EvaluatedSide:
    snapshot, setting = side.reader.snapshot, side.setting
    row = side.reader.session.get_one(GenerationRow, snapshot.generation)
    return EvaluatedSide(
        collection=snapshot.collection,
        generation=snapshot.generation,
        is_live=row.state == "live",
        preset=setting.preset,
        steer=format_steering(setting.steering),
        mode=setting.mode,
        figures=side.evaluation.figures,
    )


def _per_question(this: Side, against: Side | None) -> tuple[QuestionValues, ...]:
    """Lists the questions with what was measured of them, the worst first."""
    evaluation = this.evaluation
    order = sorted(range(len(evaluation.questions)), key=lambda number: evaluation.values[FIRST][number])
    return tuple(
        QuestionValues(
            question=evaluation.questions[number],
            this=evaluation.of(number),
            against={} if against is None else against.evaluation.of(number),
        )
        for number in order[:LISTED]
    )
