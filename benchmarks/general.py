"""The dictionary that ships: embeds the mix, trains on it, measures the result. One command, resumable.

    python -m benchmarks.general SHARED_DATA_FOLDER                 here
    python -m benchmarks.mix SHARED_DATA_FOLDER --pack mix.jsonl.gz     to carry the texts to a GPU machine,
    python -m benchmarks.general --packed mix.jsonl.gz --out FOLDER     and to bring the weights back

Embeddings go to benchmarks/.cache/mix, the dictionary to benchmarks/.cache/general (or FOLDER); what was done
before a kill is kept. Labels come later: `benchmarks.ship`.
"""

import time
from pathlib import Path
from typing import Annotated

import torch
import typer

from benchmarks.common import CACHE, embedder
from benchmarks.mix import embed_mix, mix, read_packed
from indexer.train import Recipe, train

RECIPE = Recipe(
    features=4096,
    active=40,
    steps=5000,
    batch=1024,
    rate=1e-3,
    prefixes=(64, 256, 768, 2048),
    decorrelation=0.05,
)
"""Chosen by `benchmarks.recipe`; README's decision log says why."""


def main(
    shared: Annotated[Path | None, typer.Argument(help="The folder that holds corpora/.")] = None,
    packed: Annotated[Path | None, typer.Option(help="Texts that benchmarks.mix packed.")] = None,
    out: Annotated[Path, typer.Option(help="Where the dictionary goes.")] = CACHE / "general",
    seed: Annotated[int, typer.Option(help="Another order of the rows, for the stability.")] = 0,
    landmarks: Annotated[int, typer.Option(help="Other texts to start from, likewise.")] = 0,
    steps: Annotated[int, typer.Option(help="For a quick try.")] = RECIPE.steps,
) -> None:
    """Embeds, trains, measures, saves."""
    if (shared is None) == (packed is None):
        raise typer.BadParameter("Name the data folder, or a packed file.")
    rows = read_packed(packed) if packed else mix(shared or Path())
    x_ND = embed_mix(rows)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    recipe = Recipe(**{**vars(RECIPE), "seed": seed, "landmarks": landmarks, "steps": steps})
    out.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()

    def progress(done: int, total: int) -> None:
        if done % 200 == 0:
            rate = done * recipe.batch / (time.monotonic() - start)
            print(f"step {done:,} of {total:,}, {rate:,.0f} rows/s", flush=True)

    model = embedder().space.model
    trained = train(
        x_ND, recipe, model=model, device=device, on_step=progress, checkpoint=out / "checkpoint.pt"
    )
    trained.save(out, half=True)
    print(trained.card.scorecard)


if __name__ == "__main__":
    typer.run(main)
