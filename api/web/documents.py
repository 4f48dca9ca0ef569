"""The page of a document."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.dependencies import CollectionDep, EngineDep
from api.views import charts, document_map
from api.views.page_state import PageState, in_live_numbers, page_state
from api.views.rendering import render
from api.web.features import read_number
from search.browse.features import document_detail
from search.engine.engine import Engine
from search.explain.word_attribution import document_words, name_features
from search.responses.features import DocumentDetail
from search.responses.words import DocumentWords, NamedFeature

router = APIRouter(include_in_schema=False)


@router.get("/documents/{document_id:path}")
def document_page(
    document_id: str, request: Request, engine: EngineDep, collection: CollectionDep
) -> Response:
    """A whole document, with the words lit that made the first `?feature=` fire or match the question, and
    every feature as a track of its map; or to htmx one passage."""
    state, translation = in_live_numbers(engine, page_state(request.query_params, collection), collection)
    numbers = [read_number(asked) for asked in request.query_params.getlist("feature") if asked]
    document = document_detail(engine, document_id, collection=collection)
    features = name_features(engine.snapshot(collection), numbers)
    parts = charts.stretches(document, features)
    one = read_number(asked, "passage") if (asked := request.query_params.get("passage")) else None
    lighting = document_map.to_light(parts, feature=bool(features)) if features or state.q.strip() else []
    wanted = lighting[: document_map.AT_ONCE] if one is None else [one]
    words = _words(engine, document, state, features, wanted)
    context = {
        "state": state,
        "document": document,
        "features": [feature.feature for feature in features],
        "tracks": document_map.tracks(document.id, state, features, parts),
        "parts": parts if one is None else [part for part in parts if part.passage == one],
        "lost": translation.lost,
        "later": set(lighting) - set(wanted),
        "lit": {part.passage: document_map.lit_runs(part, words) for part in parts if words},
    }
    fragment = ["passages"] if one is not None else []
    return render(request, "document.html", context, blocks=fragment)


def _words(
    engine: Engine,
    document: DocumentDetail,
    state: PageState,
    features: list[NamedFeature],
    passages: list[int],
) -> DocumentWords | None:
    """The words of some passages for the first feature or, without one, for the question."""
    if not passages:
        return None
    return document_words(
        engine,
        document.id,
        collection=document.collection,
        query="" if features else state.q,
        steering=state.steering,
        features=[feature.feature for feature in features[:1]],
        passages=passages,
    )
