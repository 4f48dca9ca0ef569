"""The life of a build: killed and taken up again, repeated, changed, refused."""

import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, func, inspect, select, text
from sqlalchemy.orm import Session

from indexer.build.builder import Build
from indexer.build.passage_rows import create_partition, passage_texts
from indexer.build.shard_work import Embedding
from indexer.documents import ensure_collection, ingest
from indexer.progress import Reporter
from indexer.sources import Failure, Item, Note, SourceDocument
from search.browse.collections import collections
from search.db.card import Card
from search.db.connection import among
from search.db.models import CollectionRow, DictionaryRow, DocumentRow, FeatureRow, GenerationRow, PassageRow
from search.db.recipe import Recipe
from search.dictionary.artifact import shipped
from search.dictionary.autoencoder import Dictionary
from search.embedding.embedder import Embedder, load_embedder
from search.engine.engine import SearchEngine
from search.errors import InvalidRequest, SourceError
from search.index.generation_files import FEATURES_FILE, INDEX_FILE, generation_folder
from search.index.passage_store import read_dictionary
from search.responses.collections import Progress
from search.settings import DEFAULT_MODEL
from tests.support.building import build
from tests.support.commands import COMMAND
from tests.support.forked import forked

pytestmark = [pytest.mark.database, pytest.mark.sql]


@pytest.fixture(scope="module")
def short(documents: list[SourceDocument]) -> list[SourceDocument]:
    """Documents of one short passage each."""
    return [replace(document, text=document.text[:300]) for document in documents[:120]]


def generations(database: Engine) -> dict[int, str]:
    with Session(database) as session:
        return {
            row.id: row.state for row in session.scalars(select(GenerationRow).order_by(GenerationRow.id))
        }


def partitions(database: Engine) -> set[str]:
    return {name for name in inspect(database).get_table_names() if name.startswith("passages_")}


def collection_id(database: Engine) -> int:
    with Session(database) as session:
        return session.scalars(select(CollectionRow.id)).one()


def test_a_build_whose_files_cannot_be_written_fails_and_goes_on_later(
    database: Engine, tmp_path: Path, embedder: Embedder, short: list[SourceDocument]
) -> None:
    in_the_way = generation_folder(tmp_path, 1) / FEATURES_FILE
    in_the_way.mkdir(parents=True)
    with pytest.raises(OSError, match=FEATURES_FILE):
        build(database, tmp_path, embedder, "c", short)
    in_the_way.rmdir()
    Build(database, tmp_path, embedder, Reporter(database)).run(collection_id(database))
    assert generations(database) == {1: "live"}


def test_a_build_makes_everything_a_search_needs(
    database: Engine, tmp_path: Path, embedder: Embedder, short: list[SourceDocument]
) -> None:
    report = build(database, tmp_path, embedder, "c", short)
    assert (report.documents, report.embedded) == (len(short), report.passages)
    assert {"fvu", "l0", "dead", "names", "own", "explained"} <= report.scorecard.model_fields_set
    assert set(report.seconds) >= {"embedding passages", "naming features", "finding features"}
    with Session(database) as session:
        row = session.scalars(select(GenerationRow)).one()
        assert (row.state, row.recipe.precision) == ("live", embedder.space.precision)
        dictionary = read_dictionary(session, row.dictionary_id)
        assert len(dictionary.names) == dictionary.features == report.scorecard.names
        assert session.scalar(select(func.count()).select_from(FeatureRow)) == 0  # names need no labels
        passages = session.scalars(select(PassageRow).order_by(PassageRow.id)).all()
        assert [passage.id for passage in passages] == list(range(report.passages))
        x_ND = np.stack([np.frombuffer(p.embedding or b"", np.float16) for p in passages])
        np.testing.assert_allclose(np.linalg.norm(x_ND.astype(np.float32), axis=1), 1, atol=1e-3)
        fired = [int((np.frombuffer(p.activations or b"", np.float32) > 0).sum()) for p in passages]
        assert 0 < max(fired) <= dictionary.card.active
    assert (generation_folder(tmp_path, report.generation) / INDEX_FILE).exists()


