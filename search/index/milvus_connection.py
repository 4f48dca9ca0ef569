"""Connects to a Milvus server: every call has a limit in time, and what goes wrong is said in Refract's own
errors."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from search import deadline
from search.errors import IndexDamaged, TooMuch, VectorsUnavailable

if TYPE_CHECKING:
    from pymilvus import MilvusClient

MAJOR = "3"
"""The client is of this version, and its makers say: of the server's."""

CONNECT_SECONDS = 5.0
CONNECT_FAILED, NOT_FOUND, REFUSED = 2, 100, 9  # codes of Milvus and its client
REPAIR = "Run refract verify --repair."

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """Says how often something is tried, and how many seconds it has with all attempts and pauses."""

    attempts: int
    seconds: float


FOR_SEARCHES = Patience(attempts=3, seconds=10.0)
FOR_BUILDS = Patience(attempts=5, seconds=300.0)
FOR_CHECKS = Patience(attempts=1, seconds=2.0)


class MilvusConnection:
    """Holds the connection to one server. It is made at the first call, and again after the server was away.
    It is safe to use from several threads.

    `place` names the server without what its address keeps secret.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.place = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 19530)}"
        self._address = address
        self._client: MilvusClient | None = None
        self._connecting = Lock()

    def call(self, ask: "Callable[[MilvusClient, float], T]", patience: Patience = FOR_SEARCHES) -> T:
        """Asks something, with the seconds that an attempt may take; again where that may help.

        Raises:
            VectorsUnavailable: the server does not answer, or refuses.
            IndexDamaged: the collection that is asked is not there.
            TooMuch: the server takes less at once.
            TimedOut: the request's own time is up.
        """
        import grpc
        from pymilvus import MilvusException

        end = time.monotonic() + patience.seconds
        for attempt in range(1, patience.attempts + 1):
            deadline.check()
            try:
                client = self._client or self._connected(_left(end))
                return ask(client, _left(end))
            except (MilvusException, grpc.RpcError) as error:
                deadline.check()
                pause = 0.1 * 4 ** (attempt - 1)
                if attempt == patience.attempts or not _passes(error) or _left(end) <= pause:
                    raise self._told(error) from None
            time.sleep(pause)
        raise AssertionError("unreachable")

    def _connected(self, seconds: float) -> "MilvusClient":
        """Connects, one thread at a time: the others would wait for the first inside the client, without a
        limit.

        Raises:
            VectorsUnavailable: the server is of a version that is not known, or others wait for it already.
        """
        from pymilvus import MilvusClient

        seconds = min(seconds, CONNECT_SECONDS)
        if not self._connecting.acquire(timeout=seconds):
            raise self._unavailable("does not answer")
        try:
            if self._client is None:
                client = MilvusClient(self._address, timeout=seconds, dedicated=True)
                try:
                    self.known(str(client.get_server_version(timeout=seconds)))
                except BaseException:
                    client.close()
                    raise
                self._client = client
            return self._client
        finally:
            self._connecting.release()

    def known(self, version: str) -> str:
        """Gives a version like v3.0.1 or milvus_lite-3.2.2, if Refract knows what it does."""
        number = version.rpartition("-")[2] if version.startswith("milvus_lite") else version.lstrip("v")
        if number.partition(".")[0] != MAJOR:
            raise VectorsUnavailable(
                f"The Milvus server at {self.place} is of version {version[:40]}.",
                hint=f"Run Milvus {MAJOR}, or set REFRACT_VECTORS=faiss.",
            )
        return version

    def _told(self, error: Exception) -> Exception:
        """Says what an error of the client means to us."""
        import grpc
        from pymilvus import MilvusException

        if isinstance(error, grpc.RpcError):
            status = error.code()
            if status == grpc.StatusCode.RESOURCE_EXHAUSTED:
                return self._too_much(str(error.details()))
            if status == grpc.StatusCode.DEADLINE_EXCEEDED:
                return self._unavailable("does not answer in time")
            return self._unavailable(f"does not answer: {status.name.lower().replace('_', ' ')}")
        assert isinstance(error, MilvusException)
        message = str(error.message).strip()
        if error.code == NOT_FOUND:
            return IndexDamaged(f"A Milvus collection is not there: {message[:200]}.", hint=REPAIR)
        if error.code == REFUSED:
            return self._unavailable(f"takes no more: {message[:200]}")
        if "too large" in message or "larger than max" in message:
            return self._too_much(message)
        return self._unavailable(f"does not answer: {(message.splitlines() or [''])[0][:200]}")

    def _too_much(self, message: str) -> TooMuch:
        told = f"The Milvus server at {self.place} takes less at once: {message[:200].rstrip('.')}."
        return TooMuch(told, hint="Let it take larger messages.")

    def _unavailable(self, what: str) -> VectorsUnavailable:
        hint = "Start or mend it; without REFRACT_VECTORS vectors are searched with FAISS."
        return VectorsUnavailable(f"The Milvus server at {self.place} {what.rstrip('.')}.", hint=hint)


def _left(end: float) -> float:
    """Gives the seconds to a moment, or to the end of the request if that is sooner; never none."""
    limit = deadline.current()
    seconds = end - time.monotonic()
    return max(0.01, seconds if limit is None else min(seconds, limit.left))


def _passes(error: Any) -> bool:
    """Tells whether the same may work in a moment: the server is away, or says so itself."""
    import grpc

    if isinstance(error, grpc.RpcError):
        return bool(error.code() == grpc.StatusCode.UNAVAILABLE)
    return (error.code == CONNECT_FAILED or bool(error.retriable)) and not error.is_input_error
