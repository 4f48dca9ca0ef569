"""The processes of one server count together: each in files of its own, in one folder."""

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
KEPT_DEAD = 20
"""So many processes that have ended still count; those of a crash loop would fill the disk."""

IN_MEMORY = Path("/dev/shm")
"""The files are mapped: on a disk that is full, writing to one would end the process."""


@contextlib.contextmanager
def shared_metrics() -> Iterator[None]:
    """Lets this process and those it starts count together until the block ends. It has to begin before
    anything that counts is imported."""
    folder = None if VARIABLE in os.environ else _new_folder()
    if folder is None:
        yield
        return
    with folder as path:
        os.environ[VARIABLE] = path
        try:
            yield
        finally:
            del os.environ[VARIABLE]


def _new_folder() -> "tempfile.TemporaryDirectory[str] | None":
    """Makes a folder to count in; None where there is no place for one, and each process counts alone."""
    place = IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None
    try:
        return tempfile.TemporaryDirectory(prefix="refract-metrics-", dir=place, ignore_cleanup_errors=True)
    except OSError:
        return None


def shared_folder() -> Path | None:
    """Gives the folder that several processes count in; None where this one counts alone."""
    from prometheus_client.values import ValueClass

    shared = getattr(ValueClass, "_multiprocess", False) and os.environ.get(VARIABLE)
    return Path(shared) if shared else None


def counting(folder: Path | None) -> list[int]:
    """Lists the processes that count, by their ids; what those that ended measured of themselves is
    deleted."""
    if folder is None:
        return [os.getpid()]
    files = sorted(folder.glob("*_*.db"), key=_changed, reverse=True)
    ids = list(dict.fromkeys(int(file.stem.rpartition("_")[2]) for file in files))
    alive = [number for number in ids if psutil.pid_exists(number)]
    forgotten = {number for number in ids if number not in alive} - {*_latest_dead(ids, alive)}
    for file in files:
        number = int(file.stem.rpartition("_")[2])
        if number in forgotten or (number not in alive and file.name.startswith("gauge_live")):
            file.unlink(missing_ok=True)
    return alive


def _latest_dead(ids: list[int], alive: list[int]) -> list[int]:
    return [number for number in ids if number not in alive][:KEPT_DEAD]


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def memory(processes: Iterable[int]) -> int:
    """Gives the bytes of memory that processes take up together. What they may share, mapped files and
    libraries, counts once. (The system could tell exact shares, but takes 50 ms a process for it.)"""
    own, shared = 0, 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            used = psutil.Process(process).memory_info()
            mapped = getattr(used, "shared", 0)  # Linux alone tells
            own, shared = own + used.rss - mapped, max(shared, mapped)
    return own + shared


def open_files(process: int) -> int:
    """Counts the file descriptors that a process holds; 0 where the system does not tell."""
    try:
        return int(psutil.Process(process).num_fds())
    except (psutil.Error, AttributeError):
        return 0


def most_open_files() -> int | None:
    """Gives how many file descriptors this process may hold; None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if most == resource.RLIM_INFINITY else most
