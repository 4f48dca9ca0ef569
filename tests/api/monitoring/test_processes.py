"""Several processes count together; what those that ended left behind stays countable and bounded."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from api.monitoring.processes import (
    KEPT_DEAD,
    VARIABLE,
    counting,
    memory,
    open_files,
    shared_folder,
    shared_metrics,
)

SEVERAL = """
import json, os, subprocess, sys
from api.monitoring.processes import counting, shared_folder, shared_metrics
with shared_metrics():
    from prometheus_client.multiprocess import MultiProcessCollector
    from search.metrics import EMBEDDED, TURNS
    EMBEDDED.labels("question").inc(2)
    TURNS.labels("search", "running").inc()
    other = "from search.metrics import EMBEDDED, TURNS\\n" \\
        "EMBEDDED.labels('passage').inc(5); EMBEDDED.labels('question').inc(1);" \\
        "TURNS.labels('search', 'running').inc()"
    subprocess.run([sys.executable, "-c", other], check=True)
    folder = shared_folder()
    alive = counting(folder)
    told = {
        f"{sample.name} {' '.join(sample.labels.values())}": sample.value
        for metric in MultiProcessCollector(None, str(folder)).collect() for sample in metric.samples
    }
    print(json.dumps({"alive": alive == [os.getpid()], "told": told, "folder": str(folder)}))
"""

ENDED = 2**22 + 1
"""No process has such a number: it is above the most that there is."""


@pytest.mark.slow
def test_processes_count_together_and_those_that_ended_run_nothing_any_more() -> None:
    done = subprocess.run([sys.executable, "-c", SEVERAL], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["alive"]
    assert found["told"]["refract_embedded_texts_total question"] == 3
    assert found["told"]["refract_embedded_texts_total passage"] == 5
    assert found["told"]["refract_search_turns search running"] == 1
    assert not Path(found["folder"]).exists()


def test_a_process_alone_counts_alone() -> None:
    assert shared_folder() is None
    assert counting(None) == [os.getpid()]


def test_a_folder_that_is_given_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with shared_metrics():
        assert os.environ[VARIABLE] == str(tmp_path)
    assert os.environ[VARIABLE] == str(tmp_path)
    assert tmp_path.exists()


def test_without_a_place_for_files_each_process_counts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.monitoring.processes.IN_MEMORY", Path("/no/such/place"))
    monkeypatch.setattr("api.monitoring.processes.tempfile.tempdir", "/no/such/place")
    with shared_metrics():
        assert VARIABLE not in os.environ


def test_files_of_processes_that_ended_are_few(tmp_path: Path) -> None:
    for number in range(ENDED, ENDED + KEPT_DEAD + 5):
        assert not psutil.pid_exists(number)
        for kind in ("counter", "histogram", "gauge_livesum"):
            file = tmp_path / f"{kind}_{number}.db"
            file.touch()
            os.utime(file, (number, number))
    (tmp_path / f"counter_{os.getpid()}.db").touch()
    (tmp_path / f"gauge_livesum_{os.getpid()}.db").touch()
    assert counting(tmp_path) == [os.getpid()]
    left = sorted(file.name for file in tmp_path.iterdir())
    assert len(left) == 2 * KEPT_DEAD + 2
    assert f"counter_{ENDED}.db" not in left
    assert f"counter_{ENDED + KEPT_DEAD + 4}.db" in left
    assert [name for name in left if name.startswith("gauge")] == [f"gauge_livesum_{os.getpid()}.db"]


def test_a_process_takes_memory_and_files_and_one_that_ended_none() -> None:
    assert memory([os.getpid()]) > 1 << 20
    assert memory([os.getpid(), os.getpid()]) < 2 * memory([os.getpid()]), "what is shared counts once"
    assert open_files(os.getpid()) > 0
    assert memory([ENDED]) == open_files(ENDED) == 0
