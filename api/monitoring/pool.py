"""The connections to the database that a process uses are counted as they are taken and given back."""

from prometheus_client import Gauge
from sqlalchemy import Engine, event

from search.db.connection import most_connections
from search.metrics import REGISTRY

CONNECTIONS = Gauge(
    "refract_database_connections",
    "Connections to the database that are in use.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
MOST = Gauge(
    "refract_database_connections_max",
    "Connections to the database that may be in use at a time; who wants one more waits.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)


def watch_pool(database: Engine) -> None:
    """Counts the connections of an engine from here on."""
    MOST.inc(most_connections(database) or 0)
    event.listen(database, "checkout", lambda *_: CONNECTIONS.inc())
    event.listen(database, "checkin", lambda *_: CONNECTIONS.dec())
