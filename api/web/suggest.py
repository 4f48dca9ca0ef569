"""Suggestions while somebody types, for the list below the search box."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.dependencies import CollectionDep, EngineDep
from api.views.rendering import Page, render
from search.browse.suggestions import suggest
from search.responses.suggestions import Suggestions

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class SuggestionsPart(Page):
    """Shows the options of the list."""

    template = "suggestions.html"
    blocks = ("suggestions",)
    part = True

    found: Suggestions


@router.get("/suggest")
def suggestions(request: Request, engine: EngineDep, collection: CollectionDep, q: str = "") -> Response:
    """Lists what may be meant."""
    with engine.reader(collection) as reader:
        return render(request, SuggestionsPart(found=suggest(reader, q)))
