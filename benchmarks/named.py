"""This makes the named dictionary that ships: the lexicon in the default model's space. It takes a few
minutes on two cores.

    python -m benchmarks.named SHARED_DATA_FOLDER

What passages have in common is measured on a sample of the mix; every collection measures it anew on its own
passages, holding on to this where it has few.
"""

import time
from dataclasses import replace
from pathlib import Path

import typer

from benchmarks.harness.common import embedded, embedder
from benchmarks.harness.mix import mix
from indexer.dictionary.metrics import scorecard
from indexer.dictionary.naming import centred, general_dictionary
from search.dictionary.artifact import SHIPPED
from search.dictionary.lexicon import general_lexicon

SAMPLE = 4096


def main(shared: Path) -> None:
    """Embeds names and sample, measures, saves."""
    start = time.monotonic()
    named = general_dictionary(general_lexicon().groups, embedder().space.model, embedded)
    seconds = time.monotonic() - start
    x_ND = embedded([row.embedded for row in mix(shared)[:SAMPLE]])
    named = centred(named, x_ND, prior_rows=0)
    scores = scorecard(named, x_ND)
    named = replace(named, card=named.card.model_copy(update={"scorecard": scores}))
    named.save(SHIPPED / named.card.model)
    print(f"{named.features:,} features, names embedded in {seconds:.0f} s; {scores}")


if __name__ == "__main__":
    typer.run(main)
