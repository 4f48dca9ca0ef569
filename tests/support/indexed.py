"""A collection that goes through the whole pipeline once a checkout: who comes first builds it, others
restore what it dumped, until the sources of the pipeline change."""

import hashlib
import json
import sys
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
CACHE = ".pytest_cache/indexed"
SOURCES = ("search", "indexer", "migrations")

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
    root: Path, database: Engine, data: Path, build: Callable[[], BuildReport]
) -> BuildReport:
    """Restores what a process has dumped below the checkout; builds it and dumps it there if none has with
    these sources."""
    folder = root / CACHE
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "indexed.lock"):
        sources = _hash_of_sources(root)
        kept = folder / REPORT
        known = json.loads(kept.read_text()) if kept.exists() else {}
        if known.get("sources") != sources:
            for old in (kept, folder / DUMP):
                old.unlink(missing_ok=True)
            report = build()
            dump(database, folder / DUMP, Reporter(database))
            kept.write_text(
                json.dumps({"sources": sources, "report": _REPORT.dump_python(report, mode="json")})
            )
            return report
    restore(database, data, folder / DUMP, Reporter(database))
    return _REPORT.validate_python(known["report"])


def _hash_of_sources(root: Path) -> str:
    """A hash of what decides what a build makes: the pipeline, its libraries, this Python's documents."""
    files = [root / "constraints.txt", root / "tests/conftest.py"]
    for folder in SOURCES:
        files += sorted(path for path in (root / folder).rglob("*.*") if path.suffix != ".pyc")
    made = hashlib.sha256(sys.version.encode())
    for file in files:
        made.update(str(file.relative_to(root)).encode() + file.read_bytes())
    return made.hexdigest()
