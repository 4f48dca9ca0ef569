"""An evaluation in words, for the pages and the terminal."""

from collections.abc import Iterator
from urllib.parse import urlencode

from api.middleware.proxy import at
from search.query.limits import USUAL_MODE
from search.query.presets import NONE
from search.responses.evaluation import EvaluatedSide, EvaluationReport, MovedTerm


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


def asked_url(side: EvaluatedSide, question: str) -> str:
    """Makes the address of a question's answers, searched as it was measured."""
    return at(f"/?{urlencode({'q': question, **_fields(side)})}")


def compared_url(side: EvaluatedSide, question: str, first: str, second: str) -> str:
    """Makes the address that says why one document stands before another."""
    return at(f"/compare?{urlencode({'q': question, 'first': first, 'second': second, **_fields(side)})}")


def repair_url(side: EvaluatedSide, question: str, document: str) -> str:
    """Makes the address that says what would put a question right."""
    fields = {"q": question, "document": document, "collection": side.collection}
    return at(f"/repair?{urlencode(fields)}")


def _fields(side: EvaluatedSide) -> dict[str, str]:
    fields = {"collection": side.collection, "preset": side.preset or "", "steer": side.steer}
    if side.mode != USUAL_MODE:
        fields["mode"] = side.mode
    return {name: value for name, value in fields.items() if value}


def signed(value: float, digits: int = 3) -> str:
    """Writes a difference with its sign; none where nothing is left of it."""
    shown = f"{value:+.{digits}f}"
    return shown if float(shown) else f"{0:.{digits}f}"


def told_term(term: MovedTerm) -> str:
    """Names a term with how much more it adds to the judged document than before."""
    name = "everything else" if term.kind == "remainder" else term.label
    return f"{name} {signed(term.this - term.against)}"


def told_counts(found: EvaluationReport) -> Iterator[str]:
    """Says in sentences what was measured by what, and what was left out."""
    judgements, judges = _many(found.judgements, "judgement"), _many(found.judges, "judge")
    yield f"{_many(found.questions, 'question')}, {judgements} of {judges}."
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
