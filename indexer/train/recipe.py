"""What decides a training run."""

from dataclasses import dataclass

import numpy as np

EPOCHS = 10


@dataclass(frozen=True)
class Recipe:
    """All that decides a training run, and so its result (on one device).

    `features` wide, `active` of them a row: the strongest of each row, or with `pooled` the strongest of a
    batch, so that a rich text may have more than a plain one (BatchTopK, Bussmann et al. 2024).
    `prefixes`: numbers of features that have to reconstruct alone, too (Matryoshka, Bussmann et al. 2025).
    `tied`: an encoder row is its decoder row times a gain. `similarity` weighs how well inner products of
    rows are kept, `decorrelation` how far decoder rows point apart. Features start from texts that
    `landmarks` chooses, so that other seeds find them again.
    """

    features: int
    active: int
    steps: int
    batch: int = 512
    rate: float = 4e-3
    seed: int = 0
    landmarks: int = 0
    pooled: bool = False
    prefixes: tuple[int, ...] = ()
    tied: bool = False
    similarity: float = 0.0
    decorrelation: float = 0.0


def recipe_for(rows: int) -> Recipe:
    """The recipe for a collection of so many passages.

    Chosen for the share of the score that features with reliable labels carry (README's decision log has the
    sweep): more active features explain more, but their labels stop holding; with more features than one for
    eight passages, too few passages fire each of them to name it.
    """
    features = int(np.clip(2 ** round(np.log2(max(rows, 1) / 8)), 64, 4096))
    steps = int(np.clip(rows * EPOCHS / 512, 150, 2000))
    return Recipe(features=features, active=8, steps=steps)
