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
from api.web.presets import preset_links, with_preset
from search.browse.collections import collections, start_examples
from search.browse.concepts import find_concepts
from search.browse.features import find_features, near_features
from search.engine.engine import Engine
from search.errors import InvalidQuery
from search.explain.relevance_feedback import refine
from search.query.remapping import Translation
from search.responses.features import CollectionInfo, ConceptSummary, FeatureSummary, Refinement
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
    known = collections(engine)
    here = find_collection(known, state.collection, collection)
    if here is None or here.state != "live":
        return _building(request, state, known, here)
    trigger = request.headers.get("HX-Trigger")
    if trigger == "building":
        return Response(headers={"HX-Refresh": "true"})
    state, translation = with_preset(engine, state, here.name)
    if trigger == "find":
        return render(request, "search.html", _found(engine, state, here), blocks=["found"])
    if not state.q.strip():
        return _start(request, engine, state, known, here, translation)
    may_save = caller is not None and reaches(caller.scope, "write")
    return _results(request, engine, state, known, here, translation, may_save=may_save)


def _building(
    request: Request, state: PageState, known: list[CollectionInfo], here: CollectionInfo | None
) -> Response:
    context = {"state": state, "known": known, "here": here}
    status = 200 if is_fragment(request) else 503
    return render(request, "building.html", context, blocks=["building"], status=status)


def _start(
    request: Request,
    engine: Engine,
    state: PageState,
    known: list[CollectionInfo],
    here: CollectionInfo,
    translation: Translation,
) -> Response:
    if is_fragment(request):
        return Response(headers={"HX-Redirect": state.url()})
    context = {"state": state, "known": known, "here": here, "lost": translation.lost}
    examples = start_examples(engine, collection=here.name)
    return render(request, "start.html", {**context, "examples": examples})


def _results(
    request: Request,
    engine: Engine,
    state: PageState,
    known: list[CollectionInfo],
    here: CollectionInfo,
    translation: Translation,
    *,
    may_save: bool,
) -> Response:
    response = engine.search(
        state.request(),
        collection=here.name,
        limit=state.limit,
        offset=state.offset,
        facets=True,
        for_people=True,
    )
    dragged = request.headers.get("HX-Trigger") == "knobs"
    context = {
        "known": known,
        "panel": not dragged,
        "lost": translation.lost,
        "carried": translation.carried,
        "presets": preset_links(engine, state, here.name),
        "may_save": may_save,
        "state": state,
        "here": here,
        **_answer(response),
    }
    if not dragged:  # while a knob is dragged the rest of the panel is left alone
        context |= {
            "apart": _apart(engine, state, here),
            **_found(engine, state, here),
        }
    history = "HX-Replace-Url" if dragged else "HX-Push-Url"
    return render(
        request,
        "search.html",
        context,
        blocks=["title", "results", "changed"],
        headers={history: state.url()} if is_fragment(request) else None,
    )


def _apart(engine: Engine, state: PageState, here: CollectionInfo) -> dict[str, Refinement]:
    """For each knob on examples, by its target, the features that set them apart."""
    return {
        knob.target: refine(
            engine,
            list(knob.like),
            list(knob.unlike),
            collection=here.name,
            strength=float(knob.strength) or 1.0,
        )
        for knob in state.steering.knobs
        if knob.like
    }


def _answer(response: SearchResponse) -> dict[str, Any]:
    """What the results and the panel show of one response."""
    return {
        "response": response,
        "cards": cards.build_cards(response),
        "tones": cards.topic_tones(response),
        "moved": moved_words(response.moved),
    }


def _found(engine: Engine, state: PageState, here: CollectionInfo) -> dict[str, Any]:
    """What the panel's "find a topic" box found, or why it cannot look for what is in it. Nothing looked for:
    the topics that are near the question."""
    found: list[FeatureSummary] = []
    near: list[FeatureSummary] = []
    concepts: list[ConceptSummary] = []
    problem = ""
    try:
        if state.find:
            concepts = find_concepts(engine, state.find, collection=here.name, limit=FOUND_CONCEPTS).concepts
            found = find_features(engine, state.find, collection=here.name, limit=FOUND).features
        elif state.q.strip():
            near = near_features(engine, state.q, collection=here.name, limit=FOUND_CONCEPTS)
    except InvalidQuery as error:
        problem = str(error)
    found_here = {"concepts": concepts, "found": found, "near": near}
    return {"state": state, "here": here, "problem": problem, **found_here}
