"""The machine: what is wrong with it is told with what to do."""

import os
import socket
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from api.doctor import machine
from api.doctor.machine import (
    check_data,
    check_faiss,
    check_files,
    check_kind,
    check_machine,
    check_packages,
    check_port,
    check_python,
    kind_of_disk,
)
from search.settings import Settings


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that a program which is not Refract listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])


def test_this_machine_does(tmp_path: Path) -> None:
    checks = list(check_machine(Settings(data=tmp_path, port=0)))
    assert [check for check in checks if check.state == "fail"] == []
    assert {"python", "packages", "faiss", "data", "disk kind", "disk", "open files", "port"} == {
        check.name for check in checks
    }


def test_an_old_python_fails() -> None:
    assert check_python((3, 10)).state == "fail"
    assert check_python((3, 14)).state == "ok"


def test_a_package_that_is_missing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "PACKAGES", ("refract", "nothing-of-this-name"))
    packages = check_packages()
    assert packages.state == "fail"
    assert "nothing-of-this-name" in packages.message


@pytest.mark.parametrize("installed", [{"faiss-cpu", "faiss-gpu"}, set()])
def test_both_kinds_of_faiss_or_none_fail(monkeypatch: pytest.MonkeyPatch, installed: set[str]) -> None:
    def find(name: str) -> object:
        if name.startswith("faiss") and name not in installed:
            raise PackageNotFoundError(name)
        return object()

    monkeypatch.setattr("importlib.metadata.distribution", find)
    monkeypatch.delitem(sys.modules, "search.index.faiss_index", raising=False)
    check = check_faiss()
    assert check.state == "fail"
    assert "install" in check.hint.lower()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_fails(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    data, *_ = check_data(tmp_path / "data")
    assert data.state == "fail"
    assert str(tmp_path) in data.hint


def test_a_folder_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    data, *_ = check_data(tmp_path / "a" / "b")
    assert (data.state, list(tmp_path.iterdir())) == ("ok", [])


@pytest.mark.parametrize(
    ("kind", "state"), [("nfs4", "warn"), ("cifs", "warn"), ("tmpfs", "warn"), ("ext4", "ok"), ("", "ok")]
)
def test_disks_over_the_network_and_in_memory_warn(tmp_path: Path, kind: str, state: str) -> None:
    assert check_kind(tmp_path, kind).state == state


def test_the_kind_of_disk_is_that_of_the_nearest_mount() -> None:
    assert kind_of_disk(Path("/proc")) == "proc"


def test_few_files_warn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "most_open_files", lambda: 256)
    assert check_files().state == "warn"
    monkeypatch.setattr(machine, "most_open_files", lambda: None)
    assert check_files().state == "ok"


def test_a_port_that_another_has_fails(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "SECONDS", 0.1)
    assert check_port("127.0.0.1", taken).state == "fail"
    assert check_port("127.0.0.1", 0).state == "ok"
    assert check_port("192.0.2.1", 0).state == "fail"
