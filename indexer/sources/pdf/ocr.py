"""Text recognition by a program that the owner installed: `REFRACT_OCR` names it."""

import contextlib
import resource
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from indexer.sources.document import UnreadableError
from search.settings import load_settings

MAX_SECONDS = 600


def recognized(data: bytes) -> bytes | None:
    """A PDF with the text of its scanned pages; None where no program is set.

    Raises:
        UnreadableError: the program is not there, fails or takes too long.
    """
    command = shlex.split(load_settings().ocr)
    if not command:
        return None
    if shutil.which(command[0]) is None:
        raise UnreadableError(f"its pages are scanned, and REFRACT_OCR={command[0]} is not installed")
    with tempfile.TemporaryDirectory(prefix="refract-ocr-") as folder:
        given, made = Path(folder) / "in.pdf", Path(folder) / "out.pdf"
        given.write_bytes(data)
        try:
            with _without_timer():
                subprocess.run(
                    [*command, given, made],
                    check=True,
                    capture_output=True,
                    timeout=MAX_SECONDS,
                    preexec_fn=_without_limit,
                )
            return made.read_bytes()
        except subprocess.TimeoutExpired:
            raise UnreadableError(f"recognizing its text took {MAX_SECONDS} seconds") from None
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip()[-200:]
            raise UnreadableError(f"{command[0]} could not recognize its text: {said}") from None
        except OSError as error:
            raise UnreadableError(f"{command[0]} wrote no text: {error.strerror}") from None


@contextlib.contextmanager
def _without_timer() -> Iterator[None]:
    """Stops the clock of the process that reads the file: the program has a time of its own."""
    left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left)


def _without_limit() -> None:
    """Gives the program the memory that a parser is not given."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
