"""Whether the process runs, and whether it can answer searches: told at once, whatever hangs."""

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor

from fastapi import Request
from starlette.datastructures import State

from api.limits import READY_SECONDS
from search.browse.collections import collection_names
from search.db.connection import open_session
from search.engine.engine import SearchEngine
from search.errors import NotIndexed, StoreUnavailable

HEALTH = frozenset({"/healthz", "/readyz"})

_thread = ThreadPoolExecutor(1, thread_name_prefix="ready")
"""A thread of its own: requests that wait for the database may have all others."""


async def healthz() -> dict[str, str]:
    """The process runs."""
    return {"status": "ok"}


async def readyz(request: Request) -> dict[str, object]:
    """Searches are answered: the database is there and at least one collection is live. Where searching needs
    a key, collections are only counted."""
    state = request.app.state
    try:
        found = await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(_looked(state))), READY_SECONDS)
    except TimeoutError:
        raise StoreUnavailable(
            f"The database did not answer within {READY_SECONDS:g} s.", hint="Ask again in a moment."
        ) from None
    if not found:
        raise NotIndexed("No collection is live yet.", hint="Run refract index PATH.")
    return {"status": "ok", "collections": len(found) if state.private else found}


def _looked(state: State) -> "Future[list[str]]":
    """Looks for live collections; while one still looks, all wait for that."""
    looking: Future[list[str]] | None = getattr(state, "looking", None)
    if looking is None or looking.done():
        looking = state.looking = _thread.submit(_live, state.engine)
    return looking


def _live(engine: SearchEngine) -> list[str]:
    with open_session(engine.database) as session:
        return [found.name for found in collection_names(session) if found.live]
