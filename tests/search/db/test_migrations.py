"""A populated database comes up to date step by step: nothing is lost but what a revision says it drops."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import URL, Engine, create_engine, inspect, select, text
from sqlalchemy.orm import Session

from api.auth.keys import digest, find_key
from indexer.build.catch_up import CatchUp
from indexer.build.passage_rows import passages_of
from indexer.build.verify import verify
from indexer.documents import fingerprint, ingest
from indexer.jobs.queue import list_jobs
from indexer.labels.edit import list_hand_labels
from indexer.presets.store import get_preset
from indexer.progress import Reporter
from indexer.sources import SourceDocument
from search.db.card import Card
from search.db.migrations import known_revisions, migrate
from search.db.models import CollectionRow, GenerationRow
from search.db.recipe import Recipe
from search.dictionary.autoencoder import Dictionary
from search.embedding.embedder import Embedder, splitter_of
from search.embedding.splitter import embedded_text
from search.engine.engine import SearchEngine
from search.query.request import SearchRequest
from tests.support.queue import queued
from tests.support.reading import read

pytestmark = [pytest.mark.database, pytest.mark.sql]

FEATURES, ACTIVE = 8, 3
DOCUMENTS = [
    SourceDocument("whales", "Whales", "Whales sing under water.", "https://x/whales", {"year": 1990}),
    SourceDocument("bread", "Bread", "Bread is baked in an oven.", None, {}),
]
DROPPED = {"0005": {"feature_stats", "features.before", "features.drift"}}
"""Tables and columns that a revision takes away."""

GONE_JOBS = {"0005": "train"}
"""The kind of job that a revision deletes, with its reports: nobody can do it any more."""

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def empty(new_database: Callable[[], AbstractContextManager[URL]]) -> Iterator[Engine]:
    """A database without tables."""
    with new_database() as url:
        database = create_engine(url)
        with database.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA jobs CASCADE")
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        yield database
        database.dispose()


def add_rows_of_0001(database: Engine, embedder: Embedder) -> None:
    """A collection with a learned dictionary, as the first version built it."""
    x_ND = embedder.encode([embedded_text(each.title, each.text) for each in DOCUMENTS])
    w_FD = np.random.default_rng(0).normal(size=(FEATURES, embedder.width)).astype(np.float32)
    w_FD /= np.linalg.norm(w_FD, axis=1, keepdims=True)
    learned = Dictionary.tied(w_FD, Card(model=embedder.space.model, active=ACTIVE))
    acts = learned.encode(x_ND)
    recipe = {
        "model": embedder.space.model,
        "precision": embedder.space.precision,
        "max_tokens": embedder.max_tokens,
        "passage_tokens": 192,
        "index": "flat",
    }
    splitter = splitter_of(embedder, Recipe.model_validate(recipe).passage_tokens)
    with database.begin() as connection:

        def run(statement: str, **values: Any) -> None:
            connection.execute(text(statement), values)

        run("INSERT INTO collections (name, model) VALUES ('c', :model)", model=embedder.space.model)
        run(
            "INSERT INTO dictionaries (collection_id, weights, card) VALUES (1, :weights, :card)",
            weights=learned.to_bytes(),
            card=learned.stored_card().model_dump_json(),
        )
        run("INSERT INTO features VALUES (1, 2, 'seas', 0.9, true), (1, 5, 'a guess', NULL, false)")
        for given in DOCUMENTS:
            run(
                "INSERT INTO documents (collection_id, external_id, title, text, url, meta, sha256) "
                "VALUES (1, :id, :title, :text, :url, :meta, :sha256)",
                id=given.id,
                title=given.title,
                text=given.text,
                url=given.url,
                meta=json.dumps(given.meta),
                sha256=fingerprint(given),
            )
        run(
            "INSERT INTO generations (collection_id, dictionary_id, state, recipe, seq, passages, live_at) "
            "VALUES (1, 1, 'live', :recipe, 2, :passages, now())",
            recipe=json.dumps(recipe),
            passages=len(DOCUMENTS),
        )
        run("INSERT INTO feature_stats VALUES (1, 2, 5, '{.1}', '{5}')")
        run("CREATE TABLE passages_1 PARTITION OF passages FOR VALUES IN (1)")
        for number, given in enumerate(DOCUMENTS):
            ((start, stop, sha256),) = passages_of(given.title, given.text, splitter)
            run(
                "INSERT INTO passages VALUES (1, :id, :document, :start, :stop, :sha256, :x, :ids, :values)",
                id=number,
                document=number + 1,
                start=start,
                stop=stop,
                sha256=sha256,
                x=x_ND[number].tobytes(),
                ids=acts.ids_NK[number].tobytes(),
                values=acts.values_NK[number].tobytes(),
            )


def add_rows(database: Engine, *statements: str) -> None:
    with database.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def add_rows_of(revision: str, database: Engine, embedder: Embedder) -> None:
    """Rows in what is new in a revision, as its version wrote them."""
    match revision:
        case "0001":
            add_rows_of_0001(database, embedder)
        case "0002":
            add_rows(
                database,
                "UPDATE features SET origin = 'hand', before = .8, drift = .25 WHERE feature = 2",
                "INSERT INTO families VALUES (1, 3, NULL, 'the wet', '{2,5}', '{1,.5}')",
                "INSERT INTO feature_matches VALUES (1, 77, 4, 2, .75), (1, 77, 5, NULL, 0)",
            )
        case "0003":
            add_rows(
                database,
                "INSERT INTO documents (collection_id, external_id, title, text, sha256, "
                "source, superseded) VALUES (1, 'old', '', 'Replaced.', '', '/notes', 3)",
            )
            with database.begin() as connection:
                connection.execute(
                    text("INSERT INTO keys (name, scope, sha256) VALUES ('k', 'write', :sha256)"),
                    {"sha256": digest("rf_secret")},
                )
                connection.execute(text("INSERT INTO sessions VALUES ('s', 1, now(), now())"))
            queued(database, "train", "c", steps=5)
            queued(database, "reindex", "c", index="flat")
            add_rows(database, "INSERT INTO job_reports (job_id, log) VALUES (1, '{a}'), (2, '{b}')")
        case "0004":
            add_rows(
                database,
                "INSERT INTO presets (collection_id, name, steering, dictionary, is_default) "
                "VALUES (1, 'wet', '2:1.5,family:3:1', 1, true)",
            )
        case "0005":
            pass  # it only drops
        case "0006":
            add_rows(
                database,
                "UPDATE collections SET description = 'The sea', first_build = '{\"index\": \"flat\"}'",
                "INSERT INTO documents (collection_id, external_id, title, text, sha256, source, source_id, "
                "stamp, superseded) VALUES (1, 'b/old', '', 'Replaced.', '', '/b', 'old', '1-2', 3)",
            )
        case "0007":
            add_rows(database, "UPDATE job_reports SET lost = 2")
        case "0008":
            add_rows(
                database,
                "INSERT INTO audit (actor, channel, action, target, outcome) "
                "VALUES ('robot', 'api', 'documents.write', 'c', 'done')",
            )
        case "0009":
            add_rows(
                database,
                "INSERT INTO keys (name, scope, sha256, expires_at, collections, filters) "
                "VALUES ('part', 'search', '', now() + interval '1 day', '{c}', '{team:blue}')",
                "INSERT INTO sessions (sha256, expires_at, name, scope) VALUES ('t', now(), 'ann', 'write')",
                "UPDATE collections SET private = true",
            )
        case "0010":
            add_rows(
                database,
                "INSERT INTO webhooks (url, secret, kinds) VALUES ('https://x/', 'whsec_', '{job.done}')",
                "SELECT tell_event('job.done', 1, 'c', '{\"job\": 1}')",
                "SELECT tell_event('job.failed', 1, 'c', '{\"job\": 2}')",
            )
        case "0011":
            add_rows(database, "UPDATE collections SET title = 'Whales and bread'")
        case "0012":
            add_rows(database, "INSERT INTO shards VALUES (1, 'a step', 0, '{1,0}', 2, now(), true)")
        case "0013":
            add_rows(
                database,
                "INSERT INTO judgements (collection_id, question, question_key, document, grade, judge) "
                "VALUES (1, 'who sings', sha256('who sings'), 'a', 1, 'ann')",
            )
        case "0014":
            add_rows(
                database,
                "INSERT INTO repairs (collection_id, kind, says, created_by) "
                """VALUES (1, 'keyword', '{"document": "bread", "words": ["loaf"]}', 'ann')""",
            )
        case "0015":
            add_rows(
                database,
                "UPDATE collections SET keep_questions = 30",
                "INSERT INTO questions VALUES "
                "(1, current_date, sha256('q'), 'q', 1, 0, 2, now(), '{}', '{wet}', '{hybrid}')",
            )
        case "0016":
            pass  # it renames
        case _:
            pytest.fail(f"Say here what rows revision {revision} brings.")


def rows(database: Engine) -> Rows:
    """All rows of all tables; of the queue's those of jobs."""
    with database.connect() as connection:
        found = inspect(connection)
        tables = [name for name in found.get_table_names() if name != "alembic_version"]
        if "jobs" in found.get_schema_names():
            tables.append("jobs.procrastinate_jobs")
        every = {name: connection.execute(text(f"SELECT to_jsonb(t) FROM {name} AS t")) for name in tables}
        return {name: list(result.scalars()) for name, result in every.items()}


