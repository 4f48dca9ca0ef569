"""One page over HTTP, within bounds of bytes and time, and from no address that is not meant."""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote, urldefrag, urljoin, urlsplit, urlunsplit

from indexer.sources.document import UnreadableError
from search.errors import SourceError

MAX_PAGE = 16 << 20
SECONDS = 30.0
HEADERS = {
    "User-Agent": "Mozilla/5.0 (compatible; refract)",
    "Accept-Encoding": "identity",
    "Accept": "text/html, application/xhtml+xml, text/plain, text/markdown, application/pdf, */*;q=0.1",
}

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Response:
    """What came from a server; `location` is where it sends to instead, `tag` and `date` say which state of
    the page this is."""

    status: int
    kind: str
    charset: str | None
    body: bytes
    location: str | None = None
    tag: str = ""
    date: str = ""


def normalized(address: str, base: str = "") -> str | None:
    """An address in the one way we write it, without its fragment; None where it is no page's."""
    try:
        parts = urlsplit(urldefrag(urljoin(base, address.strip()))[0])
        host = (parts.hostname or "").encode("idna").decode().lower()
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host or len(address) > 2000:
        return None
    host = f"[{host}]" if ":" in host else host
    place = host if port in (None, _PORTS[parts.scheme]) else f"{host}:{port}"
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    return urlunsplit((parts.scheme, place, path, quote(parts.query, safe="/%:@!$&'()*+,;=~-._?"), ""))


def is_private(host: str) -> bool:
    """Whether any address of a host is of this machine or of its own network.

    Raises:
        UnreadableError: there is no such host.
    """
    return any(_is_private(address[4][0]) for address in _resolved(host, 0))


def fetch(
    address: str,
    *,
    private: bool,
    seconds: float = SECONDS,
    most: int = MAX_PAGE,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """What a server answers, redirects too; `headers` are sent besides ours. The address that was looked at
    is the one that is connected to, and a timer ends the connection, whatever the server is doing.

    Raises:
        UnreadableError: naming the reason.
    """
    parts = urlsplit(address)
    sockets: list[socket.socket] = []
    late = threading.Event()
    timer = threading.Timer(seconds, _shut, [sockets, late])
    timer.daemon = True
    try:
        sock = _connected(parts.hostname or "", parts.port or _PORTS[parts.scheme], seconds, private)
        sockets.append(sock)
        timer.start()
        answer = _answer(sockets, address, most, headers)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if late.is_set() or isinstance(error, TimeoutError):
            raise UnreadableError(f"it was not sent within {seconds:.0f} seconds") from None
        told = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise UnreadableError(f"it cannot be fetched: {str(told)[:200]}") from None
    finally:
        timer.cancel()
        for each in sockets:
            each.close()
    if late.is_set():
        raise UnreadableError(f"it was not sent within {seconds:.0f} seconds")
    return answer


def _answer(sockets: list[socket.socket], address: str, most: int, headers: Mapping[str, str]) -> Response:
    """What is answered on the last of the sockets; one more is added where it is encrypted."""
    parts = urlsplit(address)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        secure = context.wrap_socket(
            sockets[-1], server_hostname=parts.hostname, do_handshake_on_connect=False
        )
        sockets.append(secure)
        secure.do_handshake()
    connection: http.client.HTTPConnection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.sock = sockets[-1]
    path = urlunsplit(("", "", parts.path, parts.query, ""))
    sent = {**HEADERS, **headers, "Host": parts.netloc, "Connection": "close"}
    connection.request("GET", path, headers=sent)
    answer = connection.getresponse()
    body = answer.read(most + 1) if answer.status == 200 else b""
    if answer.headers.get("Content-Encoding", "").lower() in ("gzip", "x-gzip"):
        body = unzipped(body, most)
    if len(body) > most:
        raise UnreadableError(f"it has more than {most >> 20} MiB")
    location = answer.headers.get("Location") if 300 <= answer.status < 400 else None
    kind, charset = answer.headers.get_content_type(), answer.headers.get_content_charset()
    return Response(
        answer.status,
        kind if answer.headers.get("Content-Type") else "",
        charset,
        body,
        location,
        answer.headers.get("ETag", ""),
        answer.headers.get("Last-Modified", ""),
    )


def unzipped(body: bytes, most: int = MAX_PAGE) -> bytes:
    """What gzip packed, a byte more than the most where it is more; what is no gzip stays."""
    try:
        return zlib.decompressobj(31).decompress(body, most + 1)
    except zlib.error:
        return body


def _shut(sockets: list[socket.socket], late: threading.Event) -> None:
    late.set()
    for each in sockets:
        with contextlib.suppress(OSError):  # it was never connected, or another one took its place
            each.shutdown(socket.SHUT_RDWR)


def _resolved(host: str, port: int) -> list[tuple[int, int, int, str, tuple[str, int]]]:
    try:
        return socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)  # type: ignore[return-value]
    except (OSError, UnicodeError):
        raise UnreadableError(f"there is no host {host[:100]}") from None


def _is_private(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None) or found
    return not mapped.is_global or mapped.is_multicast


def _connected(host: str, port: int, seconds: float, private: bool) -> socket.socket:
    error: OSError | None = None
    for family, kind, protocol, _, place in _resolved(host, port):
        if not private and _is_private(place[0]):
            raise UnreadableError(f"{host} is an address of this machine or network")
        sock = socket.socket(family, kind, protocol)
        sock.settimeout(seconds)
        try:
            sock.connect(place)
        except OSError as failed:
            sock.close()
            error = failed
            continue
        return sock
    raise error or OSError("it has no address")


def refuse(address: str, reason: str) -> SourceError:
    """The error of a site that cannot be read at all."""
    return SourceError(
        f"{address} cannot be read: {reason}.", hint="Give the address of a page or a sitemap."
    )
