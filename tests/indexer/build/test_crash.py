"""A process that writes, builds, goes back or dumps may be killed at any point. (`benchmarks.crash` does this
a thousand times, and kills the database server too.)"""

from pathlib import Path

from sqlalchemy import Engine as Database

from search.embedding.embedder import Embedder
from tests.support.crash_trials import MOST_SECONDS, run_trials
from tests.support.model import lend_dictionary

TRIALS = 30


def test_whatever_is_killed_nothing_is_lost_and_nothing_half_done(
    database: Database, tmp_path: Path, embedder: Embedder
) -> None:
    lend_dictionary(embedder.space.model, tmp_path)
    outcome = run_trials(database, tmp_path, TRIALS, 7, embedder)
    assert outcome.problems == []
    assert outcome.trials == dict.fromkeys(MOST_SECONDS, TRIALS // len(MOST_SECONDS))
    assert outcome.acknowledged > 0
    assert outcome.ended < TRIALS  # some were killed at their work
