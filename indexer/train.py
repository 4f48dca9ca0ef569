"""Training a dictionary: a TopK sparse autoencoder on the rows of one collection.

Shape suffixes: N rows of a batch, D embedding width, F features, K active features a row.

Loss, per batch, both parts as shares of the batch's variance (Gao et al. 2024, section 2.1 and appendix A.2):

    |x - x_hat|^2 / |x - mean|^2  +  AUX_WEIGHT * |e - e_hat|^2 / |e - mean(e)|^2,    e = x - x_hat

where e_hat decodes the strongest *dead* features only (AuxK), with no bias of its own, so that the
second part vanishes when the dead features fit the error exactly.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from search.dictionary import Activations, Card, Dictionary
from search.errors import DictionaryError

AUX_WEIGHT = 1 / 32
MIN_ROWS = 50
HELD_OUT_SHARE = 0.05
HELD_OUT_ROWS = (20, 10_000)
QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Recipe:
    """All that decides a training run, and so its result (on one device)."""

    features: int
    active: int
    steps: int
    batch: int = 512
    rate: float = 2e-3
    seed: int = 0


@dataclass
class _Weights:
    """The trainable tensors."""

    w_enc_FD: torch.Tensor
    b_enc_F: torch.Tensor
    w_dec_FD: torch.Tensor
    b_D: torch.Tensor

    def all(self) -> list[torch.Tensor]:
        return [self.w_enc_FD, self.b_enc_F, self.w_dec_FD, self.b_D]


def recipe_for(rows: int) -> Recipe:
    """The recipe for a collection of so many passages (README's decision log has the sweep)."""
    active = 32 if rows >= 50_000 else 16
    features = int(np.clip(2 ** round(np.log2(max(rows, 1) / 12)), 64, 4096))
    active = min(active, features // 4)
    steps = int(np.clip(rows * 12 / 1024, 150, 2500))
    return Recipe(features=features, active=active, steps=steps)


def train(
    x_ND: NDArray[Any],
    recipe: Recipe,
    *,
    model: str,
    device: str = "cpu",
    on_step: Progress = lambda done, total: None,
) -> Dictionary:
    """Trains a dictionary on unit vectors (N, D), which may be float16 and memory-mapped.

    The same rows and recipe give the same dictionary (on CPU bit for bit). `on_step(done, total)` is
    called after every step. The scorecard on the card is measured on rows that were not trained on.

    Raises:
        DictionaryError: too few rows, or rows that are not finite.
    """
    if len(x_ND) < MIN_ROWS:
        raise DictionaryError(
            f"{len(x_ND)} passages are too few to train a dictionary: at least {MIN_ROWS} are needed.",
            hint="Add documents.",
        )
    if not np.isfinite(x_ND).all():
        raise DictionaryError(
            "The embeddings hold numbers that are not finite.", hint="Reindex the collection."
        )
    rng = np.random.default_rng(recipe.seed)
    order = rng.permutation(len(x_ND))
    held_out = int(np.clip(len(order) * HELD_OUT_SHARE, *HELD_OUT_ROWS))
    kept = np.sort(order[held_out:])
    weights = _start(x_ND, kept, recipe, device)
    _fit(weights, x_ND, kept, recipe, rng, on_step)
    arrays = [tensor.detach().cpu().numpy() for tensor in weights.all()]
    card = Card(model, recipe.active, {**asdict(recipe), "rows": len(kept), "device": device})
    trained = Dictionary(*arrays, card=card)
    scores = scorecard(trained, x_ND[np.sort(order[:held_out])], everything=x_ND)
    return Dictionary(*arrays, card=Card(card.model, card.active, card.training, scores))


def scorecard(dictionary: Dictionary, x_ND: NDArray[Any], *, everything: NDArray[Any]) -> dict[str, Any]:
    """How good a dictionary is on held-out rows (N, D).

    `fvu`: fraction of variance unexplained; `l0`: mean active features; `dead`: share of features that
    fire on none of the held-out rows, `dead_everywhere` on none of all rows; `density`: quantiles over
    features of the share of held-out rows they fire on.
    """
    acts = dictionary.encode(x_ND)
    density_F = _density(acts, dictionary.features)
    everywhere_F = _density(dictionary.encode(everything), dictionary.features)
    return {
        "rows": len(x_ND),
        "fvu": fvu(x_ND, dictionary.decode(acts)),
        "l0": float((acts.values_NK > 0).sum(axis=1).mean()),
        "dead": float((density_F == 0).mean()),
        "dead_everywhere": float((everywhere_F == 0).mean()),
        "density": {str(q): float(np.quantile(density_F, q)) for q in QUANTILES},
    }


def fvu(x_ND: NDArray[Any], x_hat_ND: NDArray[Any]) -> float:
    """Fraction of variance unexplained: |x - x_hat|^2 / |x - mean(x)|^2. 0 when there is no variance."""
    x = x_ND.astype(np.float64)
    variance = float(((x - x.mean(axis=0)) ** 2).sum())
    return float(((x - x_hat_ND) ** 2).sum()) / variance if variance > 1e-12 else 0.0


def geometric_median(x_ND: torch.Tensor, *, rounds: int = 50) -> torch.Tensor:
    """The point (D) with the least summed distance to the rows (Weiszfeld 1937)."""
    median_D = x_ND.mean(dim=0)
    for _ in range(rounds):
        weight_N = 1 / (x_ND - median_D).norm(dim=1).clamp_min(1e-8)
        median_D = (weight_N[:, None] * x_ND).sum(dim=0) / weight_N.sum()
    return median_D


def auxiliary_loss(
    error_ND: torch.Tensor, pre_NX: torch.Tensor, w_dec_XD: torch.Tensor, active: int
) -> torch.Tensor:
    """AuxK: how much of the error the X dead features, the strongest `active` a row, leave unexplained.

    0 when they fit `error_ND` exactly.
    """
    top = pre_NX.topk(min(active, pre_NX.shape[1]), dim=1)
    acts_NX = torch.zeros_like(pre_NX).scatter(1, top.indices, top.values.clamp_min(0))
    return _share_left(error_ND, acts_NX @ w_dec_XD)


def _density(acts: Activations, features: int) -> NDArray[np.float64]:
    fired = acts.ids_NK[acts.values_NK > 0]
    return np.bincount(fired, minlength=features) / max(len(acts.ids_NK), 1)


def _share_left(x_ND: torch.Tensor, x_hat_ND: torch.Tensor) -> torch.Tensor:
    variance = (x_ND - x_ND.mean(dim=0)).square().sum().clamp_min(1e-8)
    return (x_ND - x_hat_ND).square().sum() / variance


def _start(x_ND: NDArray[Any], kept: NDArray[Any], recipe: Recipe, device: str) -> _Weights:
    """Decoder rows from data rows about the median, encoder rows equal to them, no encoder bias."""
    generator = torch.Generator().manual_seed(recipe.seed)
    sample = kept[torch.randperm(len(kept), generator=generator)[:20_000].numpy()]
    rows_ND = torch.from_numpy(x_ND[np.sort(sample)].astype(np.float32))
    b_D = geometric_median(rows_ND)
    noise_FD = torch.randn(recipe.features, x_ND.shape[1], generator=generator)
    w_FD = functional.normalize(noise_FD, dim=1)
    tensors = [w_FD.clone(), torch.zeros(recipe.features), w_FD, b_D]
    return _Weights(*(tensor.to(device).requires_grad_() for tensor in tensors))


def _fit(
    weights: _Weights,
    x_ND: NDArray[Any],
    kept: NDArray[Any],
    recipe: Recipe,
    rng: np.random.Generator,
    on_step: Progress,
) -> None:
    device = weights.b_D.device
    optimizer = torch.optim.Adam(weights.all(), lr=recipe.rate, betas=(0.9, 0.999))
    warmup = max(recipe.steps // 20, 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (recipe.steps - step) / (recipe.steps * 0.5), 1.0)
    )
    silent_F = torch.zeros(recipe.features, device=device)
    patience = max(recipe.steps // 20, 10)
    batches = _batches(kept, recipe.batch, rng)
    for step in range(recipe.steps):
        rows = torch.from_numpy(x_ND[next(batches)].astype(np.float32)).to(device)
        loss, fired = _loss(weights, rows, recipe.active, silent_F > patience)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        _project_gradient(weights.w_dec_FD)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            weights.w_dec_FD.copy_(functional.normalize(weights.w_dec_FD, dim=1))
            silent_F += 1
            silent_F[fired] = 0
        on_step(step + 1, recipe.steps)


def _batches(kept: NDArray[Any], batch: int, rng: np.random.Generator) -> Any:
    """Endless batches of row numbers: every row once an epoch, each epoch shuffled anew."""
    left = rng.permutation(kept)
    while True:
        while len(left) < batch:
            left = np.concatenate([left, rng.permutation(kept)])
        yield np.sort(left[:batch])
        left = left[batch:]


def _loss(
    weights: _Weights, x_ND: torch.Tensor, active: int, dead_F: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of one batch, and the features that fired."""
    pre_NF = torch.addmm(weights.b_enc_F, x_ND - weights.b_D, weights.w_enc_FD.T)
    top = pre_NF.topk(active, dim=1)
    acts_NK = top.values.clamp_min(0)
    # Only K of F decoder rows matter for a text: gathering them is several times faster than a dense product.
    x_hat_ND = weights.b_D + functional.embedding_bag(
        top.indices, weights.w_dec_FD, per_sample_weights=acts_NK, mode="sum"
    )
    loss = _share_left(x_ND, x_hat_ND)
    if bool(dead_F.any()):
        error_ND = (x_ND - x_hat_ND).detach()
        dead_active = x_ND.shape[1] // 2
        loss = loss + AUX_WEIGHT * auxiliary_loss(
            error_ND, pre_NF[:, dead_F], weights.w_dec_FD[dead_F], dead_active
        )
    return loss, top.indices[acts_NK.detach() > 0]


def _project_gradient(w_dec_FD: torch.Tensor) -> None:
    """Takes out of the gradient what would only change the rows' lengths."""
    if w_dec_FD.grad is not None:
        with torch.no_grad():
            along_F1 = (w_dec_FD.grad * w_dec_FD).sum(dim=1, keepdim=True)
            w_dec_FD.grad -= along_F1 * w_dec_FD
