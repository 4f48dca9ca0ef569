"""The machine: Python and what is installed, the data folder and its disk, the port."""

import contextlib
import http.client
import platform
import socket
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from api.checks import Check, check_disk
from api.monitoring.processes import most_open_files
from search.errors import ConfigurationError
from search.settings import Settings

LEAST_PYTHON = (3, 11)
PACKAGES = ("refract", "torch", "sentence-transformers", "numpy", "psycopg", "sqlalchemy", "procrastinate")
OVER_A_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "ceph", "lustre"}
)
IN_MEMORY = frozenset({"tmpfs", "ramfs"})
LEAST_FILES = 1024
SECONDS = 2.0


def check_machine(settings: Settings) -> Iterator[Check]:
    """Looks at the machine that this runs on."""
    yield check_python(sys.version_info[:2])
    yield check_packages()
    yield check_faiss()
    yield from check_data(settings.data.expanduser())
    yield check_files()
    yield check_port(settings.host, settings.port)


def check_python(running: tuple[int, ...]) -> Check:
    told = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}."
    if running >= LEAST_PYTHON:
        return Check("python", "ok", told)
    return Check("python", "fail", told, "Install Python 3.11 or newer.")


def check_packages() -> Check:
    """Looks whether what Refract stands on is installed."""
    found = {name: _version(name) for name in PACKAGES}
    if missing := [name for name, there in found.items() if not there]:
        told = f"Not installed: {', '.join(missing)}."
        return Check("packages", "fail", told, "Install Refract anew: pipx install 'refract[cpu]'.")
    return Check("packages", "ok", f"{', '.join(f'{name} {there}' for name, there in found.items())}.")


def check_faiss() -> Check:
    """Looks whether one of the two kinds of FAISS is installed, and loads."""
    try:
        import_module("search.index.faiss_index")
    except ConfigurationError as error:
        return Check("faiss", "fail", error.message, error.hint)
    except ImportError as error:
        return Check("faiss", "fail", f"FAISS does not load: {error}.", "Install Refract anew.")
    return Check("faiss", "ok", "One kind of FAISS is installed, and loads.")


def check_data(data: Path) -> Iterator[Check]:
    """Looks whether the data folder can be written, what kind of disk it is on, and whether there is room."""
    there = next(folder for folder in (data, *data.absolute().parents) if folder.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=there, prefix=".doctor-"):
            pass
        told = "can be written" if there == data else "is not there yet, and can be made"
        yield Check("data", "ok", f"{data} {told}.")
    except OSError as error:
        hint = f"Let this user write {there}, or point REFRACT_DATA to another folder."
        yield Check("data", "fail", f"{there} cannot be written: {error.strerror}.", hint)
    yield check_kind(there, kind_of_disk(there))
    yield check_disk(data)


def check_kind(folder: Path, kind: str) -> Check:
    """Looks whether a kind of disk keeps what is written, in order."""
    if kind in OVER_A_NETWORK:
        told = f"{folder} is on a disk over the network ({kind}): slow, and locks may not hold."
        hint = "Put REFRACT_DATA on a local disk, or use a PostgreSQL server by DATABASE_URL."
        return Check("disk kind", "warn", told, hint)
    if kind in IN_MEMORY:
        told = f"{folder} is in memory ({kind}): all of it is gone after a restart."
        return Check("disk kind", "warn", told, "Put REFRACT_DATA on a disk.")
    return Check("disk kind", "ok", f"{folder} is on {kind or 'a disk of a kind that is not told'}.")


def kind_of_disk(folder: Path) -> str:
    """Names the file system that a folder is on; "" where the system does not tell."""
    place = folder.resolve()
    with contextlib.suppress(OSError, psutil.Error):
        mounts = [each for each in psutil.disk_partitions(all=True) if place.is_relative_to(each.mountpoint)]
        return max(mounts, key=lambda each: len(each.mountpoint)).fstype if mounts else ""
    return ""


def check_files() -> Check:
    most = most_open_files()
    if most is None or most >= LEAST_FILES:
        return Check("open files", "ok", f"A process may open {most or 'any number of'} files.")
    hint = f"Allow at least {LEAST_FILES} (ulimit -n, LimitNOFILE=)."
    return Check("open files", "warn", f"A process may open {most} files only.", hint)


def check_port(host: str, port: int) -> Check:
    """Looks whether the port is free, or Refract's already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
            return Check("port", "ok", f"{host}:{port} is free.")
        except OSError as error:
            reason = error.strerror or str(error)
    if _is_refract(host, port):
        return Check("port", "ok", f"Refract answers at {host}:{port}.")
    hint = "Choose another port, like PORT=8001, or mend REFRACT_HOST."
    return Check("port", "fail", f"{host}:{port} cannot be listened on: {reason}.", hint)


def _is_refract(host: str, port: int) -> bool:
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    connection = http.client.HTTPConnection(here, port, timeout=SECONDS)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status == 200 and b'"ok"' in answer.read(1000)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
