"""Serving takes a socket before anything slow happens, warms the engine up, and ends in order."""

import contextlib
import gc
import socket
from collections.abc import Callable

import uvicorn
from anyio import to_thread

from api.app import create_app
from api.auth.callers import LOGIN
from api.auth.oidc import Provider
from api.connection import Connection
from api.limits import MAX_AT_ONCE, STOP_SECONDS
from api.middleware.cors import read_origins
from api.middleware.host import is_loopback
from api.middleware.proxy import read_prefix, read_proxies
from api.middleware.rate_limits import RateLimits
from api.monitoring.pool import watch_pool
from api.monitoring.reading import Observing
from search.engine.engine import SearchEngine
from search.errors import ConfigurationError, NotIndexed
from search.settings import Settings

BACKLOG = 128


def listen(host: str, port: int) -> socket.socket:
    """Takes the address (port 0: any free one).

    Raises:
        ConfigurationError: it is taken, or not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY: else small answers wait 40 ms for an acknowledgement.
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen(BACKLOG)
    except OSError as error:
        taken.close()
        raise ConfigurationError(
            f"Cannot listen on {host}:{port}: {error.strerror or error}.",
            hint="Choose another port, like PORT=8001.",
        ) from None
    return taken


def address(listening: socket.socket) -> str:
    """Gives the address of the page, as a person would type it."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def serve(
    engine: SearchEngine, listening: socket.socket, settings: Settings, *, say: Callable[[str, str], None]
) -> None:
    """Answers requests until the process is asked to stop.

    Once pages answer, `say` hears the address and, where only this machine is listened to, a link that signs
    an admin in once (else nothing: who reads the output need not be who may).
    """
    for collection in engine.snapshots.live():
        with contextlib.suppress(NotIndexed):
            engine.warm(collection)
    local = is_loopback(listening.getsockname()[0])
    hosts = {settings.host.lower(), settings.public_host.lower()} - {""} if local else None
    watch_pool(engine.database)
    app = create_app(
        engine,
        private=settings.private,
        hosts=hosts,
        prefix=read_prefix(settings.root_path),
        proxies=read_proxies(settings.trusted_proxies),
        origins=read_origins(settings.cors_origins),
        observing=Observing.of(settings),
        limits=RateLimits.of(settings),
        provider=Provider.of(settings),
    )

    def on_start() -> None:
        at = address(listening)
        say(at, f"{at.rstrip('/')}{LOGIN}?token={app.state.links.make()}" if local else "")

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
    server = _Server(config, on_start, app.state.followers.end)
    try:
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how a server is meant to end
            server.run(sockets=[listening])
    finally:
        engine.snapshots.end()


class _Server(uvicorn.Server):
    """Runs uvicorn, and calls back once it answers, which is also when signals are in its hands, and when it
    is to stop."""

    def __init__(
        self, config: uvicorn.Config, on_start: Callable[[], None], on_stop: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._on_start = on_start
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        to_thread.current_default_thread_limiter().total_tokens = MAX_AT_ONCE
        await super().startup(sockets=sockets)
        if self.started:
            self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        await super().shutdown(sockets=sockets)
