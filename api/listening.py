"""The socket that a server listens at is there before anything slow happens."""

import socket

from api.auth.callers import LOGIN
from api.auth.sessions import OneTimeLinks
from api.middleware.host import is_loopback
from search.errors import ConfigurationError

BACKLOG = 2048
"""So many connections wait to be taken, or as many as the system lets."""


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


def inherited(file: int) -> socket.socket:
    """Gives the socket that another process listens at as well, by its descriptor."""
    family = (found := socket.socket(fileno=file)).family
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=found.detach())


def is_local(listening: socket.socket) -> bool:
    """Whether only this machine is listened to."""
    return is_loopback(listening.getsockname()[0])


def addresses(listening: socket.socket, links: OneTimeLinks) -> tuple[str, str]:
    """Gives the address of the page, as a person would type it, and, where only this machine is listened to,
    a link that signs an admin in once (else nothing: who reads the output need not be who may)."""
    host, port = listening.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    return address, f"{address.rstrip('/')}{LOGIN}?token={links.make()}" if is_local(listening) else ""
