"""The admin's page of the audit log."""

from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.auth.guards import AdminDep
from api.dependencies import EngineDep
from api.middleware.proxy import at
from api.views.rendering import Page, render
from indexer.audit import OUTCOMES, AuditEntry, list_entries
from search.db.connection import open_session
from search.errors import InvalidRequest

router = APIRouter(prefix="/admin/audit", include_in_schema=False)

ENTRIES = 50
MAX_ID = 2**63 - 1


@dataclass(frozen=True)
class AuditPage(Page):
    """Shows entries of the audit log; `find` and `outcome` are what they were chosen by, `next` leads to
    older ones and is empty where there are none."""

    template = "admin/audit.html"

    entries: list[AuditEntry]
    find: str
    outcome: str
    outcomes: tuple[str, ...]
    latest: bool
    next: str


@router.get("")
def audit_page(
    request: Request,
    engine: EngineDep,
    _: AdminDep,
    find: str = "",
    outcome: str = "",
    before: int = MAX_ID,
) -> Response:
    """Shows who changed what, the latest first."""
    if not 0 <= before <= MAX_ID:
        raise InvalidRequest(f"before={before} is no number of an entry.", hint="Use the links of the page.")
    find = find.strip()[:200]
    with open_session(engine.database) as session:
        found = list_entries(session, before=before, find=find, outcome=outcome, limit=ENTRIES + 1)
    entries = found[:ENTRIES]
    chosen = {"find": find, "outcome": outcome, "before": entries[-1].id if entries else 0}
    page = AuditPage(
        entries=entries,
        find=find,
        outcome=outcome,
        outcomes=OUTCOMES,
        latest=before == MAX_ID,
        next=at(f"/admin/audit?{urlencode(chosen)}") if len(found) > ENTRIES else "",
    )
    return render(request, page)
