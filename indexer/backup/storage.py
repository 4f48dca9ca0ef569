"""Where dumps are kept: a file of this machine, or an address that fsspec knows (s3://bucket/key).

Both are written as a stream, and have their name only once they are whole.
"""

import contextlib
import errno
import io
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import fsspec
from fsspec.spec import AbstractFileSystem

from search.db.connection import first_line
from search.errors import ConfigurationError, RefractError
from search.index.atomic_files import sync_folder

PART = ".part"
_ADDRESS = re.compile(r"([a-z0-9]+)://")


@dataclass(frozen=True)
class Place:
    """A file or folder where dumps are kept, as people write it: a path, or an address."""

    given: str

    def __str__(self) -> str:
        return re.sub(r"//[^/@]*@", "//", self.given)  # an address may have a password

    @property
    def name(self) -> str:
        return self.given.rstrip("/").rpartition("/")[2]

    @property
    def path(self) -> Path | None:
        """The path on this machine; None for an address."""
        return None if _ADDRESS.match(self.given) else Path(self.given)

    def below(self, name: str) -> "Place":
        """A file in this folder."""
        return Place(f"{self.given.rstrip('/')}/{name}")

    def exists(self) -> bool:
        if self.path is not None:
            return self.path.exists()
        with self._telling():
            return bool(self._files.exists(self._key))

    def size(self) -> int:
        if self.path is not None:
            return self.path.stat().st_size
        with self._telling():
            return int(self._files.size(self._key) or 0)

    def names(self) -> list[str]:
        """The names of what is in this folder; none where there is no such folder."""
        with self._telling():
            self._files.invalidate_cache()
            try:
                found = self._files.ls(self._key, detail=False)
            except FileNotFoundError:
                return []
        return sorted(str(each).rstrip("/").rpartition("/")[2] for each in found)

    def remove(self) -> None:
        """Deletes this file."""
        with self._telling():
            self._files.rm_file(self._key)

    @contextlib.contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Opens a file, to read at any place of it.

        Raises:
            OSError: it is not there.
            ConfigurationError: its address cannot be reached.
        """
        if self.path is not None:
            with self.path.open("rb") as file:
                yield file
            return
        with self._telling(but=(FileNotFoundError,)):
            if not self._files.exists(self._key):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            remote = self._files.open(self._key, "rb")
        with contextlib.closing(remote):
            yield io.BufferedReader(_Reading(remote, self._telling))

    @contextlib.contextmanager
    def written(self) -> Iterator[IO[bytes]]:
        """Opens a new file that gets its name when it is whole and durable; nothing is left of it otherwise.

        Raises:
            ConfigurationError: it cannot be written there.
        """
        if self.path is not None:
            with _new_file(self.path) as file:
                yield file
            return
        with self._telling():
            remote = self._files.open(self._key, "wb", autocommit=False)
        try:
            yield cast(IO[bytes], _Writing(remote, self._telling))
            with self._telling():
                remote.close()
                remote.commit()
        except BaseException:
            self._abandon(remote)
            raise

    def _abandon(self, remote: Any) -> None:
        """Leaves a file that is not whole. It must not be closed, which would keep it; some stores have had
        it since it was opened."""
        with contextlib.suppress(Exception):
            remote.discard()
        with contextlib.suppress(AttributeError):
            remote.closed = True
        with contextlib.suppress(Exception):
            self._files.rm_file(self._key)

    @property
    def _files(self) -> AbstractFileSystem:
        return _file_system(self.given)[0]

    @property
    def _key(self) -> str:
        return _file_system(self.given)[1]

    @contextlib.contextmanager
    def _telling(self, but: tuple[type[Exception], ...] = ()) -> Iterator[None]:
        """Says in a line what a store has against us; each kind has errors of its own.

        Raises:
            ConfigurationError
        """
        try:
            yield
        except Exception as error:
            if isinstance(error, (RefractError, *but)):
                raise
            raise ConfigurationError(
                f"{self} cannot be used: {first_line(error)}.",
                hint="Look at the address, at its keys, and whether there is room.",
            ) from None


Telling = Callable[[], contextlib.AbstractContextManager[None]]


class _Writing:
    """Writes to a file of a store, from its beginning to its end."""

    def __init__(self, file: Any, telling: Telling) -> None:
        self._file, self._telling = file, telling

    def write(self, content: bytes) -> int:
        with self._telling():
            self._file.write(content)
        return len(content)

    def flush(self) -> None:
        """The store decides when it takes what."""


class _Reading(io.RawIOBase):
    """Reads a file of a store."""

    def __init__(self, file: Any, telling: Telling) -> None:
        self._file, self._telling = file, telling

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = 0) -> int:
        with self._telling():
            self._file.seek(place, whence)
            return int(self._file.tell())

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:
        with self._telling():
            content = bytes(self._file.read(len(buffer)))
        buffer[: len(content)] = content
        return len(content)


def _file_system(given: str) -> tuple[AbstractFileSystem, str]:
    found = _ADDRESS.match(given)
    if found and found[1] == "s3":
        try:
            from obstore.fsspec import FsspecStore
        except ImportError:
            raise ConfigurationError(
                "s3:// addresses need the extra s3.", hint="Install it: pip install 'refract[s3]'."
            ) from None
        return FsspecStore("s3"), given.removeprefix("s3://")
    files, key = fsspec.core.url_to_fs(given)
    return files, str(key)


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", suffix=PART, delete=False
        ) as file:
            try:
                yield file.file
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).rename(path)
                sync_folder(path.parent)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror or error}.",
            hint="Free space, or choose a folder that can be written to.",
        ) from None
