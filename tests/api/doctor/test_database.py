"""The database: what would not do is a failure, what is slow or in between a warning."""

import pytest
from sqlalchemy import Engine, create_engine, text

from api.checks import Check
from api.doctor import database as doctor
from api.doctor.database import check_clock, check_database, check_facts, check_latency, check_pooler

pytestmark = [pytest.mark.database, pytest.mark.sql]


def states(checks: list[Check]) -> dict[str, str]:
    return {check.name: check.state for check in checks}


def test_a_database_of_ours_does(database: Engine) -> None:
    found = states(list(check_database(database)))
    assert {name for name, state in found.items() if state == "fail"} == set()
    assert found.keys() == {
        *("version", "encoding", "writable", "rights", "extensions", "connections"),
        *("latency", "clock", "pooler"),
    }


def test_a_database_in_another_encoding_fails(database: Engine) -> None:
    name = f"{database.url.database}_latin"
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        made = f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        connection.execute(text(made))
        latin = create_engine(database.url.set(database=name))
        try:
            found = {check.name: check for check in check_database(latin)}
        finally:
            latin.dispose()
            connection.execute(text(f"DROP DATABASE {name}"))
    assert found["encoding"].state == "fail"
    assert "LATIN1" in found["encoding"].message


def test_a_user_who_may_not_make_tables_fails(database: Engine) -> None:
    role = f"{database.url.database}_reader"
    with database.begin() as connection:
        connection.execute(text(f"CREATE ROLE {role}"))
        connection.execute(text(f"SET LOCAL ROLE {role}"))
        found = {check.name: check for check in check_facts(connection)}
        connection.rollback()
    assert found["rights"].state == "fail"
    assert f"TO {role}" in found["rights"].hint


def test_a_server_that_only_reads_fails(database: Engine) -> None:
    with database.connect() as connection:
        connection.execute(text("SET default_transaction_read_only = on"))
        assert states(list(check_facts(connection)))["writable"] == "fail"


def test_an_old_server_fails_and_a_full_one_warns(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LEAST_VERSION", 99)
    monkeypatch.setattr(doctor, "USED_SHARE", 0.0)
    with database.connect() as connection:
        found = states(list(check_facts(connection)))
    assert (found["version"], found["connections"]) == ("fail", "warn")


def test_what_is_slow_or_apart_warns(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "SLOW_MS", -1.0)
    monkeypatch.setattr(doctor, "CLOCK_SECONDS", -1.0)
    with database.connect() as connection:
        assert check_latency(connection).state == check_clock(connection).state == "warn"


def test_a_pooler_is_suspected_by_its_port(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_pooler(database).state == "ok"
    monkeypatch.setattr(doctor, "PGBOUNCER_PORT", database.url.port)
    assert check_pooler(database).state == "warn"
