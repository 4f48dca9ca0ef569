"""The search page: start, results, the steering panel, and an index that is being built.

The same address gives the whole page and, to htmx, the parts of it that changed.
"""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from api.auth.guards import SignedIn
from api.auth.scopes import reaches
from api.dependencies import CollectionDep, EngineDep
from api.views import cards
from api.views.numbers import moved_words
from api.views.page_state import PageState, find_collection, is_sent_form, read_state
from api.views.rendering import is_fragment, render
from api.web import analyze, dictionary, explain, features, presets
from api.web.live_state import with_preset
from api.web.presets import preset_links
from search.browse.collections import collection_names, collections, start_examples
from search.browse.concepts import find_concepts
from search.browse.features import find_features, near_features
from search.engine.engine import SearchEngine
from search.engine.reader import Reader
from search.errors import CollectionNotFound, InvalidQuery, NotIndexed, RefractError
from search.explain.relevance_feedback import refine
from search.query.remapping import RemappedSteering
from search.query.steering import ExamplesTarget, Target
from search.responses.features import ConceptSummary, FeatureSummary, Refinement
from search.responses.search import SearchResponse

router = APIRouter(include_in_schema=False)
router.include_router(features.router)
router.include_router(dictionary.router)
router.include_router(explain.router)
router.include_router(presets.router)
router.include_router(analyze.router)

FOUND = 8
FOUND_CONCEPTS = 4


@router.get("/")
def search_page(request: Request, engine: EngineDep, collection: CollectionDep, caller: SignedIn) -> Response:
    """A search and its answer, or where to start; a sent form is first folded into its address."""
    params = request.query_params
    state = read_state(params)
    if is_sent_form(params) and not is_fragment(request):
        return RedirectResponse(state.url(), status_code=303)
    may_save = caller is not None and reaches(caller.scope, "write")
    try:
        with engine.reader(state.collection or collection) as reader:
            return _live(request, reader, state, may_save=may_save)
    except (CollectionNotFound, NotIndexed) as error:
        return _building(request, engine, state, collection, error)


def _building(
    request: Request, engine: SearchEngine, state: PageState, collection: str, error: RefractError
) -> Response:
    """How far the index is, where there is none to be searched yet.

    Raises:
        CollectionNotFound: there is none of the name asked for.
        RefractError: the error that came, where there is an index since.
    """
    known = collections(engine)
    here = find_collection(known, state.collection, collection)
    if here is not None and here.state == "live":
        if not is_fragment(request):
            raise error
        return Response(headers={"HX-Refresh": "true"})
    context = {"state": state, "known": known, "here": here}
    status = 200 if is_fragment(request) else 503
    return render(request, "building.html", context, blocks=["building"], status=status)


def _live(request: Request, reader: Reader, state: PageState, *, may_save: bool) -> Response:
    """The page of a collection that can be searched: all of it is of one generation."""
    trigger = request.headers.get("HX-Trigger")
    if trigger == "building":  # it was, until now
        return Response(headers={"HX-Refresh": "true"})
    state, remapped = with_preset(reader, state)
    if trigger == "find":
        return render(request, "search.html", _found(reader, state), blocks=["found"])
    if not state.q.strip():
        return _start(request, reader, state, remapped)
    return _results(request, reader, state, remapped, may_save=may_save)


def _start(request: Request, reader: Reader, state: PageState, remapped: RemappedSteering) -> Response:
    if is_fragment(request):
        return Response(headers={"HX-Redirect": state.url()})
    context = {
        "state": state,
        "known": collection_names(reader.session),
        "here": reader.collection,
        "lost": remapped.lost,
        "passages": reader.snapshot.passages,
        "documents": reader.snapshot.documents,
        "examples": start_examples(reader),
    }
    return render(request, "start.html", context)


def _results(
    request: Request, reader: Reader, state: PageState, remapped: RemappedSteering, *, may_save: bool
) -> Response:
    response = reader.search(
        state.request(), limit=state.limit, offset=state.offset, facets=True, for_people=True
    )
    dragged = request.headers.get("HX-Trigger") == "knobs"
    context = {
        "panel": not dragged,
        "lost": remapped.lost,
        "carried": remapped.carried,
        "turned": list(zip(state.steering.knobs, response.steering, strict=True)),
        "presets": preset_links(reader, state),
        "may_save": may_save,
        "state": state,
        "here": reader.collection,
        **_answer(response),
    }
    if not dragged:  # while a knob is dragged the rest of the panel is left alone
        context |= {
            "known": collection_names(reader.session),
            "apart": _apart(reader, state),
            **_found(reader, state),
        }
    history = "HX-Replace-Url" if dragged else "HX-Push-Url"
    return render(
        request,
        "search.html",
        context,
        blocks=["title", "results", "changed"],
        headers={history: state.url()} if is_fragment(request) else None,
    )


def _apart(reader: Reader, state: PageState) -> dict[Target, Refinement]:
    """For each knob on examples, by its target, the features that set them apart."""
    apart: dict[Target, Refinement] = {}
    for knob in state.steering.knobs:
        match knob.target:
            case ExamplesTarget(like, unlike):
                strength = float(knob.strength) or 1.0
                apart[knob.target] = refine(reader, list(like), list(unlike), strength=strength)
    return apart


def _answer(response: SearchResponse) -> dict[str, Any]:
    """What the results and the panel show of one response."""
    return {
        "response": response,
        "cards": cards.build_cards(response),
        "tones": cards.topic_tones(response),
        "moved": moved_words(response.moved),
    }


def _found(reader: Reader, state: PageState) -> dict[str, Any]:
    """What the panel's "find a topic" box found, or why it cannot look for what is in it. Nothing looked for:
    the topics that are near the question."""
    found: list[FeatureSummary] = []
    near: list[FeatureSummary] = []
    concepts: list[ConceptSummary] = []
    problem = ""
    try:
        if state.find:
            concepts = find_concepts(reader, state.find, limit=FOUND_CONCEPTS).concepts
            found = find_features(reader, state.find, limit=FOUND).features
        elif state.q.strip():
            near = near_features(reader, state.q, limit=FOUND_CONCEPTS)
    except InvalidQuery as error:
        problem = str(error)
    return {"state": state, "problem": problem, "concepts": concepts, "found": found, "near": near}
