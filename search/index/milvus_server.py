"""Asks a Milvus server: every call has a limit in time, and what goes wrong is said in Refract's own errors.

pymilvus is imported where the setting names a server, and nowhere else: it takes a second. Each process has a
client of its own.

Shape suffixes: N vectors, D their width.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from search import deadline
from search.errors import ConfigurationError, IndexDamaged, VectorsUnavailable
from search.settings import load_settings

if TYPE_CHECKING:
    from pymilvus import MilvusClient

FAISS = "faiss"

MAJOR = "3"
"""The client is of this version, and its makers say: of the server's."""

STRONG = "Strong"
"""A search sees all that was written before it; Milvus's own default lets it be seconds behind."""

CONNECT_SECONDS = 5.0
NOT_FOUND, NOT_LOADED, REFUSED = 100, 101, 9  # codes of Milvus
ROW, VECTOR = "row", "vector"
T = TypeVar("T")
Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Patience:
    """Says how often something is tried, and how many seconds it has with all attempts and pauses."""

    attempts: int
    seconds: float


FOR_SEARCHES = Patience(attempts=3, seconds=10.0)
FOR_BUILDS = Patience(attempts=5, seconds=300.0)
FOR_CHECKS = Patience(attempts=1, seconds=2.0)


class TooMuch(VectorsUnavailable):
    """More was sent or asked for at once than goes through one call."""


def milvus_address() -> str | None:
    """Reads the address of the Milvus server that vectors are kept in; None: FAISS has them.

    Raises:
        ConfigurationError: REFRACT_VECTORS is neither.
    """
    given = load_settings().vectors.get_secret_value().strip()
    if given == FAISS:
        return None
    try:
        parts = urlsplit(given)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        usable = False
    if not usable:  # what it is may hold a password, so it is not repeated
        raise ConfigurationError(
            "REFRACT_VECTORS is neither faiss nor the address of a Milvus server.",
            hint="It should look like http://milvus:19530, or https://user:password@host:19530/database.",
        )
    return given


def milvus_server() -> "MilvusServer":
    """Gives the server of the setting, the same one each time.

    Raises:
        ConfigurationError: the setting names none, or its client is not installed.
    """
    address = milvus_address()
    if address is None:
        raise ConfigurationError(
            "REFRACT_VECTORS names no Milvus server.", hint="Set it to one, like http://milvus:19530."
        )
    return _server(address)


@cache
def _server(address: str) -> "MilvusServer":
    try:
        import pymilvus  # noqa: F401
    except ImportError:
        raise ConfigurationError(
            "REFRACT_VECTORS names a Milvus server, and its client is not installed.",
            hint="Run: pip install 'refract[milvus]', or set REFRACT_VECTORS=faiss.",
        ) from None
    # It writes a traceback of every error that it raises, and all of them are told below.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    return MilvusServer(address)


