"""The admin's page of what people ask of a collection, where that is kept."""

from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from api.auth.guards import AdminDep, AdminForm
from api.dependencies import EngineDep, QuestionsDep
from api.middleware.proxy import at
from api.views.insights import MOST, table
from api.views.page_state import PageState
from api.views.rendering import Page, render
from api.web.admin.pages import number_in
from indexer.insights.listing import Insights, list_questions, read_insights
from indexer.insights.setting import MOST_DAYS, USUAL_DAYS, delete_questions, keep_questions
from search.db.connection import open_session
from search.db.lookup import find_collection

router = APIRouter(prefix="/admin/collections/{name}", include_in_schema=False)


@dataclass(frozen=True)
class InsightsPage(Page):
    """Shows what is asked of a collection, each question with a link that asks it (`asking`); `usual` and
    `most`: for how many days questions are kept."""

    template = "admin/insights.html"

    here: str
    insights: Insights
    asking: PageState
    usual: int
    most: int


@router.get("/insights")
def insights_page(
    name: str, request: Request, engine: EngineDep, questions: QuestionsDep, _: AdminDep
) -> Response:
    """Shows what is asked most, what has no good answer, which words are nowhere, and what is turned."""
    questions.flush()
    with open_session(engine.database) as session:
        insights = read_insights(session, find_collection(session, name))
    page = InsightsPage(
        here=_address(name),
        insights=insights,
        asking=PageState(collection=name),
        usual=USUAL_DAYS,
        most=MOST_DAYS,
    )
    return render(request, page)


@router.get("/insights.csv")
def questions_as_csv(name: str, engine: EngineDep, questions: QuestionsDep, _: AdminDep) -> Response:
    """Gives the questions that are kept, those asked most often first."""
    questions.flush()
    with open_session(engine.database) as session:
        found = list_questions(session, find_collection(session, name), limit=MOST)
    headers = {"Content-Disposition": 'attachment; filename="questions.csv"', "Cache-Control": "no-store"}
    return Response(table(found), media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/insights")
def post_insights(name: str, engine: EngineDep, questions: QuestionsDep, form: AdminForm) -> Response:
    """Says whether questions are kept and for how long, or deletes all that are."""
    if "delete" in form:
        questions.flush()
        delete_questions(engine.database, name)
    else:
        keep_questions(engine.database, name, number_in(form, "days") if form.get("keep") == "yes" else 0)
    return RedirectResponse(_address(name), status_code=303)


def _address(name: str) -> str:
    return at(f"/admin/collections/{quote(name)}/insights")
