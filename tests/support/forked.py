"""Commands as processes of their own that need not wait for imports: forked from one that has done them."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

from api.cli import main

SECONDS = 120
PRELOADED = ["sentence_transformers", "api.server", "indexer.jobs.worker", "indexer.backup.restore"]


class Forked:
    """A running `refract`, with as much of `subprocess.Popen` as tests use. Its standard input is a
    `terminal`, or has what is `given`."""

    def __init__(
        self, *arguments: str, environment: dict[str, str], given: bytes = b"", terminal: int | None = None
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        (stdin, feed), (out, stdout), (err, stderr) = (context.Pipe(duplex=False) for _ in range(3))
        if terminal is not None:
            stdin.close()
            stdin = Connection(os.dup(terminal), writable=False)
        theirs = (stdin, stdout, stderr)
        self._process = context.Process(target=_run, args=(arguments, environment, theirs))
        self._process.start()
        for end in theirs:
            end.close()
        self._arguments = arguments
        self.stdout, self.stderr = (os.fdopen(_taken(end), encoding="utf-8") for end in (out, err))
        with os.fdopen(_taken(feed), "wb") as file:
            file.write(given)

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self._process.is_alive():
            os.kill(self._process.pid or 0, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, seconds: float = SECONDS) -> int:
        self._process.join(seconds)
        if self._process.exitcode is None:
            raise TimeoutError(f"refract {' '.join(self._arguments)[:200]} did not end.")
        return self._process.exitcode

    def communicate(self) -> tuple[str, str]:
        """Waits for its end; gives what it said and nobody has read yet, on standard output and on standard
        error."""
        with ThreadPoolExecutor(2) as pool:
            out, err = (pool.submit(stream.read) for stream in (self.stdout, self.stderr))
            try:
                self.wait()
            finally:
                self.kill()
            return out.result(), err.result()

    def close(self) -> None:
        self.kill()
        self._process.join()
        self.stdout.close()
        self.stderr.close()


@contextlib.contextmanager
def running(
    *arguments: str, environment: dict[str, str], given: bytes = b"", terminal: int | None = None
) -> Iterator[Forked]:
    """`refract` with these arguments in this environment; killed at the end if it still runs."""
    started = Forked(*arguments, environment=environment, given=given, terminal=terminal)
    with contextlib.closing(started) as process:
        yield process


def forked(
    *arguments: str, environment: dict[str, str], given: bytes = b"", terminal: int | None = None
) -> "subprocess.CompletedProcess[str]":
    """Runs `refract` with these arguments in this environment, to its end."""
    with running(*arguments, environment=environment, given=given, terminal=terminal) as process:
        said = process.communicate()
        return subprocess.CompletedProcess(arguments, process.wait(), *said)


def _taken(end: Connection) -> int:
    """The descriptor of one end of a pipe, as a file's own."""
    with end:
        return os.dup(end.fileno())


def _run(arguments: list[str], environment: dict[str, str], streams: tuple[Connection, ...]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # who is started in the background ignores it
    os.environ.clear()
    os.environ.update(environment)
    for number, stream in enumerate(streams):
        with stream:
            os.dup2(stream.fileno(), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.argv = ["refract", *arguments]
    main.main()
