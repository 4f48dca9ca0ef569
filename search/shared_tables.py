"""Tables of numbers that the processes of one server share: memory that they inherit.

What each process counted for itself would count as often as there are processes.
"""

import mmap
import os
import struct
import tempfile
import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from hashlib import blake2b

ROWS = 1 << 15
WAYS = 8
"""A key has so many places; where others have them all, the one with the smallest number makes room."""

NAMES = ("links", "addresses", "keys", "writes", "failures", "held", "denials", "changes", "connections")

_ROW = struct.Struct("16sd")
_BYTES = ROWS * _ROW.size
_NOBODY = bytes(16)


class SharedTable:
    """Maps keys to numbers; what is not there is 0. Alone, or the one of that `number` in a file that other
    processes have open as well.

    It holds some 30,000 keys, none of them as it is: what was put under the smallest numbers goes first.
    """

    def __init__(self, memory: mmap.mmap | None = None, number: int = 0, file: int | None = None) -> None:
        self._memory = mmap.mmap(-1, _BYTES) if memory is None else memory
        self._number, self._file = number, file
        self._lock = threading.RLock()
        self._depth = 0

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lets nobody else read or write the table until the end of the block. A process that is killed in it
        lets go of it."""
        with self._lock:
            self._depth += 1
            try:
                if self._depth == 1:
                    self._lock_file(wanted=True)
                yield
            finally:
                if self._depth == 1:
                    self._lock_file(wanted=False)
                self._depth -= 1

    def get(self, key: Hashable) -> float:
        """Gives the number of a key."""
        name, places = self._places(key)
        with self.locked():
            return next((number for _, found, number in self._rows(places) if found == name), 0.0)

    def put(self, key: Hashable, number: float) -> None:
        """Gives a key its number; 0 takes it out."""
        name, places = self._places(key)
        with self.locked():
            rows = list(self._rows(places))
            mine = next((place for place, found, _ in rows if found == name), None)
            if number:
                mine = min(rows, key=lambda row: row[2])[0] if mine is None else mine
                _ROW.pack_into(self._memory, mine, name, number)
            elif mine is not None:
                _ROW.pack_into(self._memory, mine, _NOBODY, 0.0)

    def pop(self, key: Hashable) -> float:
        """Takes a key out and gives the number that it had."""
        with self.locked():
            number = self.get(key)
            if number:
                self.put(key, 0.0)
        return number

    def add(self, key: Hashable, number: float = 1.0) -> float:
        """Adds to the number of a key and gives the sum."""
        with self.locked():
            total = self.get(key) + number
            self.put(key, total)
        return total

    def _places(self, key: Hashable) -> tuple[bytes, range]:
        name = blake2b(repr(key).encode(errors="backslashreplace"), digest_size=16).digest()
        first = int.from_bytes(name[:4], "little") % (ROWS // WAYS) * WAYS
        begin = self._number * _BYTES + first * _ROW.size
        return name, range(begin, begin + WAYS * _ROW.size, _ROW.size)

    def _rows(self, places: range) -> Iterator[tuple[int, bytes, float]]:
        for place in places:
            yield place, *_ROW.unpack_from(self._memory, place)

    def _lock_file(self, *, wanted: bool) -> None:
        if self._file is None:
            return
        import fcntl

        fcntl.lockf(self._file, fcntl.LOCK_EX if wanted else fcntl.LOCK_UN, 1, self._number)


class SharedTables:
    """Holds a table for each of `NAMES`, in a file that is `inherited`, or in memory of this process."""

    def __init__(self, inherited: int | None = None) -> None:
        memory = mmap.mmap(-1 if inherited is None else inherited, len(NAMES) * _BYTES)
        self._tables = {name: SharedTable(memory, place, inherited) for place, name in enumerate(NAMES)}

    def __getitem__(self, name: str) -> SharedTable:
        return self._tables[name]


def new_file() -> int:
    """Makes a file for tables, which has no name, and gives its descriptor."""
    if hasattr(os, "memfd_create"):
        file = os.memfd_create("refract")
    else:  # not Linux
        with tempfile.TemporaryFile() as temporary:
            file = os.dup(temporary.fileno())
    os.truncate(file, len(NAMES) * _BYTES)
    return file
