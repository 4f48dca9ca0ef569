"""An endpoint embeds texts elsewhere: it is asked as OpenAI's is, POST ADDRESS/embeddings. Needs no torch.

Its models are named ADDRESS#MODEL. Only addresses that the owner's setting REFRACT_ENDPOINTS names are ever
called, each with its own key: whoever else may name a model (an admin, a dump) can have neither texts nor
keys sent to another place.

Shape suffixes: N texts, D width.
"""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import ConfigurationError, InvalidRequest, ModelUnavailable
from search.remote import Answer, Patience, Pause, Remote, host_of, is_address
from search.settings import load_settings

TEXTS = 32
"""So many texts a request: what every server of this kind takes."""

AT_ONCE = 4
"""So many requests are under way at a time."""

ADDRESS = "Check the address, which ends before /embeddings, and the name of the model."

FloatArray = NDArray[np.float32]

FOR_PASSAGES = Patience(attempts=8, seconds=600.0)
FOR_QUESTIONS = Patience(attempts=3, seconds=15.0)
"""Somebody waits for the answer."""


def is_endpoint(model: str) -> bool:
    """Tells whether a model is one of an endpoint."""
    return is_address(model)


def split_model(model: str) -> tuple[str, str]:
    """Splits the id of an endpoint's model into its address and its name there.

    Raises:
        InvalidRequest: it is no such id, or may hold a secret; the message then does not repeat it.
    """
    address, _, name = model.partition("#")
    host = host_of(address)
    if host is None:
        raise InvalidRequest(
            "A model's address may have a host, a port and a path, but no user, password or query.",
            hint="Give keys in REFRACT_ENDPOINTS.",
        )
    if not name.strip() or not name.isprintable() or len(model) > 500:
        raise InvalidRequest(
            f"{model[:200]!r} does not name a model of {host}.",
            hint="Write ADDRESS#MODEL, as the server does.",
        )
    return address.rstrip("/"), name


def check_model(model: str) -> None:
    """Refuses the id of a model before it is stored anywhere, if it is one of an endpoint and cannot be
    used.

    Raises:
        InvalidRequest: it is no such id.
        ConfigurationError: the setting does not name its address.
    """
    if is_endpoint(model):
        _key_for(split_model(model)[0])


class Endpoint:
    """Embeds with one model of an endpoint. It is safe to use from several threads.

    `width`: how many numbers each vector has to have; 0: as many as the first answer's.
    """

    def __init__(self, model: str, width: int = 0, *, pause: Pause = Event.wait) -> None:
        self.address, self.name = split_model(model)
        self.width = width
        self._remote = Remote(self.address, _key_for(self.address), self._error, pause=pause)

    def embed(
        self,
        texts: Sequence[str],
        patience: Patience = FOR_PASSAGES,
        on_batch: Callable[[int], None] = lambda _: None,
    ) -> FloatArray:
        """Embeds texts as unit vectors (N, D); `on_batch` hears how many were just done.

        Raises:
            ModelUnavailable: naming what it answered instead.
        """
        batches = [texts[start : start + TEXTS] for start in range(0, len(texts), TEXTS)]
        parts = [np.zeros((0, self.width), np.float32)] if not batches else []
        ended = Event()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                for part_ND in pool.map(partial(self._embed, patience=patience, ended=ended), batches):
                    parts.append(part_ND)
                    on_batch(len(part_ND))
            finally:
                ended.set()
        return np.concatenate(parts)

    def _embed(self, texts: Sequence[str], patience: Patience, ended: Event) -> FloatArray:
        """Embeds as many texts as one request may have."""
        # No server embeds an empty text.
        asked = {"model": self.name, "input": [text or " " for text in texts]}
        answer = self._remote.post("embeddings", asked, patience, ended)
        if answer.status != 200:
            raise self._error(self._remote.told(answer), self._remedy(answer))
        return self._vectors(answer.body, len(texts))

    def _vectors(self, body: bytes, texts: int) -> FloatArray:
        """Reads the vectors in the order of the texts, and checks them: what is wrong here would be found by
        nobody later."""
        try:
            x_ND = np.array(_in_order(json.loads(body)["data"]), dtype=np.float64)
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
            raise self._error("answers no list of vectors of one length", ADDRESS) from None
        if len(x_ND) != texts or x_ND.ndim != 2:
            raise self._error(f"answers {len(x_ND):,} vectors for {texts:,} texts")
        with np.errstate(over="ignore"):
            length_N1 = np.linalg.norm(x_ND, axis=1, keepdims=True)
        if not (np.isfinite(length_N1) & (length_N1 > 0)).all():
            raise self._error("answers vectors that are no direction: NaN, without end, or all 0")
        self.width = self.width or x_ND.shape[1]
        if x_ND.shape[1] != self.width:
            told = f"answers vectors of {x_ND.shape[1]:,} numbers where {self.width:,} are expected"
            raise self._error(told, "It has another model under this name now: run refract reindex.")
        return np.asarray(x_ND / length_N1, np.float32)

    def _remedy(self, answer: Answer) -> str:
        if answer.status in (401, 403):
            return f"Set REFRACT_ENDPOINTS to {self.address}=KEY."
        if answer.status == 404 or 300 <= answer.status < 400:
            return ADDRESS
        return "Try again later; what was done is kept." if answer.may_pass else ""

    def _error(self, told: str, hint: str = "") -> ModelUnavailable:
        return ModelUnavailable(f"The endpoint {self.address} (model {self.name}) {told}.", hint=hint)


def _in_order(data: list[dict[str, Any]]) -> list[Any]:
    """The vectors of an answer by the numbers of their texts."""
    numbers = [row.get("index", place) for place, row in enumerate(data)]
    if sorted(numbers) != list(range(len(data))):
        raise ValueError("a text has two vectors")
    by_number = dict(zip(numbers, data, strict=True))
    return [by_number[number]["embedding"] for number in range(len(data))]


def _key_for(address: str) -> str:
    """Finds the key of an address in the owner's setting; empty where it needs none.

    Raises:
        ConfigurationError: the setting cannot be read, or does not name the address.
    """
    known: dict[str, str] = {}
    given = load_settings().endpoints
    for number, entry in enumerate(given.get_secret_value().split() if given else (), 1):
        named, _, key = entry.partition("=")
        if host_of(named) is None or not (key.isascii() and key.isprintable()):
            raise ConfigurationError(  # the entry is not repeated: it may be a key
                f"Entry {number} of REFRACT_ENDPOINTS cannot be used.",
                hint="Write https://HOST/v1=KEY, or the address alone, with a blank between two.",
            )
        known[named.rstrip("/")] = key
    if address not in known:
        raise ConfigurationError(
            f"The endpoint {address} is none that may be asked.",
            hint=f"The owner of this machine sets REFRACT_ENDPOINTS to {address}=KEY, or without a key.",
        )
    return known[address]
