"""One request to a webhook: signed, in bounded time, and to no address that is not meant."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from indexer.hooks.signing import sign
from indexer.sources.document import UnreadableError
from indexer.sources.web.addresses import is_below
from indexer.sources.web.fetching import is_private, normalized, post
from search.errors import ConfigurationError, InvalidRequest
from search.remote import retry_after
from search.settings import load_settings

SECONDS = 10.0
"""A request and its answer have so long together."""

GONE = 410
REFUSED = "An address may have a scheme (http or https), a host, a port, a path and a query."


@dataclass(frozen=True)
class Outcome:
    """Says what came of a request: the `status` that was answered (null: none was), the same in words, and
    how many `milliseconds` it took. `wait`: how many seconds the receiver asks to wait."""

    status: int | None
    answer: str
    milliseconds: int
    wait: float | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300


def read_url(given: str) -> str:
    """Reads the address of a webhook, in the one way we write it.

    Raises:
        InvalidRequest: it is none, may hold a password, or is of a network that may not be reached.
    """
    url = normalized(given) if given.isprintable() else None
    if url is None or "@" in urlsplit(given.strip()).netloc:
        raise InvalidRequest(f"{origin(given)!r} is no address of a webhook.", hint=REFUSED)
    host = urlsplit(url).hostname or ""
    try:
        private = is_private(host)
    except UnreadableError as error:
        raise InvalidRequest(f"The webhook's address cannot be used: {error}.", hint=REFUSED) from None
    if private and not is_allowed(url):
        raise InvalidRequest(
            f"{host} is an address of this machine or its network.",
            hint=f"Have REFRACT_WEBHOOKS of the server and the worker name it, like {origin(url)}.",
        )
    return url


def is_allowed(url: str) -> bool:
    """Whether the setting names an address, so that it may be one of this machine or its network.

    Raises:
        ConfigurationError: the setting cannot be read.
    """
    return any(is_below(url.partition("?")[0], each) for each in _named())


def _named() -> Iterator[str]:
    for given in load_settings().webhooks:
        if (address := normalized(given)) is None:
            raise ConfigurationError(
                f"REFRACT_WEBHOOKS names {origin(given)!r}, which is no address.",
                hint="Write http://HOST:PORT/PATH, with commas between several.",
            )
        yield address


def origin(url: str) -> str:
    """What may be told of an address: what comes after its host may be a secret."""
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0].partition("?")[0].rpartition("@")[2]
    return f"{scheme[:20]}://{host[:100]}" if rest else url[:40]


def send(url: str, secret: str, message: str, at: int, body: bytes, *, seconds: float = SECONDS) -> Outcome:
    """Sends a body under an id at a time (seconds of Unix). Redirects are not followed."""
    headers = {
        "User-Agent": "refract",
        "Content-Type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(at),
        "webhook-signature": sign(secret, message, at, body),
    }
    begun = time.monotonic()
    try:
        status, wait = post(url, body, private=is_allowed(url), seconds=seconds, headers=headers)
    except UnreadableError as error:
        return Outcome(None, str(error), _since(begun))
    return Outcome(status, _told(status), _since(begun), retry_after(wait))


def payload(kind: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    """Writes what is sent of an event: the same each time."""
    told = {"type": kind, "timestamp": at.astimezone(UTC).isoformat(), "data": data}
    return json.dumps(told, ensure_ascii=False, sort_keys=True).encode()


def _told(status: int) -> str:
    if 300 <= status < 400:
        return f"it sends elsewhere (HTTP {status}), which is not followed"
    return f"HTTP {status}"


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
