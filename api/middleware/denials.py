"""What somebody was not let change is recorded in the audit log, so many times a minute."""

import asyncio
import logging
import time

from sqlalchemy import Engine
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.middleware.access_log import route_of
from indexer.audit import DENIED, record
from search import logs
from search.db.connection import GONE, open_session
from search.errors import StoreUnavailable
from search.shared_tables import SharedTable

READING = frozenset({"GET", "HEAD", "OPTIONS"})
REFUSALS = frozenset({401, 403})
A_MINUTE = 30
"""So many refusals are recorded in a minute, whoever sends them: each is a row that somebody unknown adds."""

logger = logging.getLogger(__name__)


class Denials:
    """Records requests that would change something and were refused for who sent them. (ASGI middleware.)
    The table counts those of a minute."""

    def __init__(self, app: ASGIApp, recorded: SharedTable, a_minute: int = A_MINUTE) -> None:
        self.app = app
        self._recorded, self._a_minute = recorded, a_minute

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in READING:
            await self.app(scope, receive, send)
            return
        status = 0

        async def send_seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self.app(scope, receive, send_seen)
        if status in REFUSALS and self._has_room():
            database = scope["app"].state.engine.database
            await asyncio.to_thread(_record, database, f"{scope['method']} {route_of(scope)}", scope["path"])

    def _has_room(self) -> bool:
        refusals = self._recorded.add(int(time.monotonic() // 60))
        if refusals == self._a_minute + 1:
            logger.warning("More than %s refusals a minute: the others are not recorded.", self._a_minute)
        return refusals <= self._a_minute


def _record(database: Engine, action: str, path: str) -> None:
    try:
        with open_session(database) as session:
            record(session, action, path, outcome=DENIED, client=logs.noted("client"))
            session.commit()
    except (StoreUnavailable, *GONE) as error:
        logger.warning("A refusal of %s is not recorded: %s", action, error)
