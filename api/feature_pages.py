"""The pages of features and documents."""

from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import charts
from api.deps import CollectionDep, EngineDep
from api.pagestate import PageState, find_collection, read_state
from api.rendering import render
from search.catalog import collections
from search.errors import FeatureNotFound
from search.features import document_detail, feature_detail, find_features
from search.results import FeatureDetail

router = APIRouter(include_in_schema=False)

LISTED = 24


@router.get("/features")
def features_page(request: Request, engine: EngineDep, collection: CollectionDep) -> Response:
    """Features by their label or by a text that fires them; without a question the most frequent ones."""
    state = _state(request, collection, limit=LISTED)
    found = find_features(engine, state.q, collection=collection, limit=state.limit, offset=state.offset)
    known = collections(engine)
    here = find_collection(known, collection, collection)
    context = {"state": state, "known": known, "here": here, "found": found}
    return render(request, "features.html", context, blocks=["title", "list", "changed"])


@router.get("/features/{number}")
def feature_page(number: str, request: Request, engine: EngineDep, collection: CollectionDep) -> Response:
    """One feature: what it is, where it fires, what is near it."""
    state = _state(request, collection)
    detail = feature_detail(engine, _feature(number), collection=collection)
    return render(request, "feature.html", {"state": state, "detail": detail})


@router.get("/documents/{document_id:path}")
def document_page(
    document_id: str, request: Request, engine: EngineDep, collection: CollectionDep
) -> Response:
    """A whole document, with one feature's heat where `?feature=` asks for it."""
    state = _state(request, collection)
    document = document_detail(engine, document_id, collection=collection)
    asked = request.query_params.get("feature", "")
    lit = feature_detail(engine, _feature(asked), collection=collection) if asked else None
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
    state = replace(read_state(request.query_params), collection=collection)
    if limit is not None and "limit" not in request.query_params:
        return replace(state, limit=limit)
    return state


def _feature(number: str) -> int:
    """A feature's number from an address.

    Raises:
        FeatureNotFound: it is none.
    """
    if number.isascii() and number.isdigit() and len(number) <= 9:
        return int(number)
    raise FeatureNotFound(
        f"There is no feature {number[:40]!r}.", hint="Features have numbers; look for one by its label."
    )


def _maximum(lit: FeatureDetail | None) -> float:
    return lit.histogram.maximum if lit else 0.0
