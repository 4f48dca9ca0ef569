"""A Milvus that goes away, takes little, finds less than there is or holds something else: never a wrong
answer."""

from pathlib import Path

import numpy as np
import pytest

from search import deadline
from search.errors import IndexDamaged, TimedOut, VectorsUnavailable
from search.index import milvus_index
from search.index.milvus_index import MilvusIndex
from search.index.milvus_server import MilvusServer
from tests.support.milvus import ForgetfulMilvus, SmallMilvus, changed_milvus, small_milvus

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
X_ND = RNG.normal(size=(500, 8)).astype(np.float16)
Q_QD = RNG.normal(size=(1, 8)).astype(np.float32)
NEAREST = np.argsort(-(Q_QD @ X_ND.astype(np.float32).T)[0], kind="stable")

INSTALLATION = "ba9876543210"


def _built(address: str, generation: int = 1) -> MilvusIndex:
    return MilvusIndex.build(MilvusServer(address), INSTALLATION, generation, X_ND)


def _finds(index: MilvusIndex) -> bool:
    return np.array_equal(index.search(Q_QD, 20)[1][0], NEAREST[:20])


def test_a_collection_that_is_not_whole_is_not_opened_and_is_made_again(
    milvus: SmallMilvus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFRACT_VECTORS", milvus.address)
    index = _built(milvus.address, 3)
    sha256 = index.save(tmp_path / "x")
    client = milvus.client()
    client.delete(index.name, filter="row in [7, 8]")
    with pytest.raises(IndexDamaged, match="holds 498 of 500 vectors"):
        MilvusIndex.load(tmp_path / "x", sha256)
    with pytest.raises(IndexDamaged, match="holds 1 of 3 vectors asked for"):
        index.vectors(np.array([6, 7, 8]))
    assert _finds(_built(milvus.address, 3))
    client.drop_collection(index.name)
    with pytest.raises(IndexDamaged, match="is not there"):
        MilvusIndex.load(tmp_path / "x", sha256)
    with pytest.raises(IndexDamaged, match="is not there"):
        index.search(Q_QD, 5)
    assert _finds(_built(milvus.address, 3))
    assert _finds(MilvusIndex.load(tmp_path / "x", sha256))


def test_other_vectors_of_a_generation_are_never_taken_for_these(milvus: SmallMilvus) -> None:
    server = MilvusServer(milvus.address)
    earlier = MilvusIndex.build(server, INSTALLATION, 4, X_ND[::-1].copy())
    index = _built(milvus.address, 4)
    assert index.name != earlier.name
    assert server.names(f"refract_{INSTALLATION}_4_") == [index.name]
    assert _finds(index)
    with pytest.raises(IndexDamaged):
        earlier.search(Q_QD, 5)


def test_what_is_there_already_is_not_stored_again(
    milvus: SmallMilvus, monkeypatch: pytest.MonkeyPatch
) -> None:
    _built(milvus.address, 5)
    monkeypatch.setattr(MilvusServer, "write", None)
    assert _finds(_built(milvus.address, 5))


def test_a_server_that_finds_fewer_than_there_are_is_not_believed(tmp_path: Path) -> None:
    with changed_milvus(tmp_path / "data", ForgetfulMilvus) as address:
        assert _finds(_built(address))


def test_a_server_that_takes_little_at_once_gets_little_at_once(tmp_path: Path) -> None:
    with changed_milvus(tmp_path / "data", most_bytes=4000) as address:
        assert _finds(_built(address))
    with (
        changed_milvus(tmp_path / "other", most_bytes=400) as address,
        pytest.raises(VectorsUnavailable, match="takes less at once"),
    ):
        MilvusIndex.build(MilvusServer(address), INSTALLATION, 1, np.ones((2, 128), np.float16))


def test_large_answers_are_asked_for_in_parts(milvus: SmallMilvus, monkeypatch: pytest.MonkeyPatch) -> None:
    index = _built(milvus.address, 6)
    monkeypatch.setattr(milvus_index, "READ_BYTES", 100 * 8 * 4)
    assert _finds(index)
    _, ids = index.search(Q_QD, 300)
    assert ids[0].tolist() == NEAREST[:300].tolist()
    np.testing.assert_array_equal(index.vectors(np.arange(500)), X_ND.astype(np.float32))


def test_searches_go_on_once_a_server_that_crashed_is_back(tmp_path: Path) -> None:
    with small_milvus(tmp_path / "data") as server:
        index = _built(server.address)
        assert _finds(index)
        server.settle()
        server.stop()
        for _ in range(2):
            with pytest.raises(VectorsUnavailable):
                index.search(Q_QD, 20)
        server.start()
        assert _finds(index)
        assert _finds(_built(server.address))


def test_a_server_that_stops_amid_a_search_costs_a_request_its_time(milvus: SmallMilvus) -> None:
    assert milvus.process is not None
    index = _built(milvus.address, 2)
    assert _finds(index)
    milvus.pause()
    try:
        with deadline.within(deadline.Deadline(0.5)), pytest.raises(TimedOut):
            index.search(Q_QD, 5)
    finally:
        milvus.go_on()
    assert _finds(index)
