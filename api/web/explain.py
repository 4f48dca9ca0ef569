"""These pages answer questions about a ranking: why this before that, and why not."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.datastructures import QueryParams
from starlette.responses import Response

from api.auth.callers import SignedIn
from api.auth.scopes import reaches
from api.dependencies import CollectionDep, EngineDep
from api.views.margins import Margins, Verdict, faint, short_names, verdict
from api.views.page_state import PageState, page_state
from api.views.rendering import Page, render
from api.web.live_state import preset_spelled_out
from search.browse.documents import find_by_name
from search.engine.reader import Reader
from search.errors import DocumentNotFound, InvalidRequest
from search.explain.compare import compare
from search.explain.why_not import WANTED, why_not
from search.responses.explanations import Comparison, WhyNot
from search.responses.search import DocumentRef, LostKnob, Result

router = APIRouter(include_in_schema=False)

FOUND = 12


@dataclass(frozen=True)
class ComparePage(Page):
    """Shows two documents, called by their `names`, and what parts them: in a word, then term by term. The
    features that are `faint` in each are named here alone."""

    template = "compare.html"

    state: PageState
    found: Comparison
    names: tuple[str, str]
    verdict: Verdict
    margins: Margins
    faint: tuple[frozenset[int], frozenset[int]]
    lost: Sequence[LostKnob]


@dataclass(frozen=True)
class WhyNotPage(Page):
    """Shows why a document is not among the first. `document` is what was asked for: the id of what was
    `found` or, if it is none, words of a title, and then `named` are the documents that have them; where
    nothing was asked for, those `below` the first ones are there to pick from. `names` are those of the
    document and of the last of the first; `may_repair`: who looks may save repairs."""

    template = "whynot.html"

    state: PageState
    document: str
    lost: Sequence[LostKnob]
    found: WhyNot | None
    names: tuple[str, str]
    lacks: Margins
    named: list[DocumentRef]
    below: list[Result]
    may_repair: bool


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
        names=short_names(found.first.document, found.second.document),
        verdict=verdict(found),
        margins=Margins.of(found.terms),
        faint=(faint(found.first), faint(found.second)),
        lost=remapped.lost,
    )
    return render(request, page)


@router.get("/why-not")
def why_not_page(
    request: Request, engine: EngineDep, collection: CollectionDep, caller: SignedIn
) -> Response:
    """Shows where a document stands, what it lacks, and the smallest steering that would bring it up. What is
    no document's id is looked for among ids and titles."""
    document = request.query_params.get("document", "").strip()
    found: WhyNot | None = None
    named: list[DocumentRef] = []
    below: list[Result] = []
    with engine.reader(collection, dear=bool(document)) as reader:
        state, remapped = preset_spelled_out(reader, page_state(request.query_params, collection))
        if document:
            try:
                found = why_not(reader, state.request(), document)
            except DocumentNotFound:
                named = _named(reader, document)
        elif state.q.strip():
            below = reader.search(state.request(), limit=WANTED, offset=WANTED).results
    lacks = found.lacks if found else []
    page = WhyNotPage(
        state=state,
        document=document,
        lost=remapped.lost,
        found=found,
        names=_names(found),
        lacks=Margins.of(lacks),
        named=named,
        below=below,
        may_repair=caller is not None and reaches(caller.scope, "write"),
    )
    return render(request, page)


def _names(found: WhyNot | None) -> tuple[str, str]:
    if found is None or found.last is None:
        return "", ""
    return short_names(found.result.document, found.last.document)


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
