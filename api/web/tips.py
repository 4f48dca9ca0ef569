"""This page says what may be typed into the search box."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.dependencies import CollectionDep
from api.views.page_state import PageState, page_state
from api.views.rendering import Page, render

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class TipsPage(Page):
    """Shows search tips, and the way back to a question."""

    template = "tips.html"

    state: PageState


@router.get("/tips")
def tips_page(request: Request, collection: CollectionDep) -> Response:
    """Shows search tips."""
    return render(request, TipsPage(state=page_state(request.query_params, collection)))
