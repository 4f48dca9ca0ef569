"""The results of a search as a table that people open in their own programs."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.dependencies import EngineDep
from api.views.page_state import read_state
from api.views.rendering import web_link
from api.views.tables import as_csv, as_text
from api.web.live_state import preset_spelled_out
from search.query.limits import MAX_LIMIT
from search.responses.search import Result

router = APIRouter(include_in_schema=False)

COLUMNS = ("rank", "score", "title", "id", "url", "passage", "because of")
REASONS = 3


@router.get("/search.csv")
def results_as_csv(request: Request, engine: EngineDep) -> Response:
    """Gives the results of the search that the page of the same parameters shows, a hundred at most."""
    state = read_state(request.query_params)
    with engine.reader(engine.chosen(state.collection)) as reader:
        state, _ = preset_spelled_out(reader, state)
        answer = reader.search(state.request(), limit=MAX_LIMIT, offset=state.offset)
    table = as_csv(COLUMNS, (_row(result) for result in answer.results))
    headers = {"Content-Disposition": 'attachment; filename="results.csv"', "Cache-Control": "no-cache"}
    return Response(table, media_type="text/csv; charset=utf-8", headers=headers)


def _row(result: Result) -> list[str]:
    said = ("word", "repair")
    named = [term for term in result.terms if term.feature is not None or term.kind in said]
    largest = sorted(named, key=lambda term: -term.value)[:REASONS]
    texts = (
        result.document.title,
        result.document.id,
        web_link(result.document.url) or "",
        result.passage.text,
        "; ".join(term.label for term in largest if term.value > 0),
    )
    return [str(result.rank), f"{result.score:.6f}", *map(as_text, texts)]
