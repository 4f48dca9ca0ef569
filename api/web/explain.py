"""The pages that answer questions about a ranking: why this before that, and why not."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.dependencies import CollectionDep, EngineDep
from api.views.numbers import round_to_sum
from api.views.page_state import page_state
from api.views.rendering import render
from api.web.live_state import with_preset
from search.browse.documents import find_by_name
from search.engine.reader import Reader
from search.errors import DocumentNotFound
from search.explain.compare import compare
from search.explain.why_not import why_not
from search.responses.explanations import Margin
from search.responses.search import DocumentRef

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
    first, second = (request.query_params.get(name, "") for name in ("first", "second"))
    with engine.reader(collection) as reader:
        state, remapped = with_preset(reader, page_state(request.query_params, collection))
        found = compare(reader, state.request(), first, second)
    context = {
        "state": state,
        "found": found,
        "terms": shown_margins(found.terms, found.margin),
        "units": round(found.margin * 1000),
        "lost": remapped.lost,
    }
    return render(request, "compare.html", context)


@router.get("/why-not")
def why_not_page(request: Request, engine: EngineDep, collection: CollectionDep) -> Response:
    """Where a document stands, what it lacks, and the smallest steering that would bring it up. What is no
    document's id is looked for among ids and titles."""
    document = request.query_params.get("document", "").strip()
    found, lacks, named = None, [], []
    with engine.reader(collection) as reader:
        state, remapped = with_preset(reader, page_state(request.query_params, collection))
        if document:
            try:
                found = why_not(reader, state.request(), document)
                lacks = shown_margins(found.lacks, sum(term.margin for term in found.lacks))
            except DocumentNotFound:
                named = _named(reader, document)
    context = {
        "state": state,
        "document": document,
        "lost": remapped.lost,
        "found": found,
        "lacks": lacks,
        "named": named,
    }
    return render(request, "whynot.html", context)


def _named(reader: Reader, text: str) -> list[DocumentRef]:
    if not any(map(str.isalnum, text)):
        return []
    return find_by_name(reader, text, limit=FOUND)
