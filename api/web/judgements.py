"""Judging on the search page: a thumb up or down, or what was said before taken back."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from api.auth.guards import WriterForm, writer_session
from api.auth.sessions import Caller
from api.dependencies import EngineDep
from api.middleware.proxy import at
from api.views.page_state import PageState
from api.views.rendering import Page, is_fragment, render
from api.web.login import local_path
from indexer.judgements.store import Given, keep_judgements
from search.errors import InvalidRequest

router = APIRouter(include_in_schema=False)

SAYS = {"up": 1, "down": 0, "undo": None}


@dataclass(frozen=True)
class ThumbsPart(Page):
    """Shows the thumbs of a result anew: `key` is that of its card, `grade` what is kept now, `repair` the
    address that says what would put right what is no answer."""

    template = "thumbs.html"
    blocks = ("thumbs",)
    part = True

    document: str
    key: int
    grade: int | None
    repair: str


@router.post("/judgements")
def post_judgement(
    request: Request,
    engine: EngineDep,
    caller: Annotated[Caller, Depends(writer_session)],
    form: WriterForm,
    card: Annotated[int, Query(ge=0, lt=1 << 62)] = 0,
) -> Response:
    """Keeps what who is signed in says of a result, and goes back to its page."""
    way = next((way for way in SAYS if way in form), None)
    if way is None:
        raise InvalidRequest("The form says nothing of any document.", hint="Press a thumb on the page.")
    given = Given(form.get("q", ""), form[way], SAYS[way], caller.name)
    keep_judgements(engine.database, engine.chosen(form.get("collection", "")), [given])
    if is_fragment(request):
        state = PageState(q=form.get("q", ""), collection=form.get("collection", ""))
        repair = state.repair(wrong=form[way])
        return render(request, ThumbsPart(document=form[way], key=card, grade=SAYS[way], repair=repair))
    return RedirectResponse(local_path(form.get("back", ""), at("/")), status_code=303)
