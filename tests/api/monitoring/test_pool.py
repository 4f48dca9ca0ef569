"""Connections to the database are counted while they are in use."""

import pytest
from sqlalchemy import Engine

from api.monitoring.pool import watch_pool
from search.metrics import REGISTRY

pytestmark = pytest.mark.database


def used() -> float:
    return REGISTRY.get_sample_value("refract_database_connections") or 0.0


def test_a_connection_counts_from_taking_to_giving_it_back(database: Engine) -> None:
    watch_pool(database)
    before = used()
    with database.connect(), database.connect():
        assert used() == before + 2
    assert used() == before
    assert (REGISTRY.get_sample_value("refract_database_connections_max") or 0) >= 15
