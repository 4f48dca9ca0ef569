"""Kills writers, builds, rollbacks, compactions and dumps at random points, and looks what is left.

    python -m benchmarks.crash [--trials 1000] [--seed 0]

Each trial begins a process that works on a small collection, kills it with SIGKILL after a random time, and
then checks: every write that was acknowledged is there, no batch is half there, exactly one generation is
live, files and database agree, and a search finds exactly the documents that are stored. Every tenth trial
the database server is killed as well.
"""

import argparse
import shutil
import statistics
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from benchmarks.common import report, table
from search.db.connection import open_database
from search.embedding.embedder import load_embedder
from search.settings import Settings
from tests.support.crash_trials import kill_server, run_trials


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill everything at random points and look what is left.")
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    folder = Path(mkdtemp(prefix="refract-crash-"))
    try:
        with open_database(Settings(data=folder, database_url=None)) as database:
            kill = partial(kill_server, database, folder)
            outcome = run_trials(
                database, folder, given.trials, given.seed, load_embedder(), say=print, kill_server=kill
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rows = [[kind, count] for kind, count in sorted(outcome.trials.items())]
    closing = (
        f"{sum(outcome.trials.values()):,} trials ({outcome.servers} with the database server), "
        f"{outcome.ended} ended before they were killed; {outcome.acknowledged:,} writes acknowledged; "
        f"problems: {len(outcome.problems)}; from kill to the first answers "
        f"{statistics.median(outcome.recovery):.2f} s (median), {max(outcome.recovery):.2f} s (longest)."
    )
    lines = [table(["killed", "trials"], rows), closing, *outcome.problems]
    report("crash", "\n\n".join(lines), vars(outcome))


if __name__ == "__main__":
    main()