class MilvusServer:
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

    def version(self, patience: Patience = FOR_CHECKS) -> str:
        """Asks the server's version.

        Raises:
            VectorsUnavailable: it does not answer, or is of a version that is not known.
        """
        told = self._call(lambda client, left: client.get_server_version(timeout=left), patience)
        return self._known(str(told))

    def names(self, prefix: str, patience: Patience = FOR_BUILDS) -> list[str]:
        """Lists the collections whose names begin like this."""
        found = self._call(lambda client, left: client.list_collections(timeout=left), patience)
        return sorted(name for name in found if name.startswith(prefix))

    def create(self, name: str, width: int) -> None:
        """Makes an empty collection of vectors by row, which is searched by looking at all of them."""
        from pymilvus import DataType, MilvusClient

        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field(ROW, DataType.INT64, is_primary=True)
        schema.add_field(VECTOR, DataType.FLOAT_VECTOR, dim=width)
        index = MilvusClient.prepare_index_params()
        index.add_index(VECTOR, index_type="FLAT", metric_type="IP")

        def ask(client: "MilvusClient", left: float) -> None:
            if not client.has_collection(name, timeout=left):  # made by an attempt whose answer was lost
                client.create_collection(
                    name, schema=schema, index_params=index, consistency_level=STRONG, timeout=left
                )

        self._call(ask, FOR_BUILDS)

    def write(self, name: str, start: int, x_ND: NDArray[Any]) -> None:
        """Stores vectors as the rows from `start` on. Doing it twice is doing it once.

        Raises:
            TooMuch: these are more than the server takes at once.
        """
        rows = [{ROW: start + at, VECTOR: x_D} for at, x_D in enumerate(x_ND.astype(np.float32))]
        self._call(lambda client, left: client.upsert(name, rows, timeout=left), FOR_BUILDS)

    def finish(self, name: str) -> None:
        """Makes durable what was stored, and lets it be searched."""

        def ask(client: "MilvusClient", left: float) -> None:
            client.flush(name, timeout=left)
            client.load_collection(name, timeout=left)

        self._call(ask, FOR_BUILDS)

    def count(self, name: str, patience: Patience) -> int:
        """Counts the rows of a collection.

        Raises:
            IndexDamaged: there is none of that name.
        """
        asked: dict[str, Any] = {"filter": "", "output_fields": ["count(*)"], "consistency_level": STRONG}
        found = self._loaded(name, lambda client, left: client.query(name, **asked, timeout=left), patience)
        return int(found[0]["count(*)"])

    def read(self, name: str, where: str) -> tuple[Rows, Vectors]:
        """Reads the rows (N,) that an expression names, and their vectors (N, D), in any order."""
        asked = {"filter": where, "output_fields": [ROW, VECTOR], "consistency_level": STRONG}
        found = self._loaded(
            name, lambda client, left: client.query(name, **asked, strict_float32=True, timeout=left)
        )
        rows = np.fromiter((each[ROW] for each in found), np.int64, len(found))
        return rows, np.stack([each[VECTOR] for each in found]) if len(found) else np.zeros(
            (0, 0), np.float32
        )

    def search(self, name: str, q_D: Vectors, limit: int, where: str = "") -> tuple[Rows, Vectors]:
        """Finds the rows (N,) nearest to a question by inner product, at most so many, and their vectors
        (N, D), in any order."""
        asked: dict[str, Any] = {
            "data": [q_D],
            "anns_field": VECTOR,
            "limit": limit,
            "filter": where,
            "output_fields": [VECTOR],
            "search_params": {"metric_type": "IP"},
            "consistency_level": STRONG,
        }
        (hits,) = self._loaded(name, lambda client, left: client.search(name, **asked, timeout=left))
        rows = np.array(hits.ids, np.int64)
        # Asked for one by one they would become lists of Python's numbers: 80 ms for a thousand.
        held = [np.array(field.vectors.float_vector.data, np.float32) for field in hits.lazy_field_data]
        return rows, held[0].reshape(len(rows), -1) if len(rows) else np.zeros((0, 0), np.float32)

    def drop(self, name: str) -> None:
        """Drops a collection; there need be none."""
        self._call(lambda client, left: client.drop_collection(name, timeout=left), FOR_BUILDS)

    def _loaded(
        self,
        name: str,
        ask: "Callable[[MilvusClient, float], T]",
        patience: Patience = FOR_SEARCHES,
    ) -> T:
        """Asks a collection, which is loaded first where it is not: the small server has none loaded when it
        begins.

        Raises:
            IndexDamaged: there is no collection of that name.
        """
        from pymilvus import MilvusException

        def loading(client: "MilvusClient", left: float) -> T:
            try:
                return ask(client, left)
            except MilvusException as error:
                if error.code != NOT_LOADED:
                    raise
                client.load_collection(name, timeout=left)
                return ask(client, left)

        return self._call(loading, patience)

    def _call(self, ask: "Callable[[MilvusClient, float], T]", patience: Patience = FOR_SEARCHES) -> T:
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
                    self._known(str(client.get_server_version(timeout=seconds)))
                except BaseException:
                    client.close()
                    raise
                self._client = client
            return self._client
        finally:
            self._connecting.release()

    def _known(self, version: str) -> str:
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


REPAIR = "Run refract verify --repair."


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
    connecting = error.code == 2  # CONNECT_FAILED
    return (connecting or bool(error.retriable)) and not error.is_input_error
