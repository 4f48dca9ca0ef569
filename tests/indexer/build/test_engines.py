"""A collection moves from FAISS to Milvus and back: the same answers, before and after, and nothing left."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from api.checks import check_vectors
from api.doctor.indexes import check_indexes
from api.readiness import readiness
from indexer.build.builder import Build
from indexer.build.catch_up import CatchUp
from indexer.build.generations import roll_back
from indexer.build.retention import drop_vectors
from indexer.build.verify import verify
from indexer.collections import delete_collection
from indexer.documents import delete_documents, ingest
from indexer.progress import Reporter
from indexer.sources import SourceDocument
from search.db.lookup import find_collection, installation_of, live_generation
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.errors import VectorsUnavailable
from search.index.generation_files import INDEX_FILE, MILVUS_FILE, generation_folder
from search.index.milvus_index import MilvusIndex, prefix_of
from search.index.milvus_server import MilvusServer
from search.query.filters import parse_filters
from search.query.request import SearchRequest
from search.query.steering import parse
from search.settings import DEFAULT_MODEL
from tests.support.building import build
from tests.support.milvus import SmallMilvus, small_milvus

pytestmark = [pytest.mark.database, pytest.mark.model]

FAISS, ASKED = "faiss", "REFRACT_VECTORS"
REQUESTS = [
    SearchRequest("sort numbers"),
    SearchRequest("asynchronous tasks", parse("concept:network%20protocols:2,concept:mathematics:-1")),
    SearchRequest("read a file", mode="semantic"),
    SearchRequest("dates and time zones", filters=parse_filters(["kind:even"])),
    SearchRequest("lists -tuple"),
]


def _documents(documents: list[SourceDocument], start: int, stop: int) -> list[SourceDocument]:
    kinds = ("even", "odd")
    return [
        SourceDocument(one.id, one.title, one.text, one.url, {"kind": kinds[number % 2]})
        for number, one in enumerate(documents[start:stop])
    ]


def _answers(database: Engine, data: Path) -> list[dict[str, Any]]:
    """What a process that starts now answers: documents, scores, reasons; without the time it took."""
    engine = SearchEngine(database, data)
    found = []
    for request in REQUESTS:
        answer = asdict(engine.search(request, collection="c", limit=20))
        assert answer["results"], request
        del answer["took_ms"], answer["generation"], answer["dictionary"]
        found.append(answer)
    return found


class Moving:
    """A collection whose engine is set anew."""

    def __init__(self, database: Engine, data: Path, embedder: Embedder, milvus: str) -> None:
        self.database, self.data, self.embedder, self.milvus = database, data, embedder, milvus

    def reindex(self) -> int:
        with Session(self.database) as session:
            number = find_collection(session, "c").id
        return Build(self.database, self.data, self.embedder, Reporter(self.database)).run(number).generation

    def engine(self) -> str:
        with Session(self.database) as session:
            return live_generation(session, "c").recipe.engine

    def generations_there(self) -> set[int]:
        """The generations of this database that Milvus holds."""
        with Session(self.database) as session:
            ours = prefix_of(installation_of(session))
        names = MilvusServer(self.milvus).names(ours)
        return {int(name.removeprefix(ours).partition("_")[0]) for name in names}


@pytest.fixture
def moving(
    database: Engine,
    tmp_path: Path,
    embedder: Embedder,
    documents: list[SourceDocument],
    milvus: SmallMilvus,
    monkeypatch: pytest.MonkeyPatch,
) -> Moving:
    monkeypatch.setenv(ASKED, FAISS)
    build(database, tmp_path, embedder, "c", _documents(documents, 0, 60))
    return Moving(database, tmp_path, embedder, milvus.address)


def test_the_same_is_found_for_the_same_reasons_there_and_back(
    moving: Moving, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_faiss = _answers(moving.database, moving.data)
    monkeypatch.setenv(ASKED, moving.milvus)
    assert _answers(moving.database, moving.data) == in_faiss  # what is live stays where it is
    there = moving.reindex()
    assert moving.engine() == "milvus"
    assert moving.generations_there() == {there}
    files = {path.name for path in generation_folder(moving.data, there).iterdir()}
    assert MILVUS_FILE in files
    assert INDEX_FILE not in files
    assert _answers(moving.database, moving.data) == in_faiss
    assert verify(moving.database, moving.data).sound
    monkeypatch.setenv(ASKED, FAISS)
    assert verify(moving.database, moving.data).sound
    moving.reindex()
    assert moving.engine() == "faiss"
    assert _answers(moving.database, moving.data) == in_faiss


def test_changes_of_documents_are_seen_at_once_in_milvus_as_in_faiss(
    moving: Moving, documents: list[SourceDocument], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ASKED, moving.milvus)
    generation = moving.reindex()
    gone = [result["document"]["id"] for result in _answers(moving.database, moving.data)[0]["results"][:2]]
    with Session(moving.database) as session:
        collection = find_collection(session, "c").id
        delete_documents(session, collection, gone)
        session.commit()
    ingest(moving.database, collection, _documents(documents, 60, 70), Reporter(moving.database))
    CatchUp(moving.database, generation).run(Reporter(moving.database))
    changed = _answers(moving.database, moving.data)
    found = {result["document"]["id"] for answer in changed for result in answer["results"]}
    assert not found & set(gone)
    assert found & {one.id for one in documents[60:70]}
    monkeypatch.setenv(ASKED, FAISS)  # the same generation, its vectors read from the database
    assert _answers(moving.database, moving.data) == changed
    assert (generation_folder(moving.data, generation) / INDEX_FILE).exists()


def test_one_goes_back_to_a_generation_of_the_other_engine(
    moving: Moving, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_faiss = _answers(moving.database, moving.data)
    monkeypatch.setenv(ASKED, moving.milvus)
    there = moving.reindex()
    roll_back(moving.database, "c")
    assert moving.engine() == "faiss"
    assert _answers(moving.database, moving.data) == in_faiss
    assert roll_back(moving.database, "c") == there
    assert _answers(moving.database, moving.data) == in_faiss


def test_what_is_dropped_is_dropped_there_too(moving: Moving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ASKED, moving.milvus)
    built = [moving.reindex() for _ in range(4)]
    assert moving.generations_there() == set(built[1:])  # the live one, and two to go back to
    other = MilvusIndex.build(MilvusServer(moving.milvus), "0" * 12, built[0], _vectors(moving))
    delete_collection(moving.database, moving.data, "c")
    assert moving.generations_there() == set()
    assert MilvusServer(moving.milvus).names(prefix_of("0" * 12)) == [other.name]  # another installation's


def _vectors(moving: Moving) -> Any:
    return moving.embedder.encode(["one", "two"])


def test_a_collection_that_was_lost_is_made_again_from_the_database(
    moving: Moving, milvus: SmallMilvus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ASKED, moving.milvus)
    moving.reindex()
    before = _answers(moving.database, moving.data)
    with Session(moving.database) as session:
        (name,) = MilvusServer(moving.milvus).names(prefix_of(installation_of(session)))
        milvus.client().drop_collection(name)
        told = {check.name: check.state for check in check_indexes(session, moving.data, DEFAULT_MODEL)}
        assert told["index vectors"] == "warn"
        found = verify(moving.database, moving.data)
        assert not found.sound
        assert "is not there" in found.problems[-1].what
        assert verify(moving.database, moving.data, repair=True).sound
        told = {check.name: check.state for check in check_indexes(session, moving.data, DEFAULT_MODEL)}
        assert told["index vectors"] == "ok"
    milvus.client().delete(name, filter="row in [3]")
    assert _answers(moving.database, moving.data) == before  # it is made again where it is opened


def test_a_data_folder_that_is_new_finds_the_vectors_that_are_there(
    moving: Moving, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ASKED, moving.milvus)
    moving.reindex()
    before = _answers(moving.database, moving.data)
    monkeypatch.setattr(MilvusServer, "write", None)
    assert _answers(moving.database, tmp_path_factory.mktemp("another")) == before


def test_while_milvus_is_down_that_is_said_and_faiss_can_take_over(
    moving: Moving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_milvus(tmp_path / "other") as server:
        monkeypatch.setenv(ASKED, server.address)
        with Session(moving.database) as session:
            assert [check.state for check in check_vectors(session)] == ["ok"]
        moving.reindex()
        engine = SearchEngine(moving.database, moving.data)
        before = _answers(moving.database, moving.data)
        server.stop()
        for asked in (engine, SearchEngine(moving.database, moving.data)):
            with pytest.raises(VectorsUnavailable):
                asked.search(REQUESTS[0], collection="c")
        with Session(moving.database) as session:
            assert [check.state for check in check_vectors(session)] == ["fail"]
            assert isinstance(readiness(engine).missing, VectorsUnavailable)
            drop_vectors(session)  # what cannot be dropped now is dropped later
        with pytest.raises(VectorsUnavailable):
            moving.reindex()
        monkeypatch.setenv(ASKED, FAISS)
        assert _answers(moving.database, moving.data) == before
        with Session(moving.database) as session:
            assert list(check_vectors(session)) == []
    monkeypatch.setenv(ASKED, "nonsense")
    with Session(moving.database) as session:
        (check,) = check_vectors(session)
        assert check.state == "fail"
        session.execute(text("UPDATE generations SET recipe = recipe - 'engine'"))  # of before there were two
        (check,) = check_vectors(session)
        assert check.state == "warn"
