"""The two clients, sync and async, have the same methods: each sends a call of `refract_client.calls`."""

import asyncio
import functools
import itertools
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

import httpx2

from refract_client import calls
from refract_client.bulk import Batches, Document, Totals, each
from refract_client.calls import Call
from refract_client.decoding import decode
from refract_client.errors import RefractError
from refract_client.records import Written
from refract_client.retries import Retries, retry_after

TIMEOUT = 60.0
RETRIES = Retries()

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


def _sent(call: Callable[Given, Call[Answer]]) -> "Callable[Concatenate[Client, Given], Answer]":
    """Makes a method that sends a call."""

    @functools.wraps(call)
    def method(self: "Client", /, *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        return self.send(call(*args, **kwargs))

    return method


def _awaited(
    call: Callable[Given, Call[Answer]],
) -> "Callable[Concatenate[AsyncClient, Given], Awaitable[Answer]]":
    """Makes a method that sends a call and is awaited."""

    @functools.wraps(call)
    async def method(self: "AsyncClient", /, *args: Given.args, **kwargs: Given.kwargs) -> Answer:
        return await self.send(call(*args, **kwargs))

    return method


class Client:
    """Asks a server at `url`, below a path too, with a key where it wants one.

    `http` is taken for requests instead of a client of its own, and not closed: a proxy, certificates or
    other limits are its matter, and so are `timeout` and the pool of connections.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str = "",
        timeout: float = TIMEOUT,
        retries: Retries = RETRIES,
        http: httpx2.Client | None = None,
    ) -> None:
        self._url, self._headers, self._retries = url.rstrip("/"), _headers(key), retries
        self._http = http or httpx2.Client(timeout=timeout)
        self._owned = http is None

    search = _sent(calls.search)
    compare = _sent(calls.compare)
    why_not = _sent(calls.why_not)
    features = _sent(calls.features)
    feature = _sent(calls.feature)
    feature_map = _sent(calls.feature_map)
    concepts = _sent(calls.concepts)
    refine = _sent(calls.refine)
    analyze = _sent(calls.analyze)
    words = _sent(calls.words)
    suggest = _sent(calls.suggest)
    documents = _sent(calls.documents)
    document = _sent(calls.document)
    write_document = _sent(calls.write_document)
    delete_document = _sent(calls.delete_document)
    delete_documents = _sent(calls.delete_documents)
    collections = _sent(calls.collections)
    presets = _sent(calls.presets)
    preset = _sent(calls.preset)
    jobs = _sent(calls.jobs)
    job = _sent(calls.job)
    start_job = _sent(calls.start_job)
    cancel_job = _sent(calls.cancel_job)
    events = _sent(calls.events)

    def write_documents(self, documents: Iterable[Document], *, collection: str = "") -> Written:
        """Writes any number of documents, a batch at a time: those whose id is there are replaced. After an
        error the batches before it are stored; sending all of them again does no harm."""
        batches, totals = Batches(collection), Totals()
        for document in documents:
            if ready := batches.add(document):
                totals.add(self.send(ready))
        if rest := batches.rest():
            totals.add(self.send(rest))
        return totals.written()

    def send(self, call: Call[Answer]) -> Answer:
        """Sends a call, again where a server that is busy says when.

        Raises:
            RefractError: the server refuses, does not answer, or answers something else.
        """
        for tried in itertools.count():
            try:
                answer = self._http.request(**_request(self._url, self._headers, call))
            except httpx2.RequestError as error:
                raise _unreachable(self._url, error) from error
            pause = self._retries.pause(tried, answer.status_code, answer.headers)
            if pause is None:
                return _read(call, answer)
            time.sleep(pause)
        raise AssertionError

    def close(self) -> None:
        if self._owned:
            self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient:
    """Is `Client` for asyncio: the same methods, to be awaited."""

    def __init__(
        self,
        url: str,
        *,
        key: str = "",
        timeout: float = TIMEOUT,
        retries: Retries = RETRIES,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        self._url, self._headers, self._retries = url.rstrip("/"), _headers(key), retries
        self._http = http or httpx2.AsyncClient(timeout=timeout)
        self._owned = http is None

    search = _awaited(calls.search)
    compare = _awaited(calls.compare)
    why_not = _awaited(calls.why_not)
    features = _awaited(calls.features)
    feature = _awaited(calls.feature)
    feature_map = _awaited(calls.feature_map)
    concepts = _awaited(calls.concepts)
    refine = _awaited(calls.refine)
    analyze = _awaited(calls.analyze)
    words = _awaited(calls.words)
    suggest = _awaited(calls.suggest)
    documents = _awaited(calls.documents)
    document = _awaited(calls.document)
    write_document = _awaited(calls.write_document)
    delete_document = _awaited(calls.delete_document)
    delete_documents = _awaited(calls.delete_documents)
    collections = _awaited(calls.collections)
    presets = _awaited(calls.presets)
    preset = _awaited(calls.preset)
    jobs = _awaited(calls.jobs)
    job = _awaited(calls.job)
    start_job = _awaited(calls.start_job)
    cancel_job = _awaited(calls.cancel_job)
    events = _awaited(calls.events)

    async def write_documents(
        self, documents: Iterable[Document] | AsyncIterable[Document], *, collection: str = ""
    ) -> Written:
        """Writes any number of documents, as `Client.write_documents` does."""
        batches, totals = Batches(collection), Totals()
        async for document in each(documents):
            if ready := batches.add(document):
                totals.add(await self.send(ready))
        if rest := batches.rest():
            totals.add(await self.send(rest))
        return totals.written()

    async def send(self, call: Call[Answer]) -> Answer:
        """Sends a call, as `Client.send` does."""
        for tried in itertools.count():
            try:
                answer = await self._http.request(**_request(self._url, self._headers, call))
            except httpx2.RequestError as error:
                raise _unreachable(self._url, error) from error
            pause = self._retries.pause(tried, answer.status_code, answer.headers)
            if pause is None:
                return _read(call, answer)
            await asyncio.sleep(pause)
        raise AssertionError

    async def close(self) -> None:
        if self._owned:
            await self._http.aclose()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _headers(key: str) -> dict[str, str]:
    return {"User-Agent": f"refract-client/{_version()}"} | (
        {"Authorization": f"Bearer {key}"} if key else {}
    )


def _version() -> str:
    try:
        return version("refract-client")
    except PackageNotFoundError:  # used from its folder, without being installed
        return "0"


def _request(url: str, headers: dict[str, str], call: Call[Any]) -> dict[str, Any]:
    sent = {"Content-Type": "application/json"} if call.body is not None else {}
    return {
        "method": call.method,
        "url": f"{url}{call.path}",
        "params": call.params,
        "content": call.body,
        "headers": headers | sent,
    }


def _unreachable(url: str, error: httpx2.RequestError) -> RefractError:
    why = str(error) or type(error).__name__
    return RefractError("unreachable", f"{url} does not answer: {why}.", "Does the server run there?")


def _read(call: Call[Answer], answer: httpx2.Response) -> Answer:
    """Makes the record of an answer, or the error that it is."""
    try:
        body = answer.json()
        if answer.is_success:
            made: Answer = decode(call.answer, body)
            return made
        error = body["error"]
        code, message, hint = error["code"], error["message"], error["hint"]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise RefractError(
            "unexpected",
            f"{answer.url} answered {answer.status_code}, not in the form of Refract's JSON API.",
            "Is this the address of a Refract server, and of a version that this client knows?",
            status=answer.status_code,
        ) from None
    after = retry_after(answer.headers)
    raise RefractError(code, message, hint, status=answer.status_code, retry_after=after)
