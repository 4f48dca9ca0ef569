"""What people ask of a collection, by the JSON API: for its owner, where questions are kept."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from starlette.responses import Response

from api.auth.guards import require
from api.dependencies import CollectionDep, EngineDep, QuestionsDep
from api.v1.schemas import errors
from api.views.insights import MOST, table
from indexer.insights.listing import USUAL, Insights, list_questions, read_insights
from indexer.insights.setting import delete_questions
from search.db.connection import open_session
from search.db.lookup import find_collection

MOST_LISTED = 1000
CSV = "text/csv"

router = APIRouter(
    prefix="/v1/insights",
    responses=errors(400, 401, 403, 404, 503),
    tags=["admin"],
    dependencies=[Depends(require("admin"))],
)


class DeletedQuestions(BaseModel):
    """`deleted` counts a question once for each day on which it was asked."""

    deleted: int


@router.get("")
def get_insights(
    engine: EngineDep,
    questions: QuestionsDep,
    collection: CollectionDep,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED, description="How many of each")] = USUAL,
) -> Insights:
    """What is asked most, which questions have no good answer, which words are nowhere, which knobs are
    turned. Where questions are not kept it is empty."""
    questions.flush()
    with open_session(engine.database) as session:
        return read_insights(session, find_collection(session, collection), limit=limit)


@router.get("/questions.csv", response_class=Response, responses={200: {"content": {CSV: {}}}})
def get_table(engine: EngineDep, questions: QuestionsDep, collection: CollectionDep) -> Response:
    """The questions that are kept as a table, those asked most often first."""
    questions.flush()
    with open_session(engine.database) as session:
        found = list_questions(session, find_collection(session, collection), limit=MOST)
    return Response(table(found), media_type=f"{CSV}; charset=utf-8")


@router.delete("")
def remove_questions(
    engine: EngineDep, questions: QuestionsDep, collection: CollectionDep
) -> DeletedQuestions:
    """Deletes all questions that are kept of a collection. Whether they are kept stays as it is."""
    questions.flush()
    return DeletedQuestions(deleted=delete_questions(engine.database, collection))
