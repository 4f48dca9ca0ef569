"""A collection that goes through the whole pipeline once a run: who comes first builds it, others restore."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from pydantic import TypeAdapter
from sqlalchemy import Engine

from indexer.backup.dump import dump
from indexer.backup.restore import restore
from indexer.build.builder import BuildReport
from indexer.progress import Reporter
from indexer.sources import SourceDocument

COLLECTION = "manual"
DUMP = "indexed.dump"
REPORT = "indexed.json"

_REPORT = TypeAdapter(BuildReport)


@dataclass(frozen=True)
class Indexed:
    """A collection that went through the whole pipeline."""

    database: Engine
    data: Path
    collection: str
    report: BuildReport
    documents: list[SourceDocument]


def built_or_restored(
    shared: Path, database: Engine, data: Path, build: Callable[[], BuildReport]
) -> BuildReport:
    """Restores what another process has dumped into a folder; builds it and dumps it there if none has."""
    with FileLock(shared / "indexed.lock"):
        if not (shared / REPORT).exists():
            report = build()
            dump(database, shared / DUMP, Reporter(database))
            (shared / REPORT).write_bytes(_REPORT.dump_json(report))
            return report
    restore(database, data, shared / DUMP, Reporter(database))
    return _REPORT.validate_json((shared / REPORT).read_bytes())