def kept(before: Rows, revision: str) -> Rows:
    """What has to be there of these rows after a revision."""
    dropped = DROPPED.get(revision, set())
    of_queue = before.get("jobs.procrastinate_jobs", [])
    gone = {row["id"] for row in of_queue if row["task_name"] == GONE_JOBS.get(revision)}
    number = {"jobs.procrastinate_jobs": "id", "job_reports": "job_id"}
    return {
        table: [
            {column: value for column, value in row.items() if f"{table}.{column}" not in dropped}
            for row in found
            if row.get(number.get(table, "")) not in gone
        ]
        for table, found in before.items()
        if table not in dropped
    }


def test_every_step_keeps_what_is_there_and_the_result_is_read(
    empty: Engine, tmp_path: Path, small_embedder: Embedder
) -> None:
    before: Rows = {}
    for revision in known_revisions():
        migrate(empty, revision)
        after = rows(empty)
        for table, expected in kept(before, revision).items():
            there = after[table]
            assert len(there) == len(expected), f"{table} at {revision}"
            for row in expected:
                same = [each for each in there if row.items() <= each.items()]
                assert same, f"{table} at {revision}: {row}"
        add_rows_of(revision, empty, small_embedder)
        before = rows(empty)

    assert_all_is_read(empty, tmp_path, small_embedder)


