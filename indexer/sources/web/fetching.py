"""One exchange over HTTP, within bounds of bytes and time, and with no address that is not meant."""

import contextlib
import http.client
import io
import ipaddress
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import quote, urldefrag, urljoin, urlsplit, urlunsplit

from indexer.sources.document import UnreadableError
from search.errors import SourceError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_PAGE = 16 << 20
SECONDS = 30.0
SHORTEST = 0.1
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
    """What a server answers, redirects too; `headers` are sent besides ours.

    Raises:
        UnreadableError: naming the reason.
    """
    with _connection(address, seconds, private) as connection:
        connection.request("GET", _path(address), headers=_headers(address, {**HEADERS, **headers}))
        return _read(connection.getresponse(), most)


def post(
    address: str, body: bytes, *, private: bool, seconds: float, headers: Mapping[str, str]
) -> tuple[int, str]:
    """Sends a body; gives the status that is answered, and how long the server asks to wait. What else it
    answers is not read.

    Raises:
        UnreadableError: naming the reason.
    """
    with _connection(address, seconds, private) as connection:
        connection.request("POST", _path(address), body, headers=_headers(address, headers))
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Retry-After", "")


@contextlib.contextmanager
def _connection(address: str, seconds: float, private: bool) -> Iterator[http.client.HTTPConnection]:
    """Connects to a server. The address that was looked at is the one that is connected to, and a timer ends
    the connection, whatever the server is doing.

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
        yield _opened(sockets, address, late)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if late.is_set() or isinstance(error, TimeoutError):
            raise UnreadableError(f"there was no answer within {seconds:.0f} seconds") from None
        told = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise UnreadableError(f"it cannot be reached: {str(told)[:200]}") from None
    finally:
        timer.cancel()
        for each in sockets:
            each.close()
    if late.is_set():
        raise UnreadableError(f"there was no answer within {seconds:.0f} seconds")


def _opened(sockets: list[socket.socket], address: str, late: threading.Event) -> http.client.HTTPConnection:
    """Speaks HTTP on the last of the sockets; one more is added where it is encrypted."""
    parts = urlsplit(address)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        secure = context.wrap_socket(
            sockets[-1], server_hostname=parts.hostname, do_handshake_on_connect=False
        )
        sockets.append(secure)
        secure.do_handshake()
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.sock = _Wire(sockets[-1], late)
    return connection


class _Wire:
    """Stands for a socket in an exchange. Who makes the exchange closes it, and nobody else."""

    def __init__(self, sock: socket.socket, late: threading.Event) -> None:
        self._sock = sock
        self._late = late
        self.sendall = sock.sendall

    def makefile(self, _: str) -> io.BufferedReader:
        """Makes what an answer is read from."""
        return io.BufferedReader(_Reading(self._sock, self._late))

    def close(self) -> None:
        """Leaves the socket open."""


class _Reading(io.RawIOBase):
    """Reads from a socket until it is late: of one that is shut, what comes without a pause could be read for
    ever."""

    def __init__(self, sock: socket.socket, late: threading.Event) -> None:
        self._sock = sock
        self._late = late

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Reads what is there.

        Raises:
            TimeoutError: it is late.
        """
        if self._late.is_set():
            raise TimeoutError
        return self._sock.recv_into(buffer)


def _path(address: str) -> str:
    parts = urlsplit(address)
    return urlunsplit(("", "", parts.path, parts.query, ""))


def _headers(address: str, given: Mapping[str, str]) -> dict[str, str]:
    return {**given, "Host": urlsplit(address).netloc, "Connection": "close"}


def _read(answer: http.client.HTTPResponse, most: int) -> Response:
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
    """Connects to the first address of a host that lets us; all of them together have these seconds."""
    error: OSError | None = None
    end = time.monotonic() + seconds
    for family, kind, protocol, _, place in _resolved(host, port):
        if not private and _is_private(place[0]):
            raise UnreadableError(f"{host} is an address of this machine or network")
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(max(end - time.monotonic(), SHORTEST))
            sock.connect(place)
            sock.settimeout(seconds)
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
