"""Commands as processes of their own that need not wait for imports: forked from one that has done them."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from api.cli import main

SECONDS = 120
PRELOADED = ["sentence_transformers", "api.server", "indexer.jobs.worker", "indexer.backup.restore"]


def forked(*arguments: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Runs `refract` with these arguments in this environment."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("stdout", "stderr")]
        process = context.Process(target=_run, args=(arguments, environment, files))
        process.start()
        process.join(SECONDS)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"refract {' '.join(arguments)[:200]} did not end.")
        said = [file.read_text(encoding="utf-8") for file in files]
    return subprocess.CompletedProcess(arguments, process.exitcode, *said)


def _run(arguments: list[str], environment: dict[str, str], files: list[Path]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for stream, file in zip((sys.stdout, sys.stderr), files, strict=True):
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, stream.fileno())
    sys.argv = ["refract", *arguments]
    main.main()
