"""Verifying: everything that may be wrong is found, and what can be made again is."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from api.cli.terminal.output import print_verified
from indexer.build.generations import list_generations
from indexer.build.verify import NEAREST, QUESTIONS, TIED, Verified, measure_recall, verify
from indexer.sources import SourceDocument
from search.db.lookup import live_generation
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.index import generation_files
from search.index.bm25 import K1
from search.index.faiss_index import FaissIndex
from search.index.generation_files import (
    FEATURES_FILE,
    INDEX_FILE,
    MAP_FILE,
    NAMES_FILE,
    WORDS_FILE,
    generation_folder,
    open_map,
)
from search.index.passage_features import PassageFeatures
from search.index.passage_store import read_embeddings
from search.index.places import Places
from search.index.snapshot import load_snapshot
from search.query.request import SearchRequest
from search.scoring.hybrid import WORDS_WEIGHT
from tests.support.building import build
from tests.support.indexed import Indexed

pytestmark = [pytest.mark.database, pytest.mark.sql]

FILES = [INDEX_FILE, WORDS_FILE, FEATURES_FILE, NAMES_FILE, MAP_FILE]
TEXTS = ["Whales sing in the deep sea.", "Bread is baked of flour.", "Stars shine at night."]


@pytest.fixture(params=FILES)
def index_file(database: Engine, tmp_path: Path, embedder: Embedder, request: pytest.FixtureRequest) -> Path:
    """Each of the files of a small collection."""
    documents = [SourceDocument(str(n), "", content, None, {}) for n, content in enumerate(TEXTS)]
    build(database, tmp_path, embedder, "c", documents)
    with Session(database) as session:
        (live,) = list_generations(session, "c")
    return generation_folder(tmp_path, live.number) / str(request.param)


def test_the_map_is_drawn_by_so_many_passages_of_a_large_collection(
    database: Engine, tmp_path: Path, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [SourceDocument(str(n), "", TEXTS[n % 3] + f" {n}", None, {}) for n in range(7)]
    build(database, tmp_path, embedder, "c", documents)
    monkeypatch.setattr(generation_files, "MAP_PASSAGES", 3)
    drawn: list[csr_matrix] = []

    def draw(about_NF: csr_matrix, *_: object) -> Places:
        drawn.append(about_NF)
        return Places()

    monkeypatch.setattr(Places, "of", draw)
    with Session(database) as session:
        live = live_generation(session, "c")
        features = load_snapshot(session, tmp_path, live).rows.features
        (generation_folder(tmp_path, live.id) / MAP_FILE).unlink()
        open_map(session, tmp_path, live, features)
    assert [about_NF.shape[0] for about_NF in drawn] == [3]
    assert (drawn[0] != features.about_NF[[0, 3, 6]]).nnz == 0


def test_files_that_there_were_none_of_are_made_by_one_and_found_by_the_others(
    database: Engine, tmp_path: Path, embedder: Embedder, caplog: pytest.LogCaptureFixture
) -> None:
    """A generation of before passages' features were kept, opened by several processes at a time."""
    documents = [SourceDocument(str(n), "", content, None, {}) for n, content in enumerate(TEXTS)]
    build(database, tmp_path, embedder, "c", documents)
    with Session(database) as session:
        live = live_generation(session, "c")
        folder, built = generation_folder(tmp_path, live.id), dict(live.files)
        live.files = {INDEX_FILE: built[INDEX_FILE]}
        session.commit()
    for name in FILES[1:]:
        (folder / name).unlink()
    assert verify(database, tmp_path).sound
    begun = Barrier(3)

    def opened(_: int) -> PassageFeatures:
        with Session(database) as session:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            live = live_generation(session, "c")
            begun.wait(60)
            features = load_snapshot(session, tmp_path, live).rows.features
            session.commit()
            return features

    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(opened, range(3)))
    assert [sum(name in each for each in caplog.messages) for name in FILES] == [0, 1, 1, 1, 1]
    assert {len(features) for features in found} == {len(TEXTS)}
    with Session(database) as session:
        assert live_generation(session, "c").files == built
    assert verify(database, tmp_path) == Verified(1, len(TEXTS), [])
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    path.write_bytes(b"")


DAMAGES = [flip, cut, empty, Path.unlink]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_found_and_made_again(
    database: Engine, tmp_path: Path, index_file: Path, damage: object
) -> None:
    before = index_file.read_bytes()
    assert verify(database, tmp_path) == Verified(1, len(TEXTS), [])
    assert callable(damage)
    damage(index_file)
    found = verify(database, tmp_path)
    assert not found.sound
    assert [problem.repaired for problem in found.problems] == [False]
    assert str(index_file) in found.problems[0].what
    assert "--repair" in found.problems[0].remedy
    repaired = verify(database, tmp_path, repair=True)
    assert repaired.sound
    assert [problem.repaired for problem in repaired.problems] == [True]
    assert verify(database, tmp_path) == Verified(1, len(TEXTS), [])
    assert index_file.read_bytes() == before


