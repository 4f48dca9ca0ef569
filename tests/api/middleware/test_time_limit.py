"""No request takes for ever, and no more are at work than there are places."""

import asyncio
import threading
from collections.abc import Callable, Coroutine

import pytest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from api.middleware.time_limit import TimeLimit, only_reads
from search import deadline
from search.errors import RefractError
from tests.support.awaiting import finished

WAIT = 10.0


class Work:
    """Work in a thread that looks at its deadline, as searches do; says how it ended."""

    def __init__(self) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()
        self.reason = ""

    def do(self) -> str:
        self.begun.set()
        try:
            while True:
                deadline.check()
                threading.Event().wait(0.005)
        except RefractError as error:
            self.reason = error.message
            raise
        finally:
            self.ended.set()


def answered(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefractError)
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return PlainTextResponse(error.message, error.status, headers)


def limited(work: Work, *, at_once: int = 9, seconds: float = WAIT, body_seconds: float = WAIT) -> TimeLimit:
    async def dear(_: Request) -> Response:
        return PlainTextResponse(await run_in_threadpool(work.do))

    async def length(request: Request) -> Response:
        try:
            return PlainTextResponse(str(len(await request.body())))
        except ClientDisconnect:
            return PlainTextResponse("gone", 400)

    async def stream(_: Request) -> Response:
        return StreamingResponse(iter(["a", "b"]))

    async def broken(_: Request) -> Response:
        raise ValueError("broken")

    paths = {"/dear": dear, "/length": length, "/stream": stream, "/broken": broken, "/healthz": length}
    routes = [Route(path, answer, methods=["GET", "POST"]) for path, answer in paths.items()]
    but = frozenset({"/healthz"})
    app = Starlette(routes=routes, exception_handlers={RefractError: answered})
    return TimeLimit(app, answered, but=but, at_once=at_once, seconds=seconds, body_seconds=body_seconds)


class Client:
    """One client of an ASGI application: what it sent, what it was sent, and when it hangs up."""

    def __init__(self, path: str, body: list[bytes] | None = None, *, method: str = "GET") -> None:
        self.scope: Scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [],
            "query_string": b"",
        }
        self.scope |= {"http_version": "1.1", "scheme": "http", "server": ("here", 80), "root_path": ""}
        self.pieces = [b""] if body is None else body
        self.hangs_up = asyncio.Event()
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        if self.pieces:
            piece = self.pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": piece != b""}
        await self.hangs_up.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def ask(self, app: TimeLimit) -> "Client":
        await app(self.scope, self.receive, self.send)
        return self

    @property
    def answer(self) -> tuple[int, str]:
        return self.sent[0]["status"], b"".join(each.get("body", b"") for each in self.sent[1:]).decode()

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])


def run(test: Callable[[], Coroutine[None, None, None]]) -> None:
    finished(test())


def test_what_is_answered_in_time_is_as_it_was() -> None:
    async def test() -> None:
        app = limited(Work())
        assert (await Client("/length").ask(app)).answer == (200, "0")
        sent = await Client("/length", [b"ab", b"c", b""], method="POST").ask(app)
        assert sent.answer == (200, "3")
        assert (await Client("/stream").ask(app)).answer == (200, "ab")
        with pytest.raises(ValueError, match="broken"):
            await Client("/broken").ask(app)

    run(test)


def test_an_answer_that_takes_too_long_is_given_up_and_its_work_stops() -> None:
    async def test() -> None:
        work = Work()
        client = await Client("/dear").ask(limited(work, seconds=0.05))
        assert client.answer == (503, "The answer took longer than 0.05 s.")
        assert client.headers[b"connection"] == b"close"
        assert await run_in_threadpool(work.ended.wait, WAIT)

    run(test)


def test_work_stops_when_the_client_hangs_up() -> None:
    async def test() -> None:
        work = Work()
        client = Client("/dear")
        asked = asyncio.create_task(client.ask(limited(work)))
        assert await run_in_threadpool(work.begun.wait, WAIT)
        client.hangs_up.set()
        await asked
        assert await run_in_threadpool(work.ended.wait, WAIT)
        assert work.reason == "Nobody waits for this answer any more."

    run(test)


def test_what_tidies_up_after_the_whole_answer_is_waited_for() -> None:
    """A server says of every exchange that is over that its client is gone; a file has to be closed yet."""

    async def test() -> None:
        client, ended = Client("/"), threading.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await PlainTextResponse("whole")(scope, receive, send)
            client.hangs_up.set()
            await run_in_threadpool(ended.wait, 0.05)
            ended.set()

        await client.ask(TimeLimit(app, answered))
        assert client.answer == (200, "whole")
        assert ended.is_set()

    run(test)


def test_one_more_than_there_are_places_is_refused_at_once_but_for_the_health_check() -> None:
    async def test() -> None:
        work = Work()
        app = limited(work, at_once=1)
        first = Client("/dear")
        asked = asyncio.create_task(first.ask(app))
        assert await run_in_threadpool(work.begun.wait, WAIT)
        refused = await Client("/length").ask(app)
        assert refused.answer == (503, "1 requests are at work or wait already.")
        assert int(refused.headers[b"retry-after"]) > 0
        assert (await Client("/healthz").ask(app)).answer == (200, "0")
        first.hangs_up.set()
        await asked
        assert await run_in_threadpool(work.ended.wait, WAIT)
        await asyncio.sleep(0.05)
        assert (await Client("/length").ask(app)).answer == (200, "0")  # it drains

    run(test)


def test_what_still_runs_when_the_server_stops_is_given_up_and_said_to_be() -> None:
    async def test() -> None:
        work = Work()
        client = Client("/dear")
        asked = asyncio.create_task(client.ask(limited(work)))
        assert await run_in_threadpool(work.begun.wait, WAIT)
        asked.cancel()
        await asked
        assert client.answer == (503, "The server stops.")
        assert await run_in_threadpool(work.ended.wait, WAIT)

    run(test)


@pytest.mark.parametrize("begun", [[], [b"abc"]])
def test_a_body_that_does_not_come_is_not_waited_for(begun: list[bytes]) -> None:
    async def test() -> None:
        app = limited(Work(), body_seconds=0.05, at_once=1)
        slow = await Client("/length", list(begun), method="POST").ask(app)
        assert slow.answer == (408, "The request's body came too slowly.")
        await asyncio.sleep(0.05)
        assert (await Client("/length").ask(app)).answer == (200, "0")  # its place is free again

    run(test)


@pytest.mark.parametrize(
    ("method", "path", "reads"),
    [
        ("GET", "/v1/documents/x", True),
        ("HEAD", "/", True),
        ("POST", "/v1/search", True),
        ("POST", "/v1/documents", False),
        ("PUT", "/v1/search", False),
        ("DELETE", "/v1/documents/x", False),
    ],
)
def test_what_changes_something_has_more_time(method: str, path: str, reads: bool) -> None:
    assert only_reads({"method": method, "path": path}) is reads
