"""Tables: numbers by key, for all processes that inherit them."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from search.shared_tables import NAMES, ROWS, SharedTable, SharedTables, new_file

ADDING = """
import sys
from search.shared_tables import SharedTables
table = SharedTables(int(sys.argv[1]))["keys"]
for _ in range(500):
    table.add("each")
"""
HOLDING = """
import sys
from search.shared_tables import SharedTables
with SharedTables(int(sys.argv[1]))["keys"].locked():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def file() -> Iterator[int]:
    made = new_file()
    yield made
    os.close(made)


def begun(code: str, file: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, str(file)],
        pass_fds=[file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_key_has_a_number_until_it_is_taken_out() -> None:
    table = SharedTable()
    assert table.get("a") == 0.0
    table.put("a", 2.5)
    table.put(("a", 1), 3.0)
    assert (table.get("a"), table.get(("a", 1)), table.get(b"a")) == (2.5, 3.0, 0.0)
    assert table.add("a") == 3.5
    assert (table.pop("a"), table.pop("a"), table.get("a")) == (3.5, 0.0, 0.0)
    table.put("never there", 0.0)
    assert table.get(("a", 1)) == 3.0


def test_there_is_room_for_so_many_and_the_smallest_goes_first() -> None:
    table = SharedTable()
    for number in range(1, 3 * ROWS):
        table.put(number, float(number))
    kept = [number for number in range(1, 3 * ROWS) if table.get(number)]
    assert len(kept) == ROWS
    assert 3 * ROWS - 1 in kept
    assert sum(number > ROWS for number in kept) > 0.99 * ROWS


def test_tables_of_one_file_are_apart(file: int) -> None:
    here, there = SharedTables(file), SharedTables(file)
    for place, name in enumerate(NAMES, 1):
        here[name].put("a", place)
    assert [there[name].get("a") for name in NAMES] == [*range(1, len(NAMES) + 1)]


def test_processes_that_add_at_once_lose_nothing(file: int) -> None:
    processes = [begun(ADDING, file) for _ in range(3)]
    assert [process.communicate()[0] for process in processes] == [""] * 3
    assert SharedTables(file)["keys"].get("each") == 1500


def test_a_process_that_is_killed_lets_go(file: int) -> None:
    process = begun(HOLDING, file)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    process.kill()
    process.communicate()
    assert SharedTables(file)["keys"].add("a") == 1
