"""Text recognition by a program that the owner installed: `REFRACT_OCR` names it."""

import shlex
import shutil
import subprocess
import tempfile
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
            subprocess.run([*command, given, made], check=True, capture_output=True, timeout=MAX_SECONDS)
            return made.read_bytes()
        except subprocess.TimeoutExpired:
            raise UnreadableError(f"recognizing its text took {MAX_SECONDS} seconds") from None
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip()[-200:]
            raise UnreadableError(f"{command[0]} could not recognize its text: {said}") from None
        except OSError as error:
            raise UnreadableError(f"{command[0]} wrote no text: {error.strerror}") from None
