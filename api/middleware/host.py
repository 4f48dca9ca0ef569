"""A server on the own machine answers to its own names alone."""

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request

from search.errors import InvalidRequest


def is_loopback(host: str) -> bool:
    """Tells whether a host name or address is always the own machine's."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def check_host(request: Request) -> None:
    """Refuses requests under a host name that is not ours. A page elsewhere whose owner has made its name
    mean this machine (DNS rebinding) could else read all that Refract shows.

    Raises:
        InvalidRequest: the name is not one of ours.
    """
    hosts: Collection[str] | None = request.app.state.hosts
    given = request.headers.get("Host", "")
    if hosts is None or is_loopback(name := _host_name(given)) or name in hosts:
        return
    raise InvalidRequest(
        f"Refract is not at {given[:100]!r}.",
        hint="Use the address it printed at its start; REFRACT_PUBLIC_HOST names the one of a proxy.",
    )


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
