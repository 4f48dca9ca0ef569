"""A server elsewhere is asked as OpenAI's is: a JSON body by POST, a key, patience with what may pass. What
comes back is bounded, and no redirect is followed: a key goes to its own address alone."""

import json
import math
import random
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Event
from typing import Any

import httpx2

from search.errors import RefractError

MOST_BYTES = 64 << 20
LONGEST_PAUSE = 60.0
"""Between two attempts, where the server does not say how long, in seconds."""

SECONDS = 120.0
"""One attempt has so many seconds at most."""

Pause = Callable[[Event, float], object]
"""Waits for some seconds, or until an event: nobody waits for the answer any more."""

Refused = Callable[[str], RefractError]
"""Makes the error that says what a server does instead of answering."""


@dataclass(frozen=True)
class Patience:
    """Says how often a request is tried, and how many seconds it has with all attempts and pauses."""

    attempts: int
    seconds: float


class Remote:
    """Asks one address, with its key if it has one. It is safe to use from several threads. `refused`: how
    it is said that it cannot be used."""

    def __init__(self, address: str, key: str, refused: Refused, *, pause: Pause = Event.wait) -> None:
        self.address = address
        self._key = key
        self._refused = refused
        self._pause = pause
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx2.Client(headers=headers, follow_redirects=False)
        weakref.finalize(self, self._client.close)

    def post(self, path: str, body: dict[str, Any], patience: Patience, ended: Event) -> "Answer":
        """Asks, and again what may pass, until nobody waits for it any more (`ended`)."""
        deadline = time.monotonic() + patience.seconds
        for attempt in range(1, patience.attempts):
            answer = self._post(path, body, deadline)
            if not answer.may_pass:
                break
            pause = answer.asked_to_wait
            if pause is None:
                pause = min(2.0 ** (attempt - 1), LONGEST_PAUSE) * random.uniform(0.5, 1.0)
            if ended.is_set() or time.monotonic() + pause > deadline:
                break
            self._pause(ended, pause)
        else:
            answer = self._post(path, body, deadline)
        return answer

    def _post(self, path: str, body: dict[str, Any], deadline: float) -> "Answer":
        """Asks once. What kept it from an answer is one of status 0."""
        try:
            return self._sent(path, body, deadline)
        except (httpx2.RequestError, OSError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
            return Answer(0, httpx2.Headers(), reason.encode())

    def _sent(self, path: str, body: dict[str, Any], deadline: float) -> "Answer":
        left = min(max(deadline - time.monotonic(), 0.1), SECONDS)
        deadline = time.monotonic() + left
        timeout = httpx2.Timeout(left, connect=min(left, 10.0))
        with self._client.stream("POST", f"{self.address}/{path}", json=body, timeout=timeout) as response:
            said = bytearray()
            for chunk in response.iter_bytes():
                said += chunk
                if time.monotonic() > deadline:
                    raise httpx2.ReadTimeout("it was not sent in time")
                if len(said) > MOST_BYTES:
                    raise self._refused(f"answers more than {MOST_BYTES >> 20} MiB")
            return Answer(response.status_code, response.headers, bytes(said))

    def told(self, answer: "Answer") -> str:
        """Says what came instead of what was asked for. Of an answer about keys nothing is repeated."""
        said = answer.said.replace(self._key, "…") if self._key else answer.said
        match answer.status:
            case 0:
                return f"cannot be reached: {said}"
            case 401 | 403:
                return "refuses the key" if self._key else "wants a key"
            case status if 300 <= status < 400:
                return f"sends elsewhere (HTTP {status}), which is not followed"
            case status:
                waits = (
                    f", and asks to wait {answer.asked_to_wait:,.0f} seconds" if answer.asked_to_wait else ""
                )
                return f"answers HTTP {status}{waits}" + (f": {said}" if said else "")


@dataclass(frozen=True)
class Answer:
    """Holds what a server answered; `status` 0: nothing, for the reason in the body."""

    status: int
    headers: httpx2.Headers
    body: bytes

    @property
    def may_pass(self) -> bool:
        """Whether another attempt may get another answer."""
        return self.status in (0, 408, 425, 429) or (self.status >= 500 and self.status != 501)

    @property
    def asked_to_wait(self) -> float | None:
        return retry_after(self.headers.get("Retry-After", ""))

    @property
    def said(self) -> str:
        """The first words of what went wrong, as the server says it."""
        try:
            told: Any = json.loads(self.body)
            told = told.get("error", told) if isinstance(told, dict) else told
            told = told.get("message", told) if isinstance(told, dict) else told
        except (ValueError, RecursionError):
            told = self.body[:1000].decode(errors="replace")
        return " ".join(str(told).split())[:200]


def retry_after(header: str) -> float | None:
    """Reads how many seconds a server asks to wait: a number, or the time of a day; None: it does not say."""
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):  # no date, or one without a zone
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def is_address(text: str) -> bool:
    """Tells whether a text is that of a web address."""
    return text.lower().startswith(("http://", "https://"))


def host_of(address: str) -> str | None:
    """Gives the host of an address of a server; None where it is none, or has what may be a secret."""
    if not is_address(address) or not address.isprintable() or any(sign in address for sign in "@?# "):
        return None
    try:
        return httpx2.URL(address).host or None
    except httpx2.InvalidURL:
        return None
