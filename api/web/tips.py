"""This page says what may be typed into the search box, by examples of the collection."""

from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.dependencies import CollectionDep, EngineDep, QuestionsDep
from api.views.page_state import PageState, page_state
from api.views.rendering import Page, render
from search.browse.examples import start_examples
from search.browse.field_examples import FieldExamples, field_examples
from search.engine.reader import Reader
from search.errors import CollectionNotFound, NotIndexed
from search.query.parser import ParsedQuery

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class TipsPage(Page):
    """Shows search tips, and the way back to a question. `phrase` is of words that are together here;
    questions are `kept` for so many days."""

    template = "tips.html"

    state: PageState
    phrase: str = ""
    kept: int | None = None
    fields: FieldExamples = field(default_factory=FieldExamples)


@router.get("/tips")
def tips_page(
    request: Request, engine: EngineDep, collection: CollectionDep, questions: QuestionsDep
) -> Response:
    """Shows search tips."""
    state = page_state(request.query_params, collection)
    try:
        with engine.reader(collection) as reader:
            page = TipsPage(
                state=state,
                phrase=_phrase(reader),
                kept=questions.days(collection),
                fields=field_examples(reader),
            )
            return render(request, page)
    except (CollectionNotFound, NotIndexed):
        return render(request, TipsPage(state=state))


def _phrase(reader: Reader) -> str:
    """Finds a phrase that is literally in a document; "" if no example of the start page is."""
    phrases = (each for each in start_examples(reader) if " " in each and '"' not in each)
    return next((each for each in phrases if _is_said(reader, each)), "")


def _is_said(reader: Reader, phrase: str) -> bool:
    allowed_N = reader.allowed(ParsedQuery("", phrases=(phrase,)))  # no search, which would be counted as one
    return allowed_N is not None and bool(allowed_N.any())
