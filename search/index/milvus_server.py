"""Asks the Milvus server of the setting for collections and what is in them.

pymilvus is imported where the setting names a server, and nowhere else: it takes a second. Each process has a
client of its own.

Shape suffixes: N vectors, D their width.
"""

import logging
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from search.errors import ConfigurationError
from search.index.milvus_connection import FOR_BUILDS, FOR_CHECKS, FOR_SEARCHES, MilvusConnection, Patience
from search.settings import load_settings

if TYPE_CHECKING:
    from pymilvus import MilvusClient

FAISS = "faiss"

STRONG = "Strong"
"""A search sees all that was written before it; Milvus's own default lets it be seconds behind."""

NOT_LOADED = 101  # a code of Milvus
ROW, VECTOR = "row", "vector"
T = TypeVar("T")
Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
NOTHING: tuple[Rows, Vectors] = np.zeros(0, np.int64), np.zeros((0, 0), np.float32)


def milvus_address() -> str | None:
    """Reads the address of the Milvus server that vectors are kept in; None: FAISS has them.

    Raises:
        ConfigurationError: REFRACT_VECTORS is neither.
    """
    given = load_settings().vectors.strip()
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
    """Stores vectors in the collections of one server, and searches them. It is safe to use from several
    threads."""

    def __init__(self, address: str) -> None:
        self._connection = MilvusConnection(address)

    @property
    def place(self) -> str:
        """Names the server without what its address keeps secret."""
        return self._connection.place

    def version(self, patience: Patience = FOR_CHECKS) -> str:
        """Asks the server's version.

        Raises:
            VectorsUnavailable: it does not answer, or is of a version that is not known.
        """
        told = self._connection.call(lambda client, left: client.get_server_version(timeout=left), patience)
        return self._connection.known(str(told))

    def names(self, prefix: str, patience: Patience = FOR_BUILDS) -> list[str]:
        """Lists the collections whose names begin like this."""
        found = self._connection.call(lambda client, left: client.list_collections(timeout=left), patience)
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

        self._connection.call(ask, FOR_BUILDS)

    def write(self, name: str, start: int, x_ND: NDArray[Any]) -> None:
        """Stores vectors as the rows from `start` on. Doing it twice is doing it once.

        Raises:
            TooMuch: these are more than the server takes at once.
        """
        rows = [{ROW: start + at, VECTOR: x_D} for at, x_D in enumerate(x_ND.astype(np.float32))]
        self._connection.call(lambda client, left: client.upsert(name, rows, timeout=left), FOR_BUILDS)

    def finish(self, name: str) -> None:
        """Makes durable what was stored, and lets it be searched."""

        def ask(client: "MilvusClient", left: float) -> None:
            client.flush(name, timeout=left)
            client.load_collection(name, timeout=left)

        self._connection.call(ask, FOR_BUILDS)

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
        if not len(found):
            return NOTHING
        rows = np.fromiter((each[ROW] for each in found), np.int64, len(found))
        return rows, np.stack([each[VECTOR] for each in found])

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
        found = self._loaded(name, lambda client, left: client.search(name, **asked, timeout=left))
        if not found or not len(found[0]):
            return NOTHING
        rows = np.array(found[0].ids, np.int64)
        # Asked for one by one they would become lists of Python's numbers: 80 ms for a thousand.
        (held,) = found[0].lazy_field_data
        return rows, np.array(held.vectors.float_vector.data, np.float32).reshape(len(rows), -1)

    def drop(self, name: str) -> None:
        """Drops a collection; there need be none."""
        self._connection.call(lambda client, left: client.drop_collection(name, timeout=left), FOR_BUILDS)

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

        return self._connection.call(loading, patience)
