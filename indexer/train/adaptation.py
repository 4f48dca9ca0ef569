"""Adapting a dictionary: a few hundred steps on a collection's vectors that keep each feature what it was.

Shape suffixes: N rows, F features.
"""

from dataclasses import asdict, replace

import numpy as np
from numpy.typing import NDArray

from indexer.scorecard import scorecard
from indexer.train.autoencoder import Autoencoder
from indexer.train.recipe import Recipe
from indexer.train.run import SAMPLE_ROWS, Progress, Rows, Run, batches, split
from search.dictionary import Dictionary
from search.errors import DictionaryError

STEPS = (20, 300)
EPOCHS = 30
RATE = 1e-3
ANCHOR = 2e-4
"""README's decision log has what weaker and stronger ones do, and what comes of moving the encoder, too."""


def adapt(
    base: Dictionary,
    x_ND: Rows,
    *,
    device: str = "cpu",
    on_step: Progress | None = None,
    anchor: float = ANCHOR,
    seed: int = 0,
) -> Dictionary:
    """The dictionary fitted to unit vectors (N, D), its features still the same (see `drift`).

    The encoder still chooses the same features for a text (an activation may come out 0 where it was small);
    what each adds to the reconstruction is fitted. Features that no row fires stay what they were. Adapting
    the same dictionary to the same rows gives the same result. The scorecard is measured on rows that were
    not adapted to.

    Raises:
        DictionaryError: rows of another width, or that are not finite.
    """
    rows = x_ND[:]
    if rows.shape[1] != base.width:
        raise DictionaryError(
            f"Vectors of width {rows.shape[1]} do not fit a dictionary of width {base.width}."
        )
    if not np.isfinite(rows).all():
        raise DictionaryError("The embeddings hold numbers that are not finite.", hint="Reindex them.")
    kept_rows, held_out = split(len(rows))
    held_ND = rows[held_out] if len(held_out) else rows  # of a single row
    recipe = _recipe(base, len(kept_rows), anchor, seed)
    model = Autoencoder.of(base, device)
    run = Run(model, recipe)
    for step in run.steps(batches(rows, np.sort(kept_rows), recipe), held_ND):
        if on_step:
            on_step(step, run.total)
    training = {
        **base.card.training,
        "adapted_from": base.card_json()["sha256"],
        "adaptation": {**asdict(recipe), "rows": len(kept_rows), "device": device},
    }
    card = replace(base.card, training=training)
    adapted = model.dictionary(card)
    scores = scorecard(adapted, held_ND, rows[np.sort(kept_rows[:SAMPLE_ROWS])])
    return replace(adapted, card=replace(card, scorecard=scores))


def drift(base: Dictionary, adapted: Dictionary) -> NDArray[np.float32]:
    """How far each feature moved (F): 1 - cosine of its decoder rows; 0 is not at all."""
    cosine_F = (base.w_dec_FD * adapted.w_dec_FD).sum(axis=1)
    return np.asarray(np.clip(1 - cosine_F, 0, 2), dtype=np.float32)


def _recipe(base: Dictionary, rows: int, anchor: float, seed: int) -> Recipe:
    batch = int(np.clip(rows, 1, 512))
    return Recipe(
        features=base.features,
        active=base.card.active,
        steps=int(np.clip(rows * EPOCHS / batch, *STEPS)),
        batch=batch,
        rate=RATE,
        seed=seed,
        anchor=anchor,
    )
