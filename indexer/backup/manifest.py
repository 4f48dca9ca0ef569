"""The manifest says what a dump is: a zip whose `manifest.json` names each member and what it holds."""

import contextlib
import hashlib
import json
import zlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Annotated
from zipfile import BadZipFile, ZipFile

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from indexer.backup.storage import Place
from indexer.progress import Reporter
from search.db.connection import first_line
from search.db.migrations import known_revisions
from search.errors import SourceError

FORMAT = 1
MANIFEST = "manifest.json"
BLOCK_BYTES = 1 << 18
DAMAGE = (BadZipFile, zlib.error, EOFError, RuntimeError)  # all that a changed byte may lead to


MOST_MANIFEST = 16 << 20
MOST_SIZE = 1 << 30
MOST_RATIO = 200
"""Rows get hardly smaller than this by compression: what says so is made to fill a disk. Small dumps of much
the same text do, and no harm."""

Count = Annotated[int, Field(ge=0, lt=1 << 62)]
STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, config=STRICT)
class Member:
    """Describes one file of a dump: some columns of rows of a table, with their size and SHA-256 unpacked."""

    name: str
    table: str
    columns: list[str]
    rows: Count
    size: Count
    sha256: str


@dataclass(frozen=True, config=STRICT)
class Manifest:
    """Describes what a dump holds. `version` and `revision` are those of the program and the tables it was
    made with, `sequences` the last number that each has given, `embeddings` whether it holds what was
    computed of the passages. The members are in the order in which they can be restored."""

    format: Annotated[int, Field(ge=1)]
    version: str
    revision: str
    made_at: str
    embeddings: bool
    collections: list[str]
    sequences: dict[str, int]
    members: list[Member]

    def count(self, table: str) -> int:
        """Counts the rows of a table that it holds."""
        return sum(member.rows for member in self.members if member.table == table)

    @property
    def rows(self) -> int:
        return sum(member.rows for member in self.members)


_MANIFEST = TypeAdapter(Manifest)


def read_checked(where: str | Path, reporter: Reporter) -> Manifest:
    """Reads what a dump holds, after comparing all of it with the hashes in its manifest.

    Raises:
        SourceError: it is no dump, is damaged or cut off, or a newer Refract has made it.
    """
    place = Place(str(where))
    with open_dump(place) as archive:
        manifest = _read(archive, place)
        if sorted(archive.namelist()) != sorted([MANIFEST, *(member.name for member in manifest.members)]):
            raise BadZipFile("its members are not those it was made with")
        _refuse_bomb(archive, manifest)
        with reporter.step("checking the dump", manifest.rows):
            for member in manifest.members:
                _check(archive, member, reporter)
    return manifest


@contextlib.contextmanager
def open_dump(place: Place) -> Iterator[ZipFile]:
    """Opens a dump, to read its members.

    Raises:
        SourceError: it cannot be read, is no zip, or turns out to be damaged.
    """
    try:
        with place.opened() as file, ZipFile(file) as archive:
            yield archive
    except OSError as error:
        raise SourceError(f"The dump {place} cannot be read: {error.strerror or error}.") from None
    except DAMAGE as error:
        raise SourceError(
            f"The dump {place} is damaged or cut off: {first_line(error)}. Nothing was restored.",
            hint="Copy it again from where it was made, or make another one.",
        ) from None


def blocks(archive: ZipFile, member: Member) -> Iterator[bytes]:
    """Reads the bytes of a member, a block at a time."""
    with archive.open(member.name) as file:
        while block := file.read(BLOCK_BYTES):
            yield block


def _read(archive: ZipFile, place: Place) -> Manifest:
    if MANIFEST not in archive.namelist():
        raise SourceError(f"{place} is not a dump of Refract.", hint="Make one with refract dump.")
    if archive.getinfo(MANIFEST).file_size > MOST_MANIFEST:
        raise BadZipFile(f"its {MANIFEST} is not what Refract writes")
    try:
        content = archive.read(MANIFEST)
        found = json.loads(content)
        if found["format"] > FORMAT or found["revision"] not in known_revisions():
            raise _unknown(place, found["version"], found["format"], found["revision"])
        return _MANIFEST.validate_json(content)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadZipFile(f"its {MANIFEST} is not what Refract writes") from None


def _refuse_bomb(archive: ZipFile, manifest: Manifest) -> None:
    """Refuses what would become far larger than it is."""
    size = sum(member.size for member in manifest.members)
    packed = sum(each.compress_size for each in archive.infolist())
    if size > MOST_SIZE and size > MOST_RATIO * packed:
        raise BadZipFile(f"its {packed:,} bytes would become {size:,}")


def _unknown(place: Place, made_with: str, format: int, revision: str) -> SourceError:
    return SourceError(
        f"The dump {place} was made by Refract {made_with} (format {format}, tables {revision}), which this "
        f"Refract {version('refract')} (format {FORMAT}, tables {known_revisions()[-1]}) cannot read.",
        hint=f"Restore it with Refract {made_with} or newer.",
    )


def _check(archive: ZipFile, member: Member, reporter: Reporter) -> None:
    digest, rows, size = hashlib.sha256(), 0, 0
    for block in blocks(archive, member):
        digest.update(block)
        size += len(block)
        rows += block.count(b"\n")
        reporter.advance(block.count(b"\n"))
        if size > member.size:  # before it fills a disk
            break
    if (digest.hexdigest(), rows, size) != (member.sha256, member.rows, member.size):
        raise BadZipFile(f"{member.name} is not what was written")