WRONGS = {
    "UPDATE passages SET embedding = NULL WHERE id = 1": "no embedding",
    "UPDATE passages SET embedding = substr(embedding, 1, 100) WHERE id = 1": "no embedding",
    "UPDATE passages SET feature_ids = NULL WHERE id = 1": "no features",
    "UPDATE passages SET activations = ''::bytea WHERE id = 1": "no features",
    "DELETE FROM passages WHERE id = 1": "2 passages are there",
    "UPDATE passages SET stop = 10000 WHERE id = 1": "outside the text",
    "UPDATE passages SET feature_ids = (SELECT feature_ids FROM passages WHERE id = 0) WHERE id = 1": (
        "1 of 3 passages drawn have features of something else"
    ),
    "UPDATE documents SET text = replace(text, 'a', 'b') WHERE external_id = '1'": "1 documents are not what",
    "UPDATE documents SET title = 'Other' WHERE external_id = '1'": "1 documents are not what",
    "UPDATE dictionaries SET weights = weights || '\\x00'::bytea": "hash",
}


@pytest.mark.parametrize("statement", WRONGS)
def test_what_is_wrong_in_the_database_is_found_and_left_alone(
    database: Engine, tmp_path: Path, index_file: Path, statement: str
) -> None:
    before = index_file.read_bytes()
    with database.begin() as connection:
        connection.execute(text(statement))
    found = verify(database, tmp_path, repair=True)
    assert not found.sound
    assert WRONGS[statement] in found.problems[0].what
    assert "reindex" in found.problems[0].remedy
    assert index_file.read_bytes() == before


def test_no_byte_of_the_file_can_be_changed_unnoticed(
    database: Engine, tmp_path: Path, index_file: Path, embedder: Embedder
) -> None:
    """And what is damaged is made again before it is searched."""
    whole = index_file.read_bytes()
    recorded = verify(database, tmp_path)
    for place in range(0, len(whole), max(41, len(whole) // 200)):
        content = bytearray(whole)
        content[place] ^= 0x10
        index_file.write_bytes(content)
        assert not verify(database, tmp_path).sound, place
    engine = SearchEngine(database, tmp_path)
    response = engine.search(SearchRequest("bread"), collection="c")
    expected = embedder.encode(TEXTS).astype("float32") @ embedder.encode_queries(["bread"])[0]
    expected[1] += WORDS_WEIGHT / (1 + K1)  # the one with the word, which has it once
    scores = [result.score for result in response.results]
    assert scores == pytest.approx(sorted(expected.tolist(), reverse=True), abs=2e-3)
    assert verify(database, tmp_path) == recorded


def test_an_index_of_other_vectors_is_found(database: Engine, tmp_path: Path, index_file: Path) -> None:
    assert index_file.exists()
    with database.begin() as connection:
        connection.execute(
            text(
                "UPDATE passages SET (embedding, feature_ids, activations) = "
                "(SELECT embedding, feature_ids, activations FROM passages WHERE id = 0) WHERE id = 2"
            )
        )
    found = verify(database, tmp_path)
    assert [problem.what for problem in found.problems] == ["1 of 3 vectors drawn are not those in Postgres."]
    assert verify(database, tmp_path, repair=True).sound


@pytest.mark.parametrize("block", [7, 1000, 100_000])
def test_recall_is_that_of_a_scan_of_all_passages(indexed: Indexed, block: int) -> None:
    with Session(indexed.database) as session:
        generation = live_generation(session, indexed.collection)
        x_ND = read_embeddings(session, generation.id)
        whole = FaissIndex.build(x_ND)
        assert measure_recall(session, generation, whole, block=block) == 1
        mixed_ND = x_ND.copy()
        mixed_ND[::2] = x_ND[::2][::-1]  # every second vector is another passage's
        mixed = FaissIndex.build(mixed_ND)
        drawn = np.sort(np.random.default_rng(0).permutation(len(x_ND))[:QUESTIONS])
        exact_QN = x_ND[drawn].astype(np.float32) @ x_ND.T.astype(np.float32)
        _, found_QK = mixed.search(x_ND[drawn].astype(np.float32), NEAREST)
        least_Q = np.sort(exact_QN, axis=1)[:, -NEAREST]
        scores_QK = np.take_along_axis(exact_QN, found_QK, axis=1)
        expected = float((scores_QK >= least_Q[:, None] - TIED).mean())
        assert 0 < expected < 1
        assert measure_recall(session, generation, mixed, block=block) == pytest.approx(expected, abs=2e-3)


def test_what_was_found_is_told(
    database: Engine, tmp_path: Path, index_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_verified(verify(database, tmp_path))
    assert "3 passages in 1 generation(s): all is sound." in capsys.readouterr().out
    flip(index_file)
    print_verified(verify(database, tmp_path))
    told = capsys.readouterr()
    assert "1 problem." in told.out
    assert "damaged" in told.err
