"""A connection whose client is slow is dropped, and one that is not is served."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from api.connection import Connection
from api.listening import listen

ASKED = b"GET /%s HTTP/1.1\r\nHost: here\r\n\r\n"


class Hasty(Connection):
    head_seconds = 0.1
    unread_seconds = 0.1


@pytest.fixture
def port() -> Iterator[int]:
    async def short(_: Request) -> Response:
        return PlainTextResponse("short")

    async def endless(_: Request) -> Response:
        return StreamingResponse(bytes(1 << 16) for _ in range(1 << 20))

    app = Starlette(routes=[Route("/short", short), Route("/endless", endless)])
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", http=Hasty))
    listening = listen("127.0.0.1", 0)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()


@contextlib.contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        yield connection


def is_dropped(connection: socket.socket) -> bool:
    with contextlib.suppress(ConnectionError):
        while connection.recv(1 << 16):
            pass
    return True


@pytest.mark.parametrize("begun", [b"", b"GET /short HTTP/1.1\r\nHost: he"])
def test_who_does_not_say_what_is_wanted_is_dropped(port: int, begun: bytes) -> None:
    with connected(port) as connection:
        connection.sendall(begun)
        assert is_dropped(connection)


def test_so_is_who_stops_in_the_middle_of_another_question(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(ASKED % b"short")
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /sho")
        assert is_dropped(connection)


def test_so_is_who_does_not_read_the_answer(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(ASKED % b"endless")
        assert connection.recv(1 << 10).startswith(b"HTTP/1.1 200")
        threading.Event().wait(1)
        assert is_dropped(connection)


TWICE = [
    b"Host: here\r\nHost: there\r\n",
    b"Host: here\r\nContent-Length: 2\r\nContent-Length: 40\r\n",
    b"Host: here\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    b"Content-Length: 0\r\n",
]
"""What a proxy doubled, or stripped of the host: who reads it otherwise may take one request for two."""


@pytest.mark.parametrize("headers", TWICE)
def test_headers_that_contradict_each_other_are_refused(port: int, headers: bytes) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET /short HTTP/1.1\r\n" + headers + b"\r\n")
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 400 ")


def test_small_answers_are_sent_at_once() -> None:
    with listen("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP  # asyncio looks at this
