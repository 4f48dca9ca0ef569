"""The pages of features and documents."""

from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.auth.guards import SignedIn
from api.auth.scopes import reaches
from api.dependencies import CollectionDep, EngineDep
from api.views import charts, document_map
from api.views.page_state import PageState, find_collection, in_live_numbers, page_state
from api.views.rendering import render
from search.browse.collections import collections
from search.browse.concepts import concept_detail, find_concepts
from search.browse.documents import document_detail
from search.browse.features import feature_detail, find_features
from search.engine.engine import SearchEngine
from search.errors import FeatureNotFound
from search.explain.word_attribution import document_words, name_features
from search.query.limits import MAX_LIMIT
from search.responses.documents import DocumentDetail
from search.responses.words import DocumentWords, NamedFeature

router = APIRouter(include_in_schema=False)

LISTED = 24
TOPICS = 12


@router.get("/features")
def features_page(request: Request, engine: EngineDep, collection: CollectionDep) -> Response:
    """Features by their label or by a text that fires them, or those of `?family=`; without a question the
    most frequent ones."""
    state, translation = in_live_numbers(engine, _state(request, collection, limit=LISTED), collection)
    number = request.query_params.get("family", "")
    family = concept_detail(engine, _number(number, "family"), collection=collection) if number else None
    found = find_features(
        engine,
        state.q,
        collection=collection,
        family=family.family if family else None,
        limit=MAX_LIMIT if family else state.limit,
        offset=state.offset,
    )
    known = collections(engine)
    context = {
        "state": state,
        "known": known,
        "here": find_collection(known, collection, collection),
        "lost": translation.lost,
        "family": family,
        "concepts": find_concepts(engine, state.q, collection=collection, limit=TOPICS).concepts,
        "found": found,
    }
    return render(request, "features.html", context, blocks=["title", "list", "changed"])


@router.get("/features/{number}")
def feature_page(
    number: str, request: Request, engine: EngineDep, collection: CollectionDep, caller: SignedIn
) -> Response:
    """One feature: what it is, where it fires, what is near it; for an admin, a form to edit its label."""
    state, translation = in_live_numbers(engine, _state(request, collection), collection)
    detail = feature_detail(engine, _number(number), collection=collection)
    may_edit = caller is not None and reaches(caller.scope, "admin")
    context = {"state": state, "detail": detail, "lost": translation.lost, "may_edit": may_edit}
    return render(request, "feature.html", context)


@router.get("/documents/{document_id:path}")
def document_page(
    document_id: str, request: Request, engine: EngineDep, collection: CollectionDep
) -> Response:
    """A whole document, with the words lit that made the first `?feature=` fire or match the question, and
    every feature as a track of its map; or to htmx one passage."""
    state, translation = in_live_numbers(engine, _state(request, collection), collection)
    numbers = [_number(asked) for asked in request.query_params.getlist("feature") if asked]
    document = document_detail(engine, document_id, collection=collection)
    features = name_features(engine.snapshot(collection), numbers)
    parts = charts.stretches(document, features)
    one = _number(asked, "passage") if (asked := request.query_params.get("passage")) else None
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
    engine: SearchEngine,
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


def _state(request: Request, collection: str, *, limit: int | None = None) -> PageState:
    """The address's state with the collection filled in."""
    state = page_state(request.query_params, collection)
    if limit is not None and "limit" not in request.query_params:
        return replace(state, limit=limit)
    return state


def _number(text: str, what: str = "feature") -> int:
    """A feature's or a family's number from an address.

    Raises:
        FeatureNotFound: it is none.
    """
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    raise FeatureNotFound(
        f"There is no {what} {text[:40]!r}.", hint="They have numbers; look for one by its label."
    )