@pytest.mark.parametrize("version", known_revisions()[-3:-1])
def test_the_last_two_versions_are_brought_up_to_date_in_one_go(
    empty: Engine, tmp_path: Path, small_embedder: Embedder, version: str
) -> None:
    for revision in known_revisions():
        if revision <= version:
            migrate(empty, revision)
            add_rows_of(revision, empty, small_embedder)
    before = rows(empty)
    migrate(empty)
    after = rows(empty)
    for table, expected in before.items():
        for row in expected:
            assert any(row.items() <= each.items() for each in after[table]), f"{table}: {row}"
    assert_all_is_read(empty, tmp_path, small_embedder)


def test_an_index_of_cells_is_made_again_as_one_of_bits(
    empty: Engine, tmp_path: Path, small_embedder: Embedder
) -> None:
    for revision in known_revisions():
        if revision < "0016":
            migrate(empty, revision)
            add_rows_of(revision, empty, small_embedder)
    cells, files = """'{"index": "ivf"}'""", """'{"vectors.faiss": "00", "x": "1"}'"""
    add_rows(
        empty,
        f"UPDATE collections SET first_build = {cells}",
        f"UPDATE generations SET recipe = recipe || {cells}, files = {files}",
        f"UPDATE jobs.procrastinate_jobs SET args = args || {cells} WHERE task_name = 'reindex'",
    )
    migrate(empty)
    with Session(empty) as session:
        generation = session.scalars(select(GenerationRow)).one()
        assert (generation.recipe.index, generation.files) == ("rabitq", {"x": "1"})
        assert session.scalars(select(CollectionRow)).one().first_build == {"index": "rabitq"}
    assert [job.arguments for job in list_jobs(empty)] == [{"index": "rabitq"}]
    assert_all_is_read(empty, tmp_path, small_embedder)


def assert_all_is_read(empty: Engine, tmp_path: Path, small_embedder: Embedder) -> None:
    """Checks that this version does with the rows what it does with its own."""
    engine = SearchEngine(empty, tmp_path)
    assert verify(empty, tmp_path, repair=True).sound  # the files of the index are made from the rows
    response = engine.search(SearchRequest("whales"), collection="c")
    assert [result.document.id for result in response.results] == ["whales", "bread"]
    assert response.preset == "wet"
    assert [term.label for term in response.steering] == ["seas", "the wet"]
    with Session(empty) as session:
        assert [(each.feature, each.label) for each in list_hand_labels(session, "c")] == [(2, "seas")]
        key = find_key(session, "rf_secret")
        assert key is not None
        assert (key.name, key.scope) == ("k", "write")
    assert read(engine, "c", get_preset, "wet").steer == "2:1.5,family:3:1"
    assert [(job.kind, job.log) for job in list_jobs(empty)] == [("reindex", ["b"])]
    ingest(empty, 1, [SourceDocument("stars", "Stars", "Stars shine.")], Reporter(empty))
    assert CatchUp(empty, 1, small_embedder).run(Reporter(empty)) == 1
    assert (
        engine.search(SearchRequest("stars", preset="none"), collection="c").results[0].document.id == "stars"
    )
