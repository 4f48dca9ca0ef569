"""Metrics as text: every name, what is summed, and what is left out because it is not known."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, create_engine

from api.monitoring.database_state import Counted, DatabaseState, Jobs, Live, Waiting
from api.monitoring.exposition import Exposition, database_metrics
from search.db.connection import server_url
from search.engine.engine import SearchEngine
from tests.support.building import document, write

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "monitoring.md"
STATE = DatabaseState(
    collections=2,
    live=[Live("notes", 7, 12.5), Live("odd", None, None)],
    waiting=[Waiting("odd", 3, 40.0)],
    jobs=[
        Jobs("reindex", "doing", 1, 9.0),
        Jobs("dump", "aborting", 1, None),
        Jobs("dump", "cancelled", 2, None),
    ],
    workers=1,
    webhooks=[Counted("enabled", 2), Counted("disabled", 1)],
    deliveries=[Counted("waiting", 5)],
)


def samples(state: DatabaseState | None) -> dict[tuple[str, ...], float]:
    return {
        (metric.name, *sample.labels.values()): sample.value
        for metric in database_metrics(state)
        for sample in metric.samples
    }


def test_collections_and_jobs_are_told_one_by_one() -> None:
    assert samples(STATE) == {
        ("refract_database_up",): 1,
        ("refract_collections",): 2,
        ("refract_workers",): 1,
        ("refract_live_generation", "notes"): 7,
        ("refract_live_generation_age_seconds", "notes"): 12.5,
        ("refract_waiting_documents", "notes"): 0,
        ("refract_waiting_documents", "odd"): 3,
        ("refract_freshness_lag_seconds", "notes"): 0,
        ("refract_freshness_lag_seconds", "odd"): 40,
        ("refract_jobs", "reindex", "running"): 1,
        ("refract_jobs", "dump", "cancelled"): 3,
        ("refract_oldest_job_age_seconds", "reindex", "running"): 9,
        ("refract_webhooks", "enabled"): 2,
        ("refract_webhooks", "disabled"): 1,
        ("refract_webhook_deliveries", "waiting"): 5,
    }


def test_what_is_not_known_is_no_zero() -> None:
    assert samples(None) == {("refract_database_up",): 0}
    unknown = DatabaseState(None, None, None, None, None, None, None)
    assert samples(unknown) == {("refract_database_up",): 1}


@pytest.fixture
def text(database: Engine, tmp_path: Path) -> str:
    write(database, "notes", [document(1)])
    told, _ = Exposition(SearchEngine(database, tmp_path))("")
    return told.decode()


@pytest.mark.database
def test_every_name_is_refracts_and_in_the_guide(text: str) -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    names = {family.name for family in text_string_to_metric_families(text)}
    assert "refract_waiting_documents" in names
    assert [name for name in names if not name.startswith("refract_")] == []
    named = set(re.findall(r"`(refract_[a-z_]+)`", guide))
    undocumented = {name for name in names if not {name, f"{name}_total"} & named}
    assert undocumented == set()


def test_who_asks_again_at_once_gets_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.monitoring.exposition.KEPT_SECONDS", 3600.0)
    gone = create_engine(server_url("postgresql://nobody@127.0.0.1:1/none"))
    tell = Exposition(SearchEngine(gone, tmp_path))
    assert tell("") == tell("")
