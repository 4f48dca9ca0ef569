"""The store: migrations up and down, models and tables alike, clear words when there is no database."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text

from indexer.jobs.queue import list_jobs
from search.db.connection import open_session, server_url
from search.db.database import open_database
from search.db.migrations import migrate, migration_config, take_tables_to
from search.db.models import Base
from search.errors import ConfigurationError, StoreUnavailable
from search.settings import Settings
from tests.support.queue import queued

pytestmark = [pytest.mark.database, pytest.mark.sql]


def test_models_and_migrations_agree(database: Engine) -> None:
    with database.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


def test_migrations_go_down_and_up_again(database: Engine) -> None:
    with database.begin() as connection:
        command.downgrade(migration_config(connection), "base")
    assert inspect(database).get_table_names() == ["alembic_version"]
    with database.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM pg_sequences")).scalar() == 0
    migrate(database)
    assert {"collections", "documents", "passages"} <= set(inspect(database).get_table_names())


def test_rows_of_a_version_that_learned_features_are_brought_up_to_date(database: Engine) -> None:
    with database.begin() as connection:
        take_tables_to(connection, "0004")
        for statement in (
            "INSERT INTO collections (name, model) VALUES ('c', 'm')",
            "INSERT INTO dictionaries (collection_id, weights, card) SELECT id, '', '{}' FROM collections",
            "INSERT INTO generations (collection_id, dictionary_id, recipe, seq) "
            "SELECT collection_id, id, '{}', 1 FROM dictionaries",
            "INSERT INTO features (dictionary_id, feature, label, score, reliable, origin, before, drift) "
            "SELECT id, 3, 'mine', .9, true, 'hand', .8, .1 FROM dictionaries",
            "INSERT INTO feature_stats SELECT id, 3, 5, '{.1}', '{5}' FROM generations",
        ):
            connection.execute(text(statement))
    train, kept = (
        queued(database, kind, "c", **arguments)
        for kind, arguments in (("train", {"steps": 5}), ("reindex", {"readapt": True, "index": "rabitq"}))
    )
    with database.begin() as connection:
        connection.execute(
            text("INSERT INTO job_reports (job_id) VALUES (:one), (:other)"), {"one": train, "other": kept}
        )
    migrate(database)
    with database.connect() as connection:
        labels = connection.execute(text("SELECT feature, label, score, reliable, origin FROM features"))
        assert labels.all() == [(3, "mine", 0.9, True, "hand")]
        assert connection.execute(text("SELECT job_id FROM job_reports")).scalars().all() == [kept]
    (job,) = list_jobs(database)
    assert (job.number, job.state, job.arguments) == (kept, "waiting", {"index": "rabitq"})


def test_migrating_twice_changes_nothing(database: Engine) -> None:
    migrate(database)
    migrate(database)


def test_a_newer_database_is_refused(database: Engine) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="newer Refract: its tables are at"):
        migrate(database)


def test_a_database_with_tables_of_others_is_refused(database: Engine) -> None:
    with database.begin() as connection:
        command.downgrade(migration_config(connection), "base")
        connection.execute(text("CREATE TABLE documents (id integer)"))
    with pytest.raises(ConfigurationError, match="cannot be made in this database"):
        migrate(database)


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "postgresql://h:port/x", ""])
def test_a_wrong_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL"):
        server_url(url)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_any_postgres_scheme_is_taken(scheme: str) -> None:
    assert server_url(f"{scheme}://me@localhost/db").drivername == "postgresql+psycopg"


def test_no_server_is_one_clear_error(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, database_url="postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable, match="does not answer"), open_database(settings):
        pass
    gone = create_engine(server_url("postgresql://nobody@127.0.0.1:1/none"))
    with pytest.raises(StoreUnavailable), open_session(gone) as session:
        session.execute(text("SELECT 1"))


def test_a_data_folder_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("11\n")
    with (
        pytest.raises(ConfigurationError, match="expecting version 18 but found version 11"),
        open_database(Settings(data=tmp_path, database_url=None)),
    ):
        pass


def test_a_data_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(ConfigurationError, match="data folder"),
        open_database(Settings(data=tmp_path / "file", database_url=None)),
    ):
        pass
