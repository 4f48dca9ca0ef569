"""Where a question comes from: a page of the same question, of which something was changed, or elsewhere. The
browser says so itself, so nothing has to be known of who asks."""

import contextlib
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import QueryParams

from api.views.page_state import PageState, read_state
from search.errors import RefractError
from search.query.question_key import question_key


def state_before(request: Request) -> PageState | None:
    """Reads the state of the page that a request comes from, None where there is none."""
    address = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    with contextlib.suppress(RefractError, ValueError):
        return read_state(QueryParams(urlsplit(address).query))
    return None


def is_same(before: PageState, now: PageState) -> bool:
    """Says whether two states ask the same question in the same place."""
    here = before.collection == now.collection
    return here and question_key(before.q) == question_key(now.q)
