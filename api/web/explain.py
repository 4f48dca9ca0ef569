"""The pages that answer questions about a ranking: why this before that, and why not."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.dependencies import CollectionDep, EngineDep
from api.views.numbers import round_to_sum
from api.views.page_state import page_state
from api.views.rendering import render
from api.web.presets import with_preset
from search.browse.features import find_by_name
from search.engine.engine import Engine
from search.errors import DocumentNotFound
from search.explain.compare import compare
from search.explain.why_not import why_not
from search.responses.search import DocumentRef, Margin

router = APIRouter(include_in_schema=False)

FOUND = 12


@dataclass(frozen=True)
class ShownMargin:
    """One term of a margin in thousandths, and its bar: percentages from the left edge."""

    term: Margin
    units: int
    x: float
    width: float


def shown_margins(terms: Sequence[Margin], total: float) -> list[ShownMargin]:
    """Terms whose shown margins sum to the shown total; bars to the right speak for the first document."""
    units = round_to_sum([term.margin for term in terms], total)
    most = max(map(abs, units), default=0) or 1
    widths = [50 * abs(each) / most for each in units]
    return [
        ShownMargin(term, each, 50.0 if each >= 0 else round(50 - width, 2), round(width, 2))
        for term, each, width in zip(terms, units, widths, strict=True)
    ]


@router.get("/compare")
def compare_page(request: Request, engine: EngineDep, collection: CollectionDep) -> Response:
    """Two documents under one question, the terms that part them most first."""
    state, translation = with_preset(engine, page_state(request.query_params, collection), collection)
    first, second = (request.query_params.get(name, "") for name in ("first", "second"))
    found = compare(engine, state.request(), first, second, collection=collection)
    context = {
        "state": state,
        "found": found,
        "terms": shown_margins(found.terms, found.margin),
        "units": round(found.margin * 1000),
        "lost": translation.lost,
    }
    return render(request, "compare.html", context)


@router.get("/why-not")
def why_not_page(request: Request, engine: EngineDep, collection: CollectionDep) -> Response:
    """Where a document stands, what it lacks, and the smallest steering that would bring it up. What is no
    document's id is looked for among ids and titles."""
    state, translation = with_preset(engine, page_state(request.query_params, collection), collection)
    document = request.query_params.get("document", "").strip()
    context = {"state": state, "document": document, "lost": translation.lost, "found": None, "named": []}
    if document:
        try:
            found = why_not(engine, state.request(), document, collection=collection)
            lacks = shown_margins(found.lacks, sum(term.margin for term in found.lacks))
            context |= {"found": found, "lacks": lacks}
        except DocumentNotFound:
            context["named"] = _named(engine, document, collection)
    return render(request, "whynot.html", context)


def _named(engine: Engine, text: str, collection: str) -> list[DocumentRef]:
    if not any(map(str.isalnum, text)):
        return []
    return find_by_name(engine, text, collection=collection, limit=FOUND)