def test_a_text_that_many_documents_have_is_embedded_once(
    database: Engine, tmp_path: Path, small_embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = list[str]()
    encode = small_embedder.encode

    def counted(texts: list[str], **options: Any) -> Any:
        encoded.extend(texts)
        return encode(texts, **options)

    monkeypatch.setattr(small_embedder, "encode", counted)
    same = [SourceDocument(f"d{n}", "", f"Whale {n % 3} sings.", None, {}) for n in range(2 * Embedding.size)]
    report = build(database, tmp_path, small_embedder, "c", same)
    assert (report.documents, report.passages, report.embedded) == (len(same), len(same), 3)
    assert sorted(encoded[:3]) == [f"Whale {n} sings." for n in range(3)]  # then come names
    with Session(database) as session:
        assert session.scalar(select(func.count(PassageRow.embedding))) == len(same)
        assert session.scalar(select(func.count(PassageRow.embedding.distinct()))) == 3


def test_reading_the_same_source_again_embeds_nothing(
    database: Engine, tmp_path: Path, embedder: Embedder, short: list[SourceDocument]
) -> None:
    first = build(database, tmp_path, embedder, "c", short)
    second = build(database, tmp_path, embedder, "c", short)
    assert (first.embedded, second.embedded) == (first.passages, 0)
    third = build(database, tmp_path, embedder, "c", short)
    fourth = build(database, tmp_path, embedder, "c", short)
    # Those before stay for a rollback, what is older is dropped with its partition and files.
    kept = [second.generation, third.generation, fourth.generation]
    assert generations(database) == dict(zip(kept, ["retired", "retired", "live"], strict=True))
    assert partitions(database) == {f"passages_{generation}" for generation in kept}
    assert not generation_folder(tmp_path, first.generation).exists()
    with Session(database) as session:
        assert session.scalar(select(func.count()).select_from(DictionaryRow)) == 1


def test_only_changed_documents_are_embedded_again(
    database: Engine, tmp_path: Path, embedder: Embedder, short: list[SourceDocument]
) -> None:
    before = build(database, tmp_path, embedder, "c", short)
    changed = [replace(short[0], text="Something else entirely."), *short[1:]]
    added = SourceDocument("new", "A new one", "It was not there before.", None, {})
    after = build(database, tmp_path, embedder, "c", [*changed, added])
    assert (after.embedded, after.documents) == (2, len(short) + 1)
    with Session(database) as session:
        # The generation before still reads the text it was built from.
        old = session.scalars(
            select(DocumentRow.text)
            .join(PassageRow, PassageRow.document_id == DocumentRow.id)
            .where(DocumentRow.external_id == short[0].id, PassageRow.generation_id == before.generation)
        ).all()
        assert set(old) == {short[0].text}


def test_a_killed_build_goes_on_where_it_was(database: Engine, tmp_path: Path) -> None:
    """By the model that ships: more passages than are stored at once take it long enough to be caught."""
    source = tmp_path / "source.jsonl"
    with source.open("w", encoding="utf-8") as file:
        for number in range(2 * Embedding.size):
            file.write(json.dumps({"id": str(number), "title": "", "text": f"Whale {number} sings."}) + "\n")
    environment = {
        **os.environ,
        "DATABASE_URL": database.url.render_as_string(hide_password=False),
        "REFRACT_DATA": str(tmp_path),
    }
    arguments = ("index", str(source))
    process = subprocess.Popen(
        [*COMMAND, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    _wait_for_embeddings(database, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done, everything = _embedded(database)
    assert 0 < done < everything
    assert set(generations(database).values()) == {"building"}
    finished = forked(*arguments, environment=environment)
    assert finished.returncode == 0, finished.stderr
    assert f"({everything - done:,} embedded now)" in " ".join(finished.stderr.split())
    assert _embedded(database) == (everything, everything)
    assert list(generations(database).values()) == ["live"]


def _embedded(database: Engine) -> tuple[int, int]:
    with Session(database) as session:
        done, everything = session.execute(
            select(func.count(PassageRow.embedding), func.count(PassageRow.id))
        ).one()
        return done, everything


def _wait_for_embeddings(database: Engine, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 240
    while _embedded(database)[0] == 0:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_build_is_not_shown_as_under_way(
    database: Engine, tmp_path: Path, embedder: Embedder, short: list[SourceDocument]
) -> None:
    states: list[str] = []
    engine = SearchEngine(database, tmp_path)

    def watch_and_die(progress: Progress) -> None:
        if progress.step == "naming features":
            states.append(collections(engine)[0].state)
            raise KeyboardInterrupt

    with Session(database) as session:
        number = ensure_collection(session, "c", embedder.space.model).id
        session.commit()
    ingest(database, number, short, Reporter(database))
    with pytest.raises(KeyboardInterrupt):
        Build(database, tmp_path, embedder, Reporter(database, watch_and_die)).run(number)
    assert (states, collections(engine)[0].state) == (["building"], "empty")


def test_splitting_does_not_keep_searches_waiting(
    database: Engine, tmp_path: Path, embedder: Embedder, short: list[SourceDocument]
) -> None:
    build(database, tmp_path, embedder, "c", short)
    searched: list[str] = []

    def search_meanwhile(progress: Progress) -> None:
        if progress.step == "splitting into passages" and progress.done and not searched:
            with Session(database) as session:
                session.execute(text("SET LOCAL statement_timeout = '5s'"))
                searched.append(str(session.scalar(select(func.count()).select_from(PassageRow))))

    changed = [replace(document, title="Another title") for document in short]
    with Session(database) as session:
        number = ensure_collection(session, "c", embedder.space.model).id
        session.commit()
    reporter = Reporter(database, search_meanwhile)
    ingest(database, number, changed, reporter)
    Build(database, tmp_path, embedder, reporter).run(number)
    assert searched


def test_a_table_of_the_users_own_stays(
    database: Engine, tmp_path: Path, embedder: Embedder, short: list[SourceDocument]
) -> None:
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE filled (mine text)"))
    build(database, tmp_path, embedder, "c", short)
    assert "filled" in inspect(database).get_table_names()


def test_two_ingests_at_once_both_succeed(database: Engine, short: list[SourceDocument]) -> None:
    with Session(database) as session:
        number = ensure_collection(session, "c", DEFAULT_MODEL).id
        session.commit()
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: ingest(database, number, short, Reporter(database)), range(4)))
    assert sum(report.added for report in reports) == len(short)
    assert sum(report.unchanged for report in reports) == 3 * len(short)


def test_two_builds_of_one_collection_do_not_run_into_each_other(
    database: Engine, tmp_path: Path, embedder: Embedder, short: list[SourceDocument]
) -> None:
    build(database, tmp_path, embedder, "c", short)
    refused: list[str] = []

    def meanwhile(progress: Progress) -> None:
        if progress.step == "finding features" and not refused:
            refused.append("")
            with pytest.raises(InvalidRequest, match="Another process") as error:
                Build(database, tmp_path, embedder, Reporter(database)).run(collection_id(database))
            refused[0] = str(error.value)

    Build(database, tmp_path, embedder, Reporter(database, meanwhile)).run(collection_id(database))
    assert refused[0]


def test_a_dictionary_stays_from_build_to_build_and_a_learned_one_gives_way_to_names(
    database: Engine, tmp_path: Path, embedder: Embedder, short: list[SourceDocument]
) -> None:
    build(database, tmp_path, embedder, "c", short[:20])
    again = Build(database, tmp_path, embedder, Reporter(database))
    again.run(collection_id(database))
    with Session(database) as session:
        (named,) = session.scalars(select(DictionaryRow)).all()
        w_FD = read_dictionary(session, named.id).w_dec_FD[:50]
        learned = Dictionary.tied(w_FD, Card(model=named.card.model, active=8))
        row = DictionaryRow(collection_id=collection_id(database), weights=learned.to_bytes())
        row.card = learned.stored_card()
        session.add(row)
        session.flush()
        live = session.scalars(select(GenerationRow).where(GenerationRow.state == "live")).one()
        live.dictionary_id = row.id
        session.add(FeatureRow(dictionary_id=row.id, feature=3, label="mine", reliable=True, origin="hand"))
        session.add(FeatureRow(dictionary_id=row.id, feature=4, label="a guess", reliable=False))
        session.commit()
        before = {row.id, named.id}
    report = again.run(collection_id(database))
    assert (report.scorecard.names or 0) > 20_000
    assert report.lost_labels == []
    with Session(database) as session:
        live = session.scalars(select(GenerationRow).where(GenerationRow.state == "live")).one()
        assert live.dictionary_id not in before
        assert read_dictionary(session, live.dictionary_id).names
        kept = session.scalars(select(FeatureRow).where(FeatureRow.dictionary_id == live.dictionary_id)).all()
        assert [(each.feature, each.label, each.score) for each in kept] == [(3, "mine", None)]


@pytest.mark.parametrize("count", [1, 5])
def test_a_handful_of_documents_gets_the_shipped_dictionary(
    database: Engine, tmp_path: Path, count: int
) -> None:
    few = [
        SourceDocument(str(n), f"Title {n}", f"Text number {n} is on whales.", None, {}) for n in range(count)
    ]
    report = build(database, tmp_path, load_embedder(), "c", few)
    base = shipped(DEFAULT_MODEL)
    assert base is not None
    assert (report.scorecard.names or 0) <= base.dictionary.features + count
    with Session(database) as session:
        row = session.scalars(select(DictionaryRow)).one()
        assert row.card.training.adapted_from == base.sha256
        dictionary = read_dictionary(session, row.id)
        assert dictionary.names[: base.dictionary.features] == base.dictionary.names
        np.testing.assert_array_equal(
            dictionary.w_dec_FD[: base.dictionary.features], base.dictionary.w_dec_FD
        )


def test_no_documents_and_blank_documents(database: Engine, tmp_path: Path, embedder: Embedder) -> None:
    with pytest.raises(SourceError, match="no documents"):
        build(database, tmp_path, embedder, "c", [])
    with pytest.raises(SourceError, match="no text"):
        build(database, tmp_path, embedder, "c", [SourceDocument("blank", "", "  \n ", None, {})])
    assert generations(database) == {}


def test_ids_that_come_twice_failures_and_notes_are_reported(database: Engine) -> None:
    one = SourceDocument("same", "First", "First text.", None, {})
    with Session(database) as session:
        number = ensure_collection(session, "c", DEFAULT_MODEL).id
        session.commit()
    failure = Failure("broken.pdf", "it is not a PDF")
    note = Note("old.txt", "read as Windows-1252")
    given: list[Item] = [one, failure, note, replace(one, title="Second")]
    report = ingest(database, number, given, Reporter(database))
    assert (report.added, [failed.name for failed in report.failures]) == (1, ["broken.pdf", "same"])
    assert report.notes == [note]
    again = ingest(database, number, [one], Reporter(database))
    assert (again.added, again.changed, again.unchanged) == (0, 0, 1)


@pytest.mark.parametrize("name", ["", "A", "a b", "../x", "x" * 65, "ä", "-a", "a\n"])
def test_names_that_no_address_can_hold(database: Engine, name: str) -> None:
    with Session(database) as session, pytest.raises(InvalidRequest, match="cannot name a collection"):
        ensure_collection(session, name, DEFAULT_MODEL)


def test_a_collection_keeps_its_model(database: Engine) -> None:
    with Session(database) as session:
        ensure_collection(session, "c", DEFAULT_MODEL)
        assert ensure_collection(session, "c", "another/model").model == DEFAULT_MODEL


def test_progress_tells_rate_and_time_left_and_is_stored(
    database: Engine, tmp_path: Path, embedder: Embedder, short: list[SourceDocument]
) -> None:
    heard: list[Progress] = []
    with Session(database) as session:
        number = ensure_collection(session, "c", embedder.space.model).id
        session.commit()
    reporter = Reporter(database, heard.append)
    ingest(database, number, short, reporter)
    report = Build(database, tmp_path, embedder, reporter).run(number)
    embedding = [progress for progress in heard if progress.step == "embedding passages"]
    assert [p.done for p in embedding] == sorted(p.done for p in embedding)
    assert embedding[-1].done == embedding[-1].total == report.passages
    assert any(progress.rate and progress.seconds_left is not None for progress in embedding)
    with Session(database) as session:
        stored = session.get_one(GenerationRow, report.generation)
        assert stored.progress.step == "going live"
        assert stored.timings == report.seconds


def test_tables_of_generations_are_partitions(
    database: Engine, tmp_path: Path, embedder: Embedder, short: list[SourceDocument]
) -> None:
    report = build(database, tmp_path, embedder, "c", short)
    with database.connect() as connection:
        parent = connection.execute(
            text("SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = CAST(:t AS regclass)"),
            {"t": f"passages_{report.generation}"},
        ).scalar()
    assert parent == "passages"


def test_there_may_be_more_documents_than_a_statement_takes_parameters(database: Engine) -> None:
    many = 70_000
    with Session(database) as session:
        collection = ensure_collection(session, "c", DEFAULT_MODEL).id
        recipe = Recipe(model=DEFAULT_MODEL, precision="float32", max_tokens=256)
        generation = GenerationRow(collection_id=collection, state="building", recipe=recipe, seq=0)
        session.add(generation)
        session.flush()
        create_partition(session, generation.id)
        session.execute(
            text(
                "WITH there AS (INSERT INTO documents (collection_id, external_id, title, text, sha256) "
                "SELECT :collection, n::text, '', 'text ' || n, '' FROM generate_series(1, :many) AS n "
                "RETURNING id) "
                "INSERT INTO passages (generation_id, id, document_id, start, stop, sha256) "
                "SELECT :generation, row_number() OVER () - 1, id, 0, 5, '' FROM there"
            ),
            {"collection": collection, "generation": generation.id, "many": many},
        )
        texts = passage_texts(session, generation.id, range(many))
        assert len(texts) == many
        assert texts[-1] == (many - 1, "", "text ")
        allowed = session.scalars(select(DocumentRow.id).where(among(DocumentRow.id, range(many)))).all()
        assert len(allowed) > many // 2
