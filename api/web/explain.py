"""These pages answer questions about a ranking: why this before that, and why not."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.datastructures import QueryParams
from starlette.responses import Response

from api.dependencies import CollectionDep, EngineDep
from api.views.numbers import round_to_sum
from api.views.page_state import PageState, page_state
from api.views.rendering import Page, render
from api.web.live_state import preset_spelled_out
from search.browse.documents import find_by_name
from search.engine.reader import Reader
from search.errors import DocumentNotFound, InvalidRequest
from search.explain.compare import compare
from search.explain.why_not import why_not
from search.responses.explanations import Comparison, Margin, WhyNot
from search.responses.search import DocumentRef, LostKnob

router = APIRouter(include_in_schema=False)

FOUND = 12


@dataclass(frozen=True)
class ShownMargin:
    """Shows one term of a margin in thousandths, and its bar: percentages from the left edge."""

    term: Margin
    units: int
    x: float
    width: float


@dataclass(frozen=True)
class ComparePage(Page):
    """Shows two documents. `units` is the difference of the scores in thousandths, to which the terms sum."""

    template = "compare.html"

    state: PageState
    found: Comparison
    terms: list[ShownMargin]
    units: int
    lost: Sequence[LostKnob]


@dataclass(frozen=True)
class WhyNotPage(Page):
    """Shows why a document is not among the first. `document` is what was asked for: the id of what was
    `found` or, if it is none, words of a title, and then `named` are the documents that have them."""

    template = "whynot.html"

    state: PageState
    document: str
    lost: Sequence[LostKnob]
    found: WhyNot | None
    lacks: list[ShownMargin]
    named: list[DocumentRef]


def shown_margins(terms: Sequence[Margin], total: float) -> list[ShownMargin]:
    """Rounds terms so that the shown margins sum to the shown total; bars to the right speak for the first
    document."""
    units = round_to_sum([term.margin for term in terms], total)
    most = max(map(abs, units), default=0) or 1
    widths = [50 * abs(each) / most for each in units]
    return [
        ShownMargin(term, each, 50.0 if each >= 0 else round(50 - width, 2), round(width, 2))
        for term, each, width in zip(terms, units, widths, strict=True)
    ]


@router.get("/compare")
def compare_page(request: Request, engine: EngineDep, collection: CollectionDep) -> Response:
    """Shows two documents under one question, the terms that part them most first."""
    first, second = _asked_pair(request.query_params)
    with engine.reader(collection, dear=True) as reader:
        state, remapped = preset_spelled_out(reader, page_state(request.query_params, collection))
        found = compare(reader, state.request(), first, second)
    page = ComparePage(
        state=state,
        found=found,
        terms=shown_margins(found.terms, found.margin),
        units=round(found.margin * 1000),
        lost=remapped.lost,
    )
    return render(request, page)


@router.get("/why-not")
def why_not_page(request: Request, engine: EngineDep, collection: CollectionDep) -> Response:
    """Shows where a document stands, what it lacks, and the smallest steering that would bring it up. What is
    no document's id is looked for among ids and titles."""
    document = request.query_params.get("document", "").strip()
    found: WhyNot | None = None
    lacks: list[ShownMargin] = []
    named: list[DocumentRef] = []
    with engine.reader(collection, dear=bool(document)) as reader:
        state, remapped = preset_spelled_out(reader, page_state(request.query_params, collection))
        if document:
            try:
                found = why_not(reader, state.request(), document)
                lacks = shown_margins(found.lacks, sum(term.margin for term in found.lacks))
            except DocumentNotFound:
                named = _named(reader, document)
    page = WhyNotPage(
        state=state, document=document, lost=remapped.lost, found=found, lacks=lacks, named=named
    )
    return render(request, page)


def _asked_pair(params: QueryParams) -> tuple[str, str]:
    """Reads which two documents are compared: the `first` and the `second`, or two that are ticked.

    Raises:
        InvalidRequest: not two are ticked.
    """
    ticked = params.getlist("document")
    if not ticked:
        return params.get("first", ""), params.get("second", "")
    if len(ticked) != 2:
        raise InvalidRequest(f"{len(ticked)} results are ticked.", hint="Go back and tick two to compare.")
    return ticked[0], ticked[1]


def _named(reader: Reader, text: str) -> list[DocumentRef]:
    if not any(map(str.isalnum, text)):
        return []
    return find_by_name(reader, text, limit=FOUND)
