"""Serving warms the engine up, answers, and ends in order."""

import asyncio
import contextlib
import gc
import socket
import sys
from collections.abc import Callable
from functools import partial
from threading import Event

import uvicorn
from anyio import to_thread
from prometheus_client import Gauge

from api.accepting import Balance, accept
from api.app import create_app
from api.auth.oidc import Provider
from api.connection import Connection
from api.limits import MAX_AT_ONCE, STOP_SECONDS
from api.listening import is_local
from api.middleware.cors import read_origins
from api.middleware.proxy import read_prefix, read_proxies
from api.middleware.rate_limits import RateLimits
from api.monitoring.pool import watch_pool
from api.monitoring.reading import Observing
from search.background import in_background
from search.engine.engine import SearchEngine
from search.errors import NotIndexed, RefractError
from search.metrics import REGISTRY
from search.settings import Settings
from search.shared_tables import SharedTables

TICKS = 10
"""So many of uvicorn's ticks are a second."""

SERVING = Gauge(
    "refract_serving_processes",
    "Processes that answer requests.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)

SWITCH_SECONDS = 0.0005
"""A thread that works lets the others go on after so long, a tenth of Python's usual: the event loop has to
wait for that several times in each answer."""


def serve(
    engine: SearchEngine,
    listening: socket.socket,
    settings: Settings,
    *,
    tables: SharedTables,
    answers: Callable[[], object],
    place: int = 0,
    places: int = 1,
) -> None:
    """Answers requests until the process is asked to stop. `answers` is called once pages answer and from
    then on every second, as long as they do; `tables` are what is counted together with other processes, at a
    `place` among which this one is.
    """
    live = engine.snapshots.live()
    for collection in live:
        with contextlib.suppress(NotIndexed):
            engine.warm(collection)
    hosts = {settings.host.lower(), settings.public_host.lower()} - {""} if is_local(listening) else None
    watch_pool(engine.database)
    app = create_app(
        engine,
        private=settings.private,
        hosts=hosts,
        prefix=read_prefix(settings.root_path),
        proxies=read_proxies(settings.trusted_proxies),
        origins=read_origins(settings.cors_origins),
        observing=Observing.of(settings),
        tables=tables,
        limits=RateLimits.of(settings),
        provider=Provider.of(settings),
    )

    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()  # what is there now stays, and need not be looked through each time that something is not
    engine.snapshots.follow()
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=Connection,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    balance = Balance(tables["connections"], place, places)
    listening.setblocking(False)
    server = _Server(config, listening, balance, answers, app.state.followers.end)
    # So that the first visitor of the first collection does not wait for the model.
    loading = in_background("model", partial(_load_model, settings.model))
    try:
        with (
            contextlib.suppress(KeyboardInterrupt),
            in_background("questions", app.state.questions.run),
            contextlib.nullcontext() if live else loading,
        ):
            server.run(sockets=[])  # until Ctrl-C, which is how a server is meant to end
    finally:
        engine.snapshots.end()


def _load_model(model: str, _: Event) -> None:
    from search.embedding.embedder import load_embedder

    with contextlib.suppress(RefractError):  # whoever indexes with it will be told
        load_embedder(model).encode_queries(["warm"])


class _Server(uvicorn.Server):
    """Runs uvicorn, but takes connections itself; calls back each second that it answers, from when signals
    are in its hands, and when it is to stop."""

    def __init__(
        self,
        config: uvicorn.Config,
        listening: socket.socket,
        balance: Balance,
        answers: Callable[[], object],
        on_stop: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._listening, self._balance = listening, balance
        self._answers, self._on_stop = answers, on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        to_thread.current_default_thread_limiter().total_tokens = MAX_AT_ONCE
        await super().startup(sockets=sockets)
        self._accepting = asyncio.create_task(
            accept(self._listening, self._make_protocol, self._open, self._balance)
        )
        SERVING.set(1)

    async def on_tick(self, counter: int) -> bool:
        if self._accepting.done():
            self._accepting.result()  # raises: who takes no connections is to be replaced
        self._balance.tell(self._open())
        if counter % TICKS == 0:
            self._answers()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._accepting.cancel()
        self._balance.leave()
        self._listening.close()
        self._on_stop()
        await super().shutdown(sockets=sockets)

    def _open(self) -> int:
        return len(self.server_state.connections)

    def _make_protocol(self) -> asyncio.Protocol:
        return Connection(self.config, self.server_state, self.lifespan.state)
