"""One file into its documents, and the process that does it: `reader.Reader` talks to it over its pipes.

Parsers take time without end, or all memory, for files made for that or damaged by chance. So they work in a
process that a timer of the kernel ends, whatever it is doing, and that gets no more than so much memory.
"""

import dataclasses
import json
import os
import resource
import select
import signal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import psutil

from indexer.sources.containers import ARCHIVES, read_archive
from indexer.sources.decoding import assuming
from indexer.sources.document import MAX_BYTES, Part, UnreadableError
from indexer.sources.folders import ending
from indexer.sources.kinds.code import CODE, PYTHON
from indexer.sources.kinds.mailbox import read_mailbox
from indexer.sources.parsers import PARSERS

IDLE_SECONDS = 60.0

WHOLE = 10
"""A file of many documents gets so many times the seconds of one."""

WORN_SHARE = 4
"""A process that keeps a quarter of its memory after a file gives way to a fresh one."""


def read_file(path: Path, *, code: bool = False) -> Iterator[Part]:
    """What is in a file, by the parser of its kind; of an archive with `code` also source code.

    Raises:
        UnreadableError: naming the reason, whatever it is.
    """
    kind = ending(path.name)
    try:
        if parse := PARSERS.get(kind) or CODE.get(kind):
            yield parse(_content(path))
        else:
            _refuse_irregular(path)
            with path.open("rb") as file:
                if kind in ARCHIVES:
                    yield from read_archive(file, kind, code=code)
                else:
                    yield from PYTHON.get(kind, read_mailbox)(file)
    except (UnreadableError, MemoryError):
        raise
    except OSError as error:
        raise UnreadableError(f"it cannot be read: {error.strerror or error}") from None
    except Exception as error:  # a broken file makes a parser raise anything at all
        raise UnreadableError(f"it cannot be read: {type(error).__name__}: {str(error)[:200]}") from None


def _content(path: Path) -> bytes:
    _refuse_irregular(path)
    size = path.stat().st_size
    if size == 0:
        raise UnreadableError("it is empty")
    if size > MAX_BYTES:
        raise UnreadableError(f"it has {size >> 20} MiB, {MAX_BYTES >> 20} MiB is the most")
    return path.read_bytes()


def _refuse_irregular(path: Path) -> None:
    if path.exists() and not path.is_file():
        raise UnreadableError("it is not a regular file")  # reading a pipe would wait for ever


def serve() -> None:
    """Reads files as they are asked for, a line each, until no more are. Its arguments: seconds a file, and
    bytes of memory."""
    seconds, memory = float(sys.argv[1]), int(sys.argv[2])
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what parsers print is no answer
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (memory, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        warnings.simplefilter("ignore")
        while select.select([0], [], [], IDLE_SECONDS)[0] and (line := sys.stdin.buffer.readline()):
            asked = json.loads(line)
            with assuming(asked["encoding"]):
                parts = read_file(Path(asked["path"]), code=asked["code"])
                _answer(answers, parts, seconds, memory)


def _answer(answers: BinaryIO, parts: Iterator[Part], seconds: float, memory: int) -> None:
    """Writes each part of a file as it is found, every one in time, and at last how it ended."""
    answer: dict[str, Any] = {}
    is_last = False
    left = seconds * WHOLE
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        for part in parts:
            left -= seconds - signal.setitimer(signal.ITIMER_REAL, 0)[0]
            _write(answers, {"type": type(part).__name__, "part": dataclasses.asdict(part)})
            signal.setitimer(signal.ITIMER_REAL, max(min(seconds, left), 0.001))
    except UnreadableError as error:
        answer = {"reason": str(error)}
    except MemoryError:
        answer, is_last = {"reason": f"reading it takes more than {memory >> 20:,} MiB of memory"}, True
    signal.setitimer(signal.ITIMER_REAL, 0)
    answer["last"] = is_last or psutil.Process().memory_info().rss * WORN_SHARE > memory
    _write(answers, answer)
    if answer["last"]:
        sys.exit()


def _write(answers: BinaryIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()
