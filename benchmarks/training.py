"""Rows a second of training, beside eai-sparsify on the same batches, in one process and in turns.

    python -m benchmarks.training SHARED_DATA_FOLDER [--device cuda]    (peer: pip install refract[cpu,bench])

Both train a TopK autoencoder of the shipped size with Adam at one rate; the peer's own step: forward, unit
decoder rows, gradient without its part along them. The shipped recipe (Matryoshka) stands beside them. FVU is
measured the plain way, with what each encoder says, on held-out rows.

Shape suffixes: N rows, D embedding width.
"""

import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Protocol

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from sparsify import SparseCoder, SparseCoderConfig

from benchmarks.common import report, table
from benchmarks.mix import embed_mix, mix
from benchmarks.recipe import RECIPE
from indexer.scorecard import fvu
from indexer.train.autoencoder import start
from indexer.train.recipe import Recipe
from indexer.train.run import SAMPLE_ROWS, Run, batches, split

TURN = 20  # steps of one trainer before it is another's turn


class Trainer(Protocol):
    """Something that learns from batches."""

    def step(self, rows_ND: NDArray[Any]) -> None: ...
    def reconstruct(self, rows_ND: NDArray[Any]) -> NDArray[np.float32]: ...


class Ours:
    """`indexer.train`, a step at a time."""

    def __init__(self, sample_ND: NDArray[Any], recipe: Recipe, device: str) -> None:
        self._run = Run(start(sample_ND, recipe, device), recipe)

    def step(self, rows_ND: NDArray[Any]) -> None:
        self._run.step(rows_ND)

    def reconstruct(self, rows_ND: NDArray[Any]) -> NDArray[np.float32]:
        model = self._run.model
        x_ND = torch.from_numpy(rows_ND.astype(np.float32)).to(model.b_D.device) - model.b_D
        top = (x_ND @ model.encoder().T + model.b_enc_F).topk(self._run.recipe.active, dim=1)
        w_NKD = model.w_dec_FD[top.indices]
        x_hat_ND = model.b_D + (top.values.clamp_min(0)[:, None] @ w_NKD)[:, 0]
        return np.asarray(x_hat_ND.detach().cpu().numpy())


class Sparsify:
    """eai-sparsify's autoencoder, trained as its trainer does."""

    def __init__(self, sample_ND: NDArray[Any], recipe: Recipe, device: str) -> None:
        config = SparseCoderConfig(num_latents=recipe.features, k=recipe.active)
        self._coder = SparseCoder(sample_ND.shape[1], config, device=device)
        self._coder.b_dec.data = torch.from_numpy(sample_ND.mean(axis=0, dtype=np.float32)).to(device)
        self._optimizer = torch.optim.Adam(self._coder.parameters(), lr=recipe.rate, fused=True)
        self._device = device

    def step(self, rows_ND: NDArray[Any]) -> None:
        self._coder.set_decoder_norm_to_unit_norm()
        self._coder(self._tensor(rows_ND)).fvu.backward()
        self._coder.remove_gradient_parallel_to_decoder_directions()
        self._optimizer.step()
        self._optimizer.zero_grad()

    def reconstruct(self, rows_ND: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray(self._coder(self._tensor(rows_ND)).sae_out.detach().cpu().numpy())

    def _tensor(self, rows_ND: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(rows_ND.astype(np.float32)).to(self._device)


def main(
    shared: Path,
    steps: Annotated[int, typer.Option(help="Steps of each.")] = 200,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Trains all three in turns and prints the table."""
    x_ND = embed_mix(mix(shared))
    kept, held_out = split(len(x_ND))
    sample_ND, held_ND = x_ND[np.sort(kept[:SAMPLE_ROWS])], x_ND[held_out[:2048]]
    shipped = replace(RECIPE, steps=steps)
    plain = replace(shipped, prefixes=())
    trainers: dict[str, Trainer] = {
        "Refract, TopK": Ours(sample_ND, plain, device),
        "eai-sparsify 1.3.3, TopK": Sparsify(sample_ND, plain, device),
        "Refract, the shipped recipe": Ours(sample_ND, shipped, device),
    }
    rates = _in_turns(trainers, batches(x_ND, np.sort(kept), shipped), steps, device)
    peer = rates["eai-sparsify 1.3.3, TopK"]
    rows = [
        [name, f"{rates[name]:,.0f}", rates[name] / peer, fvu(held_ND, trainer.reconstruct(held_ND))]
        for name, trainer in trainers.items()
    ]
    header = ["trainer", "rows/s", "times the peer's", f"FVU after {steps} steps"]
    record = {"rows": rows, "device": device, "threads": torch.get_num_threads(), "batch": shipped.batch}
    report(f"training-{device}", table(header, rows), record)


def _in_turns(
    trainers: dict[str, Trainer], drawn: Iterator[NDArray[Any]], steps: int, device: str
) -> dict[str, float]:
    """The median rows a second of each, all on the same batches."""
    rates: dict[str, list[float]] = {name: [] for name in trainers}
    for _ in range(steps // TURN):
        turn = [next(drawn) for _ in range(TURN)]
        for name, trainer in trainers.items():
            began = time.perf_counter()
            for rows_ND in turn:
                trainer.step(rows_ND)
            if device == "cuda":
                torch.cuda.synchronize()
            rates[name].append(TURN * len(turn[0]) / (time.perf_counter() - began))
    return {name: statistics.median(rate) for name, rate in rates.items()}


if __name__ == "__main__":
    typer.run(main)
