"""Reads files in a process of its own, so that no file hangs a run or takes its memory."""

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from indexer.sources.document import Failure, Note, Parsed, Part, UnreadableError

SECONDS = 120.0
"""For one document: PDFs of thousands of pages take a minute, and what takes longer never ends."""

MEMORY = 2 << 30

_CODE = "from indexer.sources.reading import serve; serve()"


class Reader:
    """Reads one file after the other; its process begins with the first and is replaced where it dies.

    No process outlives ours by more than a file's time: it ends with its standard input, when nothing is
    asked of it for a while, and by a timer while it reads. It has its own session, so Ctrl-C is ours alone.
    """

    encoding: str | None = None
    """What texts are in that do not say so; None: guess."""

    code = False
    """Whether source code in archives is read, too."""

    def __init__(self, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self._seconds = seconds
        self._memory = memory
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, path: Path) -> Iterator[Part]:
        """What is in a file, as it is found: one document, or many. Each may take the seconds of a file.

        Raises:
            UnreadableError: naming the reason; too long, too much memory, or that its reader died of it, too.
        """
        try:
            answer = self._ask(path)
            while "part" in answer:
                yield _part(answer)
                answer = self._heard()
        except BaseException:  # half an answer may be on its way
            self.end()
            raise
        if answer["last"]:
            self.end()
        if "reason" in answer:
            raise UnreadableError(answer["reason"])

    def end(self) -> None:
        """Ends the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            with process, contextlib.suppress(ProcessLookupError):  # closes its pipes and waits
                os.killpg(process.pid, signal.SIGKILL)  # with what it runs, text recognition say

    def _ask(self, path: Path) -> dict[str, Any]:
        process = self._started()
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            asked = {"path": os.fspath(path.absolute()), "encoding": self.encoding, "code": self.code}
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.flush()
        answer = self._heard()
        return answer if "reason" not in answer or answer["reason"] else self._ask(path)

    def _heard(self) -> dict[str, Any]:
        """The next answer; without a reason where the process had ended before it was asked."""
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line.endswith(b"\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer
        status = self._process.wait()
        return {"reason": self._why(status) if status else "", "last": True}

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self.end()
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _CODE, str(self._seconds), str(self._memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self._process

    def _why(self, status: int) -> str:
        if status == -signal.SIGALRM:
            return f"it was not read within {self._seconds:.0f} seconds, and given up"
        ended = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
        return f"its reader died of it ({ended}); it was given up"


def _part(answer: dict[str, Any]) -> Part:
    fields = answer["part"]
    if answer["type"] == "Parsed":
        return Parsed(**{**fields, "notes": tuple(fields["notes"])})
    return Failure(**fields) if answer["type"] == "Failure" else Note(**fields)


_idle: list[Reader] = []
"""Readers that wait for the next source: to begin one takes as long as to read a hundred files."""


@contextlib.contextmanager
def borrowed_reader(encoding: str | None = None, *, code: bool = False) -> Iterator[Reader]:
    """A reader for this thread alone, until the block ends."""
    try:
        reader = _idle.pop()
    except IndexError:
        reader = Reader()
    reader.encoding, reader.code = encoding, code
    try:
        yield reader
    finally:
        _idle.append(reader)


@atexit.register
def _end_idle() -> None:
    while _idle:
        _idle.pop().end()


os.register_at_fork(before=_end_idle)  # two processes cannot talk to one
