"""The pages of features and documents."""

from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import charts
from api.access import SignedIn
from api.deps import CollectionDep, EngineDep
from api.pagestate import PageState, find_collection, in_live_numbers, page_state
from api.rendering import render
from api.scopes import reaches
from search.catalog import collections
from search.concept_list import concept_detail, find_concepts
from search.descriptions import FeatureDetail
from search.errors import FeatureNotFound
from search.features import document_detail, feature_detail, find_features
from search.requests import MAX_LIMIT

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
    """A whole document, with one feature's heat where `?feature=` asks for it."""
    state = _state(request, collection)
    document = document_detail(engine, document_id, collection=collection)
    asked = request.query_params.get("feature", "")
    lit = feature_detail(engine, _number(asked), collection=collection) if asked else None
    parts = charts.stretches(document, lit.feature if lit else None, _maximum(lit))
    context = {
        "state": state,
        "document": document,
        "lit": lit,
        "parts": parts,
        "matches": [part for part in parts if part.heat],
    }
    return render(request, "document.html", context)


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


def _maximum(lit: FeatureDetail | None) -> float:
    return lit.histogram.maximum if lit else 0.0
