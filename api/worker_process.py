"""The worker runs as a process beside the one that serves: it ends with it, and is begun again if it dies."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from threading import Event, Thread

AGAIN_SECONDS = 5.0
END_SECONDS = 20.0

COMMAND = [sys.executable, "-m", "api.cli.main", "worker", "--with-parent"]


@contextlib.contextmanager
def beside(*, worker: bool) -> Iterator[None]:
    """Runs a worker until the block ends, if one is wanted."""
    if not worker:
        yield
        return
    ended = Event()
    supervisor = Thread(target=_supervise, args=(ended,), name="supervisor", daemon=True)
    supervisor.start()
    try:
        yield
    finally:
        ended.set()
        supervisor.join()


def end_with_parent() -> None:
    """Ends this process in order once the process that began it is gone, however that ended: its end of our
    standard input closes."""

    def wait() -> None:
        sys.stdin.read()
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, name="parent", daemon=True).start()


def begin_anew() -> None:
    """Puts a fresh process in the place of this one, with its number and its parent; all that it was doing is
    gone."""
    sys.stdout.flush()
    os.execv(sys.executable, sys.orig_argv)


def _supervise(ended: Event) -> None:
    while not ended.is_set():
        # Its own group: Ctrl-C is for us, and we end the worker while the database is still there.
        process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )
        while not ended.wait(0.2) and process.poll() is None:
            pass
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS)
            process.kill()
        process.wait()
        ended.wait(AGAIN_SECONDS)
