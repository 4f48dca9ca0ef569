"""An evaluation in words, for the pages and the terminal."""

from collections.abc import Iterator

from search.query.limits import USUAL_MODE
from search.query.presets import NONE
from search.responses.evaluation import EvaluatedSide, EvaluationReport


def described(side: EvaluatedSide) -> str:
    """Says what was measured."""
    parts = [f"{side.collection}, generation {side.generation}{' (live)' if side.is_live else ''}"]
    if side.preset == NONE:
        parts.append("no preset")
    elif side.preset:
        parts.append(f"preset {side.preset}")
    parts += [side.steer] if side.steer else []
    parts += [side.mode] if side.mode != USUAL_MODE else []
    return ", ".join(parts)


def signed(value: float, digits: int = 3) -> str:
    """Writes a difference with its sign; none where nothing is left of it."""
    shown = f"{value:+.{digits}f}"
    return shown if float(shown) else f"{0:.{digits}f}"


def told_counts(found: EvaluationReport) -> Iterator[str]:
    """Says in sentences what was measured by what, and what was left out."""
    yield f"{_many(found.questions, 'question')}, {_many(found.judgements, 'judgement')} of {_many(found.judges, 'judge')}."
    if found.against:
        yield f"{found.better:,} better, {found.worse:,} worse, {found.same:,} the same by nDCG@10."
    if found.unanswerable:
        verb = "has" if found.unanswerable == 1 else "have"
        yield (
            f"{_many(found.unanswerable, 'question')} {verb} no document that is judged an answer and is "
            "there: not measured."
        )
    if found.gone:
        yield f"{_many(found.gone, 'judgement')} of documents that are not there: not counted."
    if found.contradicted:
        yield f"{_many(found.contradicted, 'document')} judged one way and another: the mean counts."


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
