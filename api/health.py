"""Whether the process runs, and whether it can answer searches: told at once, whatever hangs."""

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.datastructures import State

from api.errors import retry_header
from api.limits import READY_SECONDS
from api.readiness import Readiness, readiness
from search.errors import StoreUnavailable

HEALTH = frozenset({"/healthz", "/readyz"})

_thread = ThreadPoolExecutor(1, thread_name_prefix="ready")
"""A thread of its own: requests that wait for the database may have all others."""


async def healthz() -> dict[str, str]:
    """The process runs."""
    return {"status": "ok"}


async def readyz(request: Request) -> JSONResponse:
    """Searches are answered; if not, what is missing. Where searching needs a key, collections are only
    counted."""
    state = request.app.state
    try:
        found = await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(_looked(state))), READY_SECONDS)
    except TimeoutError:
        raise StoreUnavailable(
            f"The database did not answer within {READY_SECONDS:g} s.", hint="Ask again in a moment."
        ) from None
    answer = found.answer(private=state.private)
    if found.missing is None:
        return JSONResponse(answer)
    return JSONResponse(answer, status_code=503, headers=retry_header(found.missing))


def _looked(state: State) -> "Future[Readiness]":
    """Looks what is missing; while one still looks, all wait for that."""
    looking: Future[Readiness] | None = getattr(state, "looking", None)
    if looking is None or looking.done():
        looking = state.looking = _thread.submit(readiness, state.engine)
    return looking
