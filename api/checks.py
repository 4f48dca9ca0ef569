"""Checks look at one thing each, for who asks whether Refract is ready and for who mends it. They load no
model and no index."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from indexer.hooks.webhooks import list_webhooks
from indexer.jobs.queue import SCHEMA
from search.db.migrations import current_revision, known_revisions
from search.db.models import GenerationRow
from search.errors import RefractError
from search.index.milvus_server import milvus_address, milvus_server

State = Literal["ok", "warn", "fail"]

WORKER_SECONDS = 30
LEAST_FREE = 1 << 30

HEARD_OF = text(
    f"SELECT EXISTS (SELECT FROM {SCHEMA}.procrastinate_workers "
    f"WHERE last_heartbeat > now() - interval '{WORKER_SECONDS} seconds')"
)


@dataclass(frozen=True)
class Check:
    """Says how one thing is: ok, to be looked after (warn), or in the way (fail); and what to do."""

    name: str
    state: State
    message: str
    hint: str = ""


def check_tables(connection: Connection) -> Check:
    """Looks whether the tables are those that this version knows."""
    there, known = current_revision(connection), known_revisions()
    if there == known[-1]:
        return Check("migrations", "ok", f"The tables are at revision {there}.")
    if there in known or not there:
        at = f"at revision {there}" if there else "missing"
        hint = "Start it anew: refract serve and refract worker bring them up to date."
        return Check("migrations", "fail", f"The tables are {at}, and {known[-1]} is needed.", hint)
    hint = "Run the version of Refract that made them, or a newer one."
    return Check("migrations", "fail", f"A newer Refract made the tables (revision {there}).", hint)


def check_live(live: int) -> Check:
    """Looks whether there is anything to search."""
    if live:
        return Check("live", "ok", f"Collections that are searched: {live:,}.")
    return Check("live", "fail", "No collection is live yet.", "Run refract index PATH.")


def check_vectors(session: Session) -> Iterator[Check]:
    """Looks whether the Milvus server of the setting answers; without one there is nothing to look at."""
    try:
        if milvus_address() is None:
            return
        server = milvus_server()
        yield Check("vectors", "ok", f"Milvus at {server.place} answers ({server.version()}).")
    except RefractError as error:
        live = session.scalars(select(GenerationRow.recipe).where(GenerationRow.state == "live"))
        needed = any(recipe.engine == "milvus" for recipe in live)
        yield Check("vectors", "fail" if needed else "warn", error.message, error.hint)


def check_worker(session: Session) -> Check:
    """Looks whether a worker was heard of lately: without one, new documents and jobs wait."""
    if session.scalar(HEARD_OF):
        return Check("worker", "ok", "A worker runs.")
    told = f"No worker was heard of in the last {WORKER_SECONDS} seconds: new documents and jobs wait."
    return Check("worker", "warn", told, "Run refract worker, or refract serve without --no-worker.")


def check_webhooks(session: Session) -> Iterator[Check]:
    """Looks for webhooks that hear of nothing, or take nothing."""
    for webhook in list_webhooks(session):
        if webhook.disabled_at and webhook.reason:
            told = f"Webhook {webhook.id} is disabled: {webhook.reason}."
            yield Check("webhooks", "warn", told, f"Mend it, then refract webhooks enable {webhook.id}.")
        elif webhook.failing_since and not webhook.disabled_at:
            told = f"Webhook {webhook.id} takes nothing, since {webhook.failing_since:%Y-%m-%d %H:%M %Z}."
            yield Check("webhooks", "warn", told, f"refract webhooks deliveries {webhook.id} says why.")


def check_disk(data: Path) -> Check:
    """Looks whether there is room where the data folder is, or will be."""
    there = next((folder for folder in (data, *data.absolute().parents) if folder.exists()), Path("/"))
    free = shutil.disk_usage(there).free
    told = f"{free / (1 << 30):,.1f} GiB are free where the data folder is."
    if free >= LEAST_FREE:
        return Check("disk", "ok", told)
    return Check("disk", "warn", told, "Make room: builds and the embedded database stop when it is full.")
