"""Metrics are told as text, in the form that Prometheus reads."""

import shutil
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from api.monitoring import processes
from api.monitoring.database_state import Counted, DatabaseState, Jobs, Live, StateReader, Waiting
from indexer.jobs.queue import STATES
from search.engine.engine import SearchEngine
from search.metrics import REGISTRY

KEPT_SECONDS = 1.0
"""Who asks again sooner gets the same numbers: scrapes cost little, however many there are."""

PATIENCE_SECONDS = 1.0
"""So long the database has to say where it stands."""

OF_COLLECTION = ("collection",)
OF_JOBS = ("kind", "state")


class Exposition:
    """Tells the metrics of one engine, of its processes and of its database."""

    def __init__(self, engine: SearchEngine) -> None:
        self._data = engine.data
        self._state = StateReader(engine.database)
        self._lock = threading.Lock()
        self._until = 0.0
        self._kept: list[Metric] = []

    def __call__(self, accepted: str) -> tuple[bytes, str]:
        """Gives the text of all metrics, and its media type."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._kept = list(self._metrics())
                self._until = time.monotonic() + KEPT_SECONDS
            kept = self._kept
        encode, media_type = choose_encoder(accepted)
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Given(kept))
        return encode(registry), media_type

    def _metrics(self) -> Iterator[Metric]:
        folder = processes.shared_folder()
        counting = processes.counting(folder)
        if folder is None:
            yield from REGISTRY.collect()
        else:
            yield from MultiProcessCollector(None, str(folder)).collect()  # type: ignore[no-untyped-call]
        yield from process_metrics(counting, self._data)
        yield from database_metrics(self._state(PATIENCE_SECONDS))


class _Given(Collector):
    """Collects what is given."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics


def process_metrics(counting: list[int], data: Path) -> Iterator[Metric]:
    """Tells what this version is, what its processes take up, and what is left of the disk."""
    built = [((version("refract"), sys.version.split()[0]), 1)]
    yield _table("refract_build_info", "The version that runs.", ("version", "python"), built)
    yield _gauge("refract_processes", "Processes that serve and work together.", len(counting))
    memory = processes.memory(counting)
    yield _gauge("refract_memory_bytes", "Memory of these processes; what they share counts once.", memory)
    held = sum(map(processes.open_files, counting))
    yield _gauge("refract_open_fds", "File descriptors that these processes hold.", held)
    if (most := processes.most_open_files()) is not None:
        yield _gauge("refract_max_fds", "File descriptors that one process may hold.", most)
    if data.exists():
        free = shutil.disk_usage(data).free
        yield _gauge("refract_data_free_bytes", "Free space where the data folder is.", free)


def database_metrics(state: DatabaseState | None) -> Iterator[Metric]:
    """Tells where collections and jobs stand. What the database did not say in time is left out: what is not
    known is no zero."""
    up = int(state is not None)
    yield _gauge("refract_database_up", "Whether the database answered within a second.", up)
    if state is None:
        return
    if state.collections is not None:
        yield _gauge("refract_collections", "Collections there are.", state.collections)
    if state.workers is not None:
        yield _gauge("refract_workers", "Workers heard of in the last 30 seconds.", state.workers)
    if state.live is not None:
        yield from _live_metrics(state.live)
        if state.waiting is not None:
            yield from _waiting_metrics([each.collection for each in state.live], state.waiting)
    if state.jobs is not None:
        yield from _job_metrics(state.jobs)
    if state.webhooks is not None:
        yield _states("refract_webhooks", "Webhooks that are enabled, failing or disabled.", state.webhooks)
    if state.deliveries is not None:
        told = "Events that are to be delivered to a webhook, were, or could not be, as far as they are kept."
        yield _states("refract_webhook_deliveries", told, state.deliveries)


def _live_metrics(live: list[Live]) -> Iterator[Metric]:
    numbers = [((each.collection,), each.generation) for each in live if each.generation is not None]
    ages = [((each.collection,), each.age) for each in live if each.age is not None]
    yield _table("refract_live_generation", "Number of the live generation.", OF_COLLECTION, numbers)
    yield _table("refract_live_generation_age_seconds", "Time since it went live.", OF_COLLECTION, ages)


def _waiting_metrics(names: list[str], waiting: list[Waiting]) -> Iterator[Metric]:
    told = "Documents that are stored and not searched yet."
    counts = {each.collection: each.documents for each in waiting}
    rows = [((name,), counts.get(name, 0)) for name in names]
    yield _table("refract_waiting_documents", told, OF_COLLECTION, rows)
    told = "How long the oldest document that is not searched yet has been waiting; 0: none is."
    lags = {each.collection: each.lag for each in waiting}
    ages = [((name,), lags.get(name, 0.0)) for name in names]
    yield _table("refract_freshness_lag_seconds", told, OF_COLLECTION, ages)


def _job_metrics(jobs: list[Jobs]) -> Iterator[Metric]:
    counts: dict[tuple[str, ...], int] = {}
    for each in jobs:
        where = each.kind, STATES.get(each.status, each.status)
        counts[where] = counts.get(where, 0) + each.jobs
    yield _table("refract_jobs", "Jobs in the queue, and those that ended.", OF_JOBS, counts.items())
    ages = [((each.kind, STATES[each.status]), each.oldest) for each in jobs if each.oldest is not None]
    told = "How long the oldest job of a kind has been waiting or running."
    yield _table("refract_oldest_job_age_seconds", told, OF_JOBS, ages)


def _states(name: str, told: str, counted: list[Counted]) -> Metric:
    return _table(name, told, ("state",), [((each.state,), each.number) for each in counted])


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=value)


def _table(
    name: str, told: str, labels: Sequence[str], rows: Iterable[tuple[tuple[str, ...], float]]
) -> Metric:
    table = GaugeMetricFamily(name, told, labels=labels)
    for row, value in rows:
        table.add_metric(row, value)
    return table
