"""This starts a server as users do, for benchmarks."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy import Engine


@contextmanager
def copied(data: Path) -> Iterator[Path]:
    """Copies a data folder that nobody serves, for as long as the block runs."""
    folder = Path(mkdtemp(prefix="refract-copy-"))
    try:
        subprocess.run(["cp", "-a", f"{data}/.", folder], check=True)  # its database keeps its owner
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def serving(data: Path, database: Engine | None, *options: str) -> Iterator[tuple[str, int]]:
    """Runs `refract serve` with these options on a data folder and its open database (None: the embedded one,
    which it opens itself) until the block ends; gives its address and the number of its process, or of the
    one that supervises several where REFRACT_PROCESSES or an option says so."""
    environment = {"REFRACT_PROCESSES": "1", **os.environ, "REFRACT_DATA": str(data), "HF_HUB_OFFLINE": "1"}
    if database is not None:
        environment["DATABASE_URL"] = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "api.cli.main", "serve", "--port", "0", *options]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[3], process.pid
    finally:
        process.terminate()
        process.wait(30)
