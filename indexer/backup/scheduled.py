"""Scheduled dumps: one after the other into the same place, each tried, and only the latest kept."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from sqlalchemy import Engine, text

from indexer.backup.dump import dump
from indexer.backup.manifest import read_checked
from indexer.backup.storage import PART, Place
from indexer.backup.trial import try_restore
from indexer.progress import Reporter
from search.errors import ConfigurationError, InvalidRequest
from search.settings import Settings

OURS = re.compile(r"refract-\d{8}T\d{6}(\.\d{3})?Z\.dump")
"""No other file of the folder is ever deleted."""


@dataclass(frozen=True)
class Backups:
    """Says where dumps go, how long after each other, and how many are kept."""

    to: Place
    every: timedelta
    keep: int

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """Those of the settings; None where there are to be none."""
        if not settings.backup_to:
            return None
        return cls(Place(settings.backup_to), timedelta(hours=settings.backup_every), settings.backup_keep)


@dataclass(frozen=True)
class BackedUp:
    """Says what was written; `tried`: it was restored for trial, and not only read; `removed`: those before
    that were one too many."""

    place: Place
    bytes: int
    tried: bool
    removed: tuple[str, ...]


def back_up(database: Engine, data: Path, backups: Backups | None, reporter: Reporter) -> BackedUp:
    """Writes everything into a new dump, restores it for trial, then deletes what is older than those that
    are kept. What fails the trial, or is cut off, is not kept.

    Raises:
        InvalidRequest: no place is set.
        ConfigurationError: it cannot be written there.
        SourceError: it cannot be restored.
    """
    if backups is None:
        raise InvalidRequest(
            "No place for dumps is set.", hint="Set REFRACT_BACKUP_TO to a folder or an address."
        )
    _prepare(backups.to)
    place = backups.to.below(_name(database))
    dump(database, place.given, reporter)
    try:
        size = place.size()
        tried = try_restore(database, data, place.given, reporter)
        if not tried:
            read_checked(place.given, reporter)
    except BaseException:
        place.remove()
        raise
    return BackedUp(place, size, tried, _prune(backups, place))


def _prepare(to: Place) -> None:
    """Makes the folder, and clears away what dumps left in it that were killed."""
    if to.path is None:
        return
    try:
        to.path.mkdir(parents=True, exist_ok=True)
        for left in to.path.glob(f".refract-*{PART}"):
            left.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"{to} cannot be used: {error.strerror or error}.",
            hint="Set REFRACT_BACKUP_TO to a folder that can be written to.",
        ) from None


def _name(database: Engine) -> str:
    """By the clock of the database, which all share that write to it. To the millisecond: a small dump is
    made in less than a second, and another one may be asked for right away."""
    with database.connect() as connection:
        now: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    now = now.astimezone(UTC)
    return f"refract-{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03}Z.dump"


def _prune(backups: Backups, made: Place) -> tuple[str, ...]:
    """Deletes the oldest; never what was just made, however the clock was set."""
    there = [name for name in backups.to.names() if OURS.fullmatch(name) and name != made.name]
    old = tuple(there[: max(len(there) + 1 - backups.keep, 0)])
    for name in old:
        backups.to.below(name).remove()
    return old
