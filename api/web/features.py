"""The pages of features."""

from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.auth.guards import SignedIn
from api.auth.scopes import reaches
from api.dependencies import CollectionDep, EngineDep
from api.views.page_state import PageState, find_collection, in_live_numbers, page_state
from api.views.rendering import render
from search.browse.collections import collections
from search.browse.concepts import concept_detail, find_concepts
from search.browse.features import feature_detail, find_features
from search.errors import FeatureNotFound
from search.query.limits import MAX_LIMIT

router = APIRouter(include_in_schema=False)

LISTED = 24
TOPICS = 12


@router.get("/features")
def features_page(request: Request, engine: EngineDep, collection: CollectionDep) -> Response:
    """Features by their label or by a text that fires them, or those of `?family=`; without a question the
    most frequent ones."""
    state, translation = in_live_numbers(engine, _state(request, collection, limit=LISTED), collection)
    number = request.query_params.get("family", "")
    family = concept_detail(engine, read_number(number, "family"), collection=collection) if number else None
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
    detail = feature_detail(engine, read_number(number), collection=collection)
    may_edit = caller is not None and reaches(caller.scope, "admin")
    context = {"state": state, "detail": detail, "lost": translation.lost, "may_edit": may_edit}
    return render(request, "feature.html", context)


def _state(request: Request, collection: str, *, limit: int | None = None) -> PageState:
    """The address's state with the collection filled in."""
    state = page_state(request.query_params, collection)
    if limit is not None and "limit" not in request.query_params:
        return replace(state, limit=limit)
    return state


def read_number(text: str, what: str = "feature") -> int:
    """A feature's or a family's number from an address.

    Raises:
        FeatureNotFound: it is none.
    """
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    raise FeatureNotFound(
        f"There is no {what} {text[:40]!r}.", hint="They have numbers; look for one by its label."
    )
