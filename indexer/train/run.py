"""Training a dictionary: rows from memory or from disk, in bounded memory, to be taken up again after a kill.

Shape suffixes: N rows, D embedding width.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from indexer.scorecard import fvu, scorecard
from indexer.train.autoencoder import Autoencoder, kept, loss_of, project_gradient, start
from indexer.train.recipe import Recipe
from search.dictionary import Card, Dictionary
from search.errors import DictionaryError

MIN_ROWS = 50
HELD_OUT_SHARE = 0.05
HELD_OUT_ROWS = (20, 20_000)
SAMPLE_ROWS = 20_000  # enough for a median and for telling dead features from rare ones
POOL_ROWS = 131_072  # rows in memory, shuffled together
RUN_ROWS = 256  # rows read from one place of the disk
DECAY = 0.5  # the last half of the steps lowers the rate to 0
CHECKS = 20  # a run looks at held-out rows so often,
ENOUGH = 0.002  # and when the FVU falls by less than this share
PATIENCE = 2  # for so many looks in a row, the rate begins to fall
CHECKPOINT_S = 60.0

Progress = Callable[[int, int], None]


class Rows(Protocol):
    """Unit vectors (N, D) in memory or on disk."""

    def __len__(self) -> int: ...
    def __getitem__(self, rows: Any, /) -> NDArray[Any]: ...


def train(
    x_ND: Rows,
    recipe: Recipe,
    *,
    model: str,
    device: str = "cpu",
    on_step: Progress | None = None,
    checkpoint: Path | None = None,
) -> Dictionary:
    """Trains a dictionary on unit vectors (N, D), which may be float16 and lie on disk.

    The same rows and recipe give the same dictionary (on one CPU bit for bit), also when a run that wrote a
    `checkpoint` was killed and is taken up again. `on_step(done, total)` is called after every step; the
    total falls when the run stops early. The scorecard on the card is measured on rows that were not trained
    on.

    Raises:
        DictionaryError: too few rows, rows that are not finite, more features active than there are, or a
            checkpoint of another run.
    """
    check(x_ND, recipe)
    kept_rows, held_out = split(len(x_ND))
    sample_ND = x_ND[np.sort(kept_rows[:SAMPLE_ROWS])]
    held_ND = x_ND[held_out]
    run = Run(start(sample_ND, recipe, device), recipe, checkpoint=checkpoint)
    for step in run.steps(batches(x_ND, np.sort(kept_rows), recipe), held_ND):
        if on_step:
            on_step(step, run.total)
    training = {**asdict(recipe), "rows": len(kept_rows), "device": device, "steps_taken": run.total}
    card = Card(model, kept(recipe), training, threshold=float(run.model.threshold))
    trained = run.model.dictionary(card)
    scores = scorecard(trained, held_ND, sample_ND)
    if checkpoint:
        checkpoint.unlink(missing_ok=True)
    return replace(trained, card=replace(card, scorecard=scores))


def check(x_ND: Rows, recipe: Recipe) -> None:
    """Whether these rows can be trained on with this recipe.

    Raises:
        DictionaryError
    """
    if recipe.active > recipe.features:
        raise DictionaryError(
            f"{recipe.active} active features are more than the {recipe.features} there are.",
            hint="Use fewer active features, or more features.",
        )
    if len(x_ND) < MIN_ROWS:
        raise DictionaryError(
            f"{len(x_ND)} passages are too few to train a dictionary: at least {MIN_ROWS} are needed.",
            hint="Add documents.",
        )
    if not all(np.isfinite(x_ND[at : at + SAMPLE_ROWS]).all() for at in range(0, len(x_ND), SAMPLE_ROWS)):
        raise DictionaryError("The embeddings hold numbers that are not finite.", hint="Reindex them.")


def split(rows: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers of the rows to train on, shuffled, and of those held out, sorted; the same in every run."""
    order = np.random.default_rng(0).permutation(rows)
    held_out = min(int(np.clip(rows * HELD_OUT_SHARE, *HELD_OUT_ROWS)), rows // 2)
    return order[held_out:], np.sort(order[:held_out])


class Run:
    """One training run: weights, optimizer and where it stands."""

    def __init__(self, model: Autoencoder, recipe: Recipe, *, checkpoint: Path | None = None) -> None:
        self.model = model
        self.recipe = recipe
        self.total = recipe.steps
        self._checkpoint = checkpoint
        self._saved = time.monotonic()
        self._optimizer = torch.optim.Adam(model.trainable, lr=recipe.rate, fused=True)
        self._silent_F = torch.zeros(recipe.features, device=model.b_D.device)
        self._decay_from = recipe.steps * DECAY
        self._best, self._idle = math.inf, 0
        self._done = 0
        if checkpoint and checkpoint.exists():
            self._resume(checkpoint)

    def steps(self, drawn: Iterator[NDArray[Any]], held_ND: NDArray[Any]) -> Iterator[int]:
        """Fits the weights in place; yields the number of each step done."""
        for _ in range(self._done):  # what a killed run has already seen
            next(drawn)
        every = max(self.recipe.steps // CHECKS, 1)
        while self._done < self.total:
            self.step(next(drawn))
            if self._done % every == 0 and self._done < self._decay_from:
                self._look(held_ND)
            if self._checkpoint and time.monotonic() - self._saved > CHECKPOINT_S:
                self._save(self._checkpoint)
            yield self._done

    def step(self, rows_ND: NDArray[Any]) -> None:
        """One step on one batch."""
        model, recipe = self.model, self.recipe
        x_ND = torch.from_numpy(rows_ND.astype(np.float32)).to(model.b_D.device)
        dead_F = self._silent_F > max(recipe.steps // 20, 10)
        loss, fired = loss_of(model, x_ND, recipe, dead_F)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        project_gradient(model.w_dec_FD)
        for group in self._optimizer.param_groups:
            group["lr"] = recipe.rate * self._rate()
        self._optimizer.step()
        with torch.no_grad():
            model.w_dec_FD.copy_(functional.normalize(model.w_dec_FD, dim=1))
            self._silent_F += 1
            self._silent_F[fired] = 0
        self._done += 1

    def _rate(self) -> float:
        """Share of the full rate: a short warm-up, then full, then linear to 0."""
        warm = (self._done + 1) / max(self.recipe.steps // 20, 1)
        return min(warm, (self.total - self._done) / max(self.total - self._decay_from, 1), 1.0)

    def _look(self, held_ND: NDArray[Any]) -> None:
        """Begins the decay when the held-out FVU has stopped falling."""
        now = self.model.dictionary(Card("", kept(self.recipe), threshold=float(self.model.threshold)))
        found = fvu(held_ND, now.decode(now.encode(held_ND, device=str(self.model.b_D.device))))
        self._idle = self._idle + 1 if found > self._best * (1 - ENOUGH) else 0
        self._best = min(self._best, found)
        if self._idle >= PATIENCE:
            self._decay_from = self._done
            self.total = min(self.total, self._done + int(self.recipe.steps * (1 - DECAY)))

    def _save(self, path: Path) -> None:
        state = {
            "recipe": asdict(self.recipe),
            "tensors": [*self.model.trainable, self.model.threshold],
            "optimizer": self._optimizer.state_dict(),
            "silent": self._silent_F,
            "place": (self._done, self.total, self._decay_from, self._best, self._idle),
        }
        part = path.with_suffix(".part")
        torch.save(state, part)
        part.rename(path)
        self._saved = time.monotonic()

    def _resume(self, path: Path) -> None:
        try:
            state = torch.load(path, map_location=self.model.b_D.device, weights_only=True)
            same = state["recipe"] == asdict(self.recipe)
        except Exception as error:  # torch raises many kinds for a file that is cut
            raise DictionaryError(
                f"The checkpoint {path} cannot be read: {error}.", hint="Delete it to start again."
            ) from None
        if not same:
            raise DictionaryError(
                f"The checkpoint {path} is of another recipe.", hint="Delete it to start again."
            )
        with torch.no_grad():
            for tensor, kept_tensor in zip(
                [*self.model.trainable, self.model.threshold], state["tensors"], strict=True
            ):
                tensor.copy_(kept_tensor)
        self._optimizer.load_state_dict(state["optimizer"])
        self._silent_F = state["silent"]
        self._done, self.total, self._decay_from, self._best, self._idle = state["place"]


def batches(x_ND: Rows, rows: NDArray[np.int64], recipe: Recipe) -> Iterator[NDArray[Any]]:
    """Endless batches: every row once an epoch, each epoch in a new order.

    Runs of neighbouring rows are read in random order into a pool that is shuffled as a whole: a disk is read
    in long stretches, and no more than POOL_ROWS rows are in memory.
    """
    rng = np.random.default_rng((recipe.seed, 1))
    runs = np.array_split(rows, max(len(rows) // RUN_ROWS, 1))
    left = x_ND[rows[:0]]
    while True:
        order = rng.permutation(len(runs))
        for at in range(0, len(runs), POOL_ROWS // RUN_ROWS):
            chosen = np.concatenate([runs[run] for run in order[at : at + POOL_ROWS // RUN_ROWS]])
            pool = x_ND[np.sort(chosen)]
            pool = np.concatenate([left, pool[rng.permutation(len(pool))]])
            for first in range(0, len(pool) - recipe.batch + 1, recipe.batch):
                yield pool[first : first + recipe.batch]
            left = pool[len(pool) - len(pool) % recipe.batch :]
