"""This page shows a collection's dictionary: its scorecard."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.dependencies import CollectionDep, EngineDep
from api.views import scorecard
from api.views.page_state import PageState, page_state
from api.views.rendering import Page, render
from indexer.dictionary.inherit import adapted_from
from search.db.card import Card

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class DictionaryPage(Page):
    """Shows a dictionary, first in words. `named`: its features are names; `shipped` are the figures of the
    names that come with Refract."""

    template = "dictionary.html"

    state: PageState
    card: Card
    named: bool
    features: int
    in_words: list[str]
    figures: list[scorecard.Figure]
    shipped: list[scorecard.Figure]


@router.get("/dictionary")
def dictionary_page(request: Request, engine: EngineDep, collection: CollectionDep) -> Response:
    """Shows how good the features of a collection are."""
    with engine.reader(collection) as reader:
        dictionary = reader.snapshot.dictionary
    base = adapted_from(dictionary)
    page = DictionaryPage(
        state=page_state(request.query_params, collection),
        card=dictionary.card,
        named=bool(dictionary.names),
        features=dictionary.features,
        in_words=scorecard.in_words(dictionary.card.scorecard),
        figures=list(scorecard.figures(dictionary.card.scorecard)),
        shipped=list(scorecard.figures(base.dictionary.card.scorecard)) if base else [],
    )
    return render(request, page)
