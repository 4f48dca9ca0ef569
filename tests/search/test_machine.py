"""What a process may use, where a container has less than the machine."""

import os
from pathlib import Path

import psutil

from search.machine import cores, free_memory, gpus


def test_a_container_has_as_many_cores_as_its_quota(tmp_path: Path) -> None:
    there = cores(tmp_path)
    assert 1 <= there <= (os.cpu_count() or 1)
    for quota, found in (("100000 100000", 1), ("50000 100000", 1), (f"{there}00000 100000", there)):
        (tmp_path / "cpu.max").write_text(f"{quota}\n")
        assert cores(tmp_path) == found
    for none in ("max 100000", f"{there + 1}00000 100000"):
        (tmp_path / "cpu.max").write_text(none)
        assert cores(tmp_path) == there


def test_a_container_has_as_much_memory_as_its_limit(tmp_path: Path) -> None:
    assert 0 < free_memory(tmp_path) <= psutil.virtual_memory().total
    (tmp_path / "memory.current").write_text("3000\n")
    for limit, found in (("5000", 2000), ("2000", 0)):
        (tmp_path / "memory.max").write_text(limit)
        assert free_memory(tmp_path) == found
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory(tmp_path) > 5000


def test_gpus_are_those_that_are_chosen_or_those_that_the_driver_tells_of(tmp_path: Path) -> None:
    there = tmp_path / "gpus"
    assert gpus({}, there) == []
    for address in ("0000:01:00.0", "0000:02:00.0"):
        (there / address).mkdir(parents=True)
    assert gpus({}, there) == ["0", "1"]
    assert gpus({"CUDA_VISIBLE_DEVICES": "1, GPU-8a"}, there) == ["1", "GPU-8a"]
    assert gpus({"CUDA_VISIBLE_DEVICES": ""}, there) == []
