"""The page of a collection's dictionary: its scorecard."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.dependencies import CollectionDep, EngineDep
from api.views import scorecard
from api.views.page_state import find_collection, page_state
from api.views.rendering import render
from indexer.dictionary.inherit import adapted_from
from search.browse.collections import collections

router = APIRouter(include_in_schema=False)


@router.get("/dictionary")
def dictionary_page(request: Request, engine: EngineDep, collection: CollectionDep) -> Response:
    """How good the features of a collection are."""
    snapshot = engine.snapshot(collection)
    known = collections(engine)
    here = find_collection(known, collection, collection)
    card = snapshot.dictionary.card
    base = adapted_from(snapshot.dictionary)
    context = {
        "state": page_state(request.query_params, collection),
        "here": here,
        "known": known,
        "card": card,
        "named": bool(snapshot.dictionary.names),
        "features": snapshot.dictionary.features,
        "figures": list(scorecard.figures((here.scorecard if here else None) or {})),
        "shipped": list(scorecard.figures(base.dictionary.card.scorecard)) if base else [],
    }
    return render(request, "dictionary.html", context)
