"""The connection to a Milvus: what the setting says, and a server that is down, slow or no Milvus."""

import sys
from pathlib import Path

import numpy as np
import pytest

from search import deadline
from search.errors import ConfigurationError, TimedOut, VectorsUnavailable
from search.index.milvus_connection import FOR_CHECKS
from search.index.milvus_server import MilvusServer, milvus_address, milvus_server
from tests.support.milvus import OldMilvus, Silence, changed_milvus
from tests.support.receiver import Receiver

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("faiss", None),
        ("http://milvus:19530", "http://milvus:19530"),
        (" https://me:secret@host/db ", "https://me:secret@host/db"),
    ],
)
def test_the_setting_is_faiss_or_an_address(
    monkeypatch: pytest.MonkeyPatch, given: str, address: str | None
) -> None:
    monkeypatch.setenv("REFRACT_VECTORS", given)
    assert milvus_address() == address


@pytest.mark.parametrize("given", ["", "milvus", "ftp://me:secret@host", "http://", "http://host:secret"])
def test_anything_else_is_refused_without_repeating_it(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("REFRACT_VECTORS", given)
    with pytest.raises(ConfigurationError, match="neither faiss nor the address") as refused:
        milvus_address()
    assert "secret" not in str(refused.value)


def test_the_client_is_asked_for_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFRACT_VECTORS", "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'refract\[milvus\]'"):
        milvus_server()


def test_a_server_that_is_down_is_named_without_its_password() -> None:
    server = MilvusServer("http://me:secret@127.0.0.1:1")
    with pytest.raises(VectorsUnavailable, match=r"127\.0\.0\.1:1 does not answer") as told:
        server.version()
    assert "secret" not in str(told.value)
    assert (told.value.status, told.value.retry_after) == (503, 5)


def test_a_server_that_takes_connections_and_never_answers_costs_a_request_its_time() -> None:
    with Silence() as silent:
        server = MilvusServer(silent.address)
        with deadline.within(deadline.Deadline(0.5)), pytest.raises(TimedOut):
            server.names("refract_")
        with pytest.raises(VectorsUnavailable, match="does not answer"):
            server.version(FOR_CHECKS)


def test_another_program_at_its_port_is_no_milvus(receiver: Receiver) -> None:
    with pytest.raises(VectorsUnavailable, match="does not answer"):
        MilvusServer(receiver.url).version()


def test_an_earlier_version_is_refused(tmp_path: Path) -> None:
    with changed_milvus(tmp_path / "data", OldMilvus) as address:
        server = MilvusServer(address)
        for ask in (server.version, lambda: server.names("refract_")):
            with pytest.raises(VectorsUnavailable, match=r"is of version v2\.4\.1"):
                ask()


def test_a_request_does_not_wait_for_a_server_that_is_down_until_its_time_is_up() -> None:
    limit = deadline.Deadline(60)
    with deadline.within(limit), pytest.raises(VectorsUnavailable):
        MilvusServer("http://127.0.0.1:1").search("refract_x", np.ones(8, np.float32), 5)
    assert limit.left > 0
