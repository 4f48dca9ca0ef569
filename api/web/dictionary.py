"""The page of a collection's dictionary: its scorecard."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.dependencies import CollectionDep, EngineDep
from api.views import scorecard
from api.views.page_state import page_state
from api.views.rendering import render
from indexer.dictionary.inherit import adapted_from
from search.browse.collections import collection_names

router = APIRouter(include_in_schema=False)


@router.get("/dictionary")
def dictionary_page(request: Request, engine: EngineDep, collection: CollectionDep) -> Response:
    """How good the features of a collection are."""
    with engine.reader(collection) as reader:
        snapshot, known = reader.snapshot, collection_names(reader.session)
    card = snapshot.dictionary.card
    base = adapted_from(snapshot.dictionary)
    context = {
        "state": page_state(request.query_params, collection),
        "here": collection,
        "known": known,
        "card": card,
        "named": bool(snapshot.dictionary.names),
        "features": snapshot.dictionary.features,
        "figures": list(scorecard.figures(card.scorecard)),
        "shipped": list(scorecard.figures(base.dictionary.card.scorecard)) if base else [],
    }
    return render(request, "dictionary.html", context)
