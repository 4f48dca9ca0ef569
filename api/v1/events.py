"""Events by the JSON API: what has happened after a number, at once or as soon as something does."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request, Response

from api.auth.callers import CallerDep
from api.auth.guards import require
from api.auth.scopes import reaches
from api.dependencies import EngineDep, rights_of
from api.limits import MOST_FOLLOWERS, RETRY_SECONDS
from api.v1.schemas import errors
from indexer.hooks.events import KINDS, EventPage, read_events
from search import deadline, logs
from search.db.connection import open_session
from search.engine.engine import SearchEngine
from search.errors import Overloaded
from search.query.limits import MAX_LIMIT, check_page
from search.rights import Rights

MAX_ID = 2**63 - 1
MAX_WAIT = 20.0
POLL_SECONDS = 0.5

router = APIRouter(
    prefix="/v1/events",
    responses=errors(400, 401, 403, 503),
    tags=["events"],
    dependencies=[Depends(require("search"))],
)


class Followers:
    """Lets requests wait for events, which takes no thread, and only so many at a time."""

    def __init__(self, most: int = MOST_FOLLOWERS) -> None:
        self._most = most
        self._waiting = 0
        self._ended = False

    def end(self) -> None:
        """Lets nobody wait any more: the server stops."""
        self._ended = True

    async def first(self, read: Callable[[], EventPage], seconds: float) -> EventPage:
        """Gives what is read once there are events, or the time is up.

        Raises:
            Overloaded: too many wait already.
            TimedOut: nobody waits for this any more.
        """
        if seconds and self._waiting >= self._most:
            message = f"{self._waiting} clients wait for events already."
            raise Overloaded(message, retry_after=RETRY_SECONDS)
        begun = time.monotonic()
        self._waiting += 1
        try:
            page = await to_thread.run_sync(read)
            while not (page.events or self._ended or time.monotonic() - begun >= seconds):
                await asyncio.sleep(POLL_SECONDS)
                deadline.check()
                page = await to_thread.run_sync(read)
            return page
        finally:
            self._waiting -= 1
            logs.note(idle=time.monotonic() - begun)


@router.get("")
async def get_events(
    engine: EngineDep,
    caller: CallerDep,
    request: Request,
    response: Response,
    after: Annotated[int, Query(ge=0, le=MAX_ID, description="Only events after this number")] = 0,
    wait: Annotated[
        float,
        Query(ge=0, le=MAX_WAIT, description="Where there are none, wait so many seconds for the first"),
    ] = 0,
    kind: Annotated[
        list[str], Query(max_length=len(KINDS), description=f"Only of these: {', '.join(KINDS)}")
    ] = [],  # noqa: B006 - it is read only
    collection: Annotated[str, Query(description="Only of the collection of this name")] = "",
    limit: Annotated[int, Query(description=f"1 to {MAX_LIMIT}")] = 100,
) -> EventPage:
    """What has happened, the first first: `last` is the number to ask after next time. Events of jobs and
    webhooks are for keys of scope admin, and those of a collection for keys that reach it."""
    check_page(limit, 0)
    admin = caller is not None and reaches(caller.scope, "admin")
    rights = rights_of(request, caller)
    read = partial(_read, engine, rights, admin, after, tuple(kind), collection, limit)
    response.headers["Cache-Control"] = "no-store"
    followers: Followers = request.app.state.followers
    return await followers.first(read, wait)


def _read(
    engine: SearchEngine,
    rights: Rights,
    admin: bool,
    after: int,
    kinds: tuple[str, ...],
    collection: str,
    limit: int,
) -> EventPage:
    with open_session(engine.database) as session:
        return read_events(
            session,
            after=after,
            kinds=kinds,
            collection=collection,
            limit=limit,
            rights=rights,
            admin=admin,
        )
