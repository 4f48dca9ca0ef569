"""The audit log by the JSON API: who changed what, a page at a time or all of it."""

import json
from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.auth.guards import require
from api.dependencies import EngineDep
from api.v1.schemas import errors
from indexer.audit import AuditEntry, list_entries, walk_entries
from search.db.connection import open_session
from search.query.limits import MAX_LIMIT, check_page

MAX_ID = 2**63 - 1
JSON_LINES = "application/jsonl"

router = APIRouter(
    prefix="/v1/audit",
    responses=errors(400, 401, 403, 503),
    tags=["admin"],
    dependencies=[Depends(require("admin"))],
)

Find = Annotated[str, Query(max_length=200, description="A part of an actor, an action or a target")]
Outcome = Annotated[Literal["", "done", "denied"], Query(description="Only what was done, or denied")]


@router.get("")
def get_entries(
    engine: EngineDep,
    request: Request,
    response: Response,
    find: Find = "",
    outcome: Outcome = "",
    before: Annotated[int, Query(ge=0, le=MAX_ID, description="Only entries before this one")] = MAX_ID,
    limit: Annotated[int, Query(description=f"1 to {MAX_LIMIT}")] = 50,
) -> list[AuditEntry]:
    """Who changed what and what was denied, the latest first; while there are more, the header Link has the
    address of the next page."""
    check_page(limit, 0)
    with open_session(engine.database) as session:
        found = list_entries(session, before=before, find=find, outcome=outcome, limit=limit)
    if len(found) == limit:
        address = request.url.include_query_params(before=found[-1].id)
        response.headers["Link"] = f'<{address.path}?{address.query}>; rel="next"'
    return found


@router.get("/export", response_class=StreamingResponse, responses={200: {"content": {JSON_LINES: {}}}})
def export(
    engine: EngineDep,
    find: Find = "",
    outcome: Outcome = "",
    after: Annotated[int, Query(ge=0, le=MAX_ID, description="Only entries after this one")] = 0,
) -> StreamingResponse:
    """All entries as JSON Lines, the oldest first. Who keeps the last number asks for what came after it."""

    def lines() -> Iterator[str]:
        for entry in walk_entries(engine.database, after=after, find=find, outcome=outcome):
            yield json.dumps(entry, ensure_ascii=False) + "\n"

    return StreamingResponse(lines(), media_type=JSON_LINES)
