"""Any OpenAI-compatible chat endpoint: one question, one answer, within a budget, and patient."""

import email.utils
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2

from search.errors import ConfigurationError, LabellerError

ATTEMPTS = 4
LONGEST_WAIT = 600.0  # seconds; an endpoint that wants more is left alone
ANSWER_BYTES = 2_000_000
CHARACTERS_A_TOKEN = 4
SHOWN = 200

Message = dict[str, str]


class BudgetSpent(Exception):
    """The next request could exceed the budget; says which one."""


class Nonsense(Exception):
    """The endpoint answered, but not with what was asked for."""


@dataclass(frozen=True)
class Endpoint:
    """Where to ask. `timeout` is the seconds that one answer may take in all."""

    url: str
    model: str
    key: str = ""
    timeout: float = 120.0

    def __post_init__(self) -> None:
        for variable, value in (("REFRACT_LABELLER_URL", self.url), ("REFRACT_LABELLER_MODEL", self.model)):
            if not value.strip():
                raise ConfigurationError(
                    f"{variable} is not set: there is nobody to ask for labels.",
                    hint="Set REFRACT_LABELLER_URL to an OpenAI-compatible endpoint, like https://HOST/v1, "
                    "and REFRACT_LABELLER_MODEL to a model that it has.",
                )
        if not self.url.startswith(("http://", "https://")):
            raise ConfigurationError(
                f"REFRACT_LABELLER_URL={self.url!r} is no address.",
                hint="It begins with http:// or https://.",
            )
        if not (self.key.isascii() and self.key.isprintable()):
            raise ConfigurationError(
                "REFRACT_LABELLER_KEY holds characters that no key has.", hint="Copy it again."
            )


@dataclass
class Budget:
    """What may be spent (None: any amount), and what has been. Requests that failed count too."""

    requests: int | None = None
    tokens: int | None = None
    spent_requests: int = 0
    spent_tokens: int = 0

    def claim(self, tokens: int) -> None:
        """Takes one request of about so many tokens.

        Raises:
            BudgetSpent: it would be too much; nothing is taken.
        """
        if self.requests is not None and self.spent_requests >= self.requests:
            raise BudgetSpent(f"the budget of {self.requests:,} requests is spent")
        if self.tokens is not None and self.spent_tokens + tokens > self.tokens:
            raise BudgetSpent(
                f"{self.spent_tokens:,} of {self.tokens:,} tokens are spent and the next request needs about "
                f"{tokens:,}"
            )
        self.spent_requests += 1


class Chat:
    """Asks an endpoint, again and again where it is busy or does not answer."""

    def __init__(
        self,
        endpoint: Endpoint,
        budget: Budget,
        *,
        sleep: Callable[[float], None] = time.sleep,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.endpoint = endpoint
        self.budget = budget
        self._address = f"{endpoint.url.rstrip('/')}/chat/completions"
        self._sleep = sleep
        self._say = say

    def complete(self, messages: list[Message]) -> str:
        """The text of the answer to some messages.

        Raises:
            BudgetSpent: before the request that would exceed it.
            Nonsense: the answer has no text.
            LabellerError: no answer after some attempts, or a refusal that no repetition would change.
        """
        asked = sum(len(message["content"]) for message in messages) // CHARACTERS_A_TOKEN + 1
        for attempt in range(1, ATTEMPTS + 1):
            self.budget.claim(asked)
            try:
                status, wait, body = self._post({"model": self.endpoint.model, "messages": messages})
            except httpx2.TimeoutException:
                self.budget.spent_tokens += asked  # who was too slow to answer may still charge
                wait, problem = None, f"did not answer within {self.endpoint.timeout:g} s"
            except (httpx2.RequestError, httpx2.InvalidURL) as error:
                wait, problem = None, f"cannot be reached ({error})"
            else:
                if status == 200:
                    return self._content(body, asked)
                problem = self._problem(status, body)
            if attempt < ATTEMPTS:
                self._wait(problem, 2.0 ** (attempt - 1) if wait is None else wait)
        raise LabellerError(
            f"{self._address} {problem}, {ATTEMPTS} times in a row.",
            hint="Check REFRACT_LABELLER_URL or try later; what was answered is kept.",
        )

    def _post(self, body: dict[str, Any]) -> tuple[int, float | None, bytes]:
        """Status, seconds to wait if the endpoint named some, and what it said."""
        headers = {"Authorization": f"Bearer {self.endpoint.key}"} if self.endpoint.key else {}
        deadline = time.monotonic() + self.endpoint.timeout
        received = bytearray()
        with (
            httpx2.Client(timeout=self.endpoint.timeout, headers=headers) as client,
            client.stream("POST", self._address, json=body) as response,
        ):
            for part in response.iter_bytes():
                received += part
                if len(received) > ANSWER_BYTES:
                    raise Nonsense(f"it answered more than {ANSWER_BYTES:,} bytes")
                if time.monotonic() > deadline:  # the client's own timeout is for each part
                    raise httpx2.ReadTimeout("The answer came too slowly.")
            return response.status_code, _retry_after(response.headers.get("Retry-After")), bytes(received)

    def _content(self, body: bytes, asked: int) -> str:
        try:
            answer = json.loads(body)
            content = answer["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError, RecursionError):
            self.budget.spent_tokens += asked + len(body) // CHARACTERS_A_TOKEN
            raise Nonsense(f"it answered no chat completion: {_beginning(body)!r}") from None
        self.budget.spent_tokens += _usage(answer) or asked + len(str(content)) // CHARACTERS_A_TOKEN + 1
        if not isinstance(content, str):
            raise Nonsense(f"it answered no text: {_beginning(body)!r}")
        return content

    def _problem(self, status: int, body: bytes) -> str:
        """What is wrong, where asking again may help.

        Raises:
            LabellerError: where it would not.
        """
        said = _beginning(body)
        if self.endpoint.key:
            said = said.replace(self.endpoint.key, "…")
        if status == 429 or status >= 500:
            return f"answered {status} ({said})"
        hints = {
            401: "Check REFRACT_LABELLER_KEY.",
            403: "Check REFRACT_LABELLER_KEY, and that it may use REFRACT_LABELLER_MODEL.",
            404: "Check REFRACT_LABELLER_URL, which often ends in /v1, and REFRACT_LABELLER_MODEL.",
        }
        raise LabellerError(
            f"{self._address} answered {status} ({said}).",
            hint=hints.get(status, "Check REFRACT_LABELLER_URL and REFRACT_LABELLER_MODEL."),
        )

    def _wait(self, problem: str, seconds: float) -> None:
        if seconds > LONGEST_WAIT:
            raise LabellerError(
                f"{self._address} {problem} and asks to wait for {seconds:,.0f} s.",
                hint="Go on later; what was answered is kept.",
            )
        self._say(f"{self._address} {problem}; asking again in {seconds:g} s")
        self._sleep(seconds)


def _retry_after(value: str | None) -> float | None:
    """Seconds, from a number of them or a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        until = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max((aware - datetime.now(UTC)).total_seconds(), 0.0)


def _usage(answer: dict[str, Any]) -> int:
    """The tokens that the endpoint counted, 0 where it did not."""
    usage = answer.get("usage")
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    return total if isinstance(total, int) and total > 0 else 0


def _beginning(body: bytes) -> str:
    return " ".join(body[: 4 * SHOWN].decode("utf-8", "replace").split())[:SHOWN]
