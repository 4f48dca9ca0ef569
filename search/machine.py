"""What this process may use of the machine: a container may have less than the machine has."""

import os
from collections.abc import Mapping
from pathlib import Path

import psutil

CONTROL_GROUP = Path("/sys/fs/cgroup")

GPUS = Path("/proc/driver/nvidia/gpus")
VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"

NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")
"""What PyTorch says where there is none left, on a GPU and on a CPU."""


def cores(group: Path = CONTROL_GROUP) -> int:
    """Counts the cores that this process may use, at least one."""
    ours = getattr(os, "sched_getaffinity", None)  # macOS has no such thing
    there = len(ours(0)) if ours else os.cpu_count() or 1
    quota, _, period = _read(group / "cpu.max").partition(" ")
    return max(1, min(there, int(quota) // int(period))) if quota.isdigit() else there


def free_memory(group: Path = CONTROL_GROUP) -> int:
    """Gives the bytes of memory that are free for this process and others of its container."""
    free = int(psutil.virtual_memory().available)
    most, used = _read(group / "memory.max"), _read(group / "memory.current")
    return max(0, min(free, int(most) - int(used))) if most.isdigit() and used.isdigit() else free


def gpus(environment: Mapping[str, str] = os.environ, there: Path = GPUS) -> list[str]:
    """Names the GPUs that this process may use, as `VISIBLE_GPUS` does: those, or all that the driver tells
    of."""
    chosen = environment.get(VISIBLE_GPUS)
    if chosen is not None:
        return [name.strip() for name in chosen.split(",") if name.strip()]
    return [str(number) for number in range(len(list(there.iterdir())))] if there.is_dir() else []


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there was not enough memory, of the machine or of its GPU."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in NO_MEMORY)


def _read(file: Path) -> str:
    """Gives what a control group says; nothing where there is none, and "max" where it limits nothing."""
    try:
        return file.read_text().strip()
    except OSError:
        return ""
