"""Training a dictionary: a TopK sparse autoencoder on the rows of one collection.

Shape suffixes: N rows of a batch, D embedding width, F features, K active features a row, X dead features.

Loss, per batch, both parts as shares of a variance (Gao et al. 2024, section 2.1 and appendix A.2):

    |x - x_hat|^2 / |x - mean|^2  +  AUX_WEIGHT * |e - e_hat|^2 / |e - mean(e)|^2,    e = x - x_hat

where e_hat decodes the strongest *dead* features only (AuxK), with no bias of its own, so that the
second part vanishes when the dead features fit the error exactly.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from indexer.scorecard import scorecard
from search.dictionary import Card, Dictionary
from search.errors import DictionaryError

AUX_WEIGHT = 1 / 32
MIN_ROWS = 50
HELD_OUT_SHARE = 0.05
HELD_OUT_ROWS = (20, 10_000)
START_SCALE = 1 / 8
START_NOISE = 1e-3
EPOCHS = 10
SAMPLE_ROWS = 20_000  # enough for a median and for telling dead features from rare ones
BFLOAT16_IS_FAST = bool(torch.cpu.get_capabilities().get("avx512_bf16"))

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Recipe:
    """All that decides a training run, and so its result (on one device)."""

    features: int
    active: int
    steps: int
    batch: int = 512
    rate: float = 4e-3
    seed: int = 0


class Weights(NamedTuple):
    """The trainable tensors."""

    w_enc_FD: torch.Tensor
    b_enc_F: torch.Tensor
    w_dec_FD: torch.Tensor
    b_D: torch.Tensor

    def dictionary(self, card: Card) -> Dictionary:
        w_enc_FD, b_enc_F, w_dec_FD, b_D = (tensor.detach().cpu().numpy() for tensor in self)
        return Dictionary(w_enc_FD, b_enc_F, w_dec_FD, b_D, card)


def recipe_for(rows: int) -> Recipe:
    """The recipe for a collection of so many passages.

    Chosen for the share of the score that features with reliable labels carry (README's decision log has the
    sweep): more active features explain more, but their labels stop holding; with more features than one for
    eight passages, too few passages fire each of them to name it.
    """
    features = int(np.clip(2 ** round(np.log2(max(rows, 1) / 8)), 64, 4096))
    steps = int(np.clip(rows * EPOCHS / 512, 150, 2000))
    return Recipe(features=features, active=8, steps=steps)


def train(
    x_ND: NDArray[Any],
    recipe: Recipe,
    *,
    model: str,
    device: str = "cpu",
    on_step: Progress | None = None,
) -> Dictionary:
    """Trains a dictionary on unit vectors (N, D), which may be float16 and memory-mapped.

    The same rows and recipe give the same dictionary (on one CPU bit for bit). `on_step(done, total)`
    is called after every step. The scorecard on the card is measured on rows that were not trained on.

    Raises:
        DictionaryError: too few rows, rows that are not finite, or more features active than there are.
    """
    _check(x_ND, recipe)
    rng = np.random.default_rng(recipe.seed)
    order = rng.permutation(len(x_ND))
    held_out = int(np.clip(len(order) * HELD_OUT_SHARE, *HELD_OUT_ROWS))
    kept = order[held_out:]
    weights = _start(x_ND[np.sort(kept[:SAMPLE_ROWS])], recipe, device)
    for step in _steps(weights, x_ND, kept, recipe, rng):
        if on_step:
            on_step(step, recipe.steps)
    card = Card(model, recipe.active, {**asdict(recipe), "rows": len(kept), "device": device})
    trained = weights.dictionary(card)
    scores = scorecard(trained, x_ND[np.sort(order[:held_out])], x_ND[np.sort(kept[:SAMPLE_ROWS])])
    return replace(trained, card=replace(card, scorecard=scores))


def geometric_median(x_ND: torch.Tensor, *, rounds: int = 20) -> torch.Tensor:
    """The point (D) with the least summed distance to the rows (Weiszfeld 1937)."""
    median_D = x_ND.mean(dim=0)
    for _ in range(rounds):
        weight_N = 1 / torch.cdist(x_ND, median_D[None]).squeeze(1).clamp_min(1e-8)
        median_D = (weight_N @ x_ND) / weight_N.sum()
    return median_D


def auxiliary_loss(error_ND: torch.Tensor, pre_NX: torch.Tensor, w_dec_XD: torch.Tensor) -> torch.Tensor:
    """AuxK: the share of the error (N, D) that the strongest dead features of each row leave unexplained.

    0 when they fit the error exactly. At most D / 2 dead features a row are used.
    """
    most = min(error_ND.shape[1] // 2, pre_NX.shape[1])
    top = pre_NX.topk(most, dim=1)
    acts_NX = torch.zeros_like(pre_NX).scatter(1, top.indices, top.values.clamp_min(0))
    return _share_left(error_ND, acts_NX @ w_dec_XD)


def decode_active(ids_NK: torch.Tensor, acts_NK: torch.Tensor, w_dec_FD: torch.Tensor) -> torch.Tensor:
    """Σ_k acts_NK w_dec[ids_NK]: (N, D), touching K of F decoder rows a text instead of all."""
    return functional.embedding_bag(ids_NK, w_dec_FD, per_sample_weights=acts_NK, mode="sum")


class EncodeActive(torch.autograd.Function):
    """The K largest preactivations of each row, and their places: (N, K) twice.

    Only K of F preactivations have a gradient, so the backward pass scatters N·K rows instead of
    multiplying (F, N) by (N, D). The forward product may run in bfloat16 (`fast`), the gradient not.
    """

    @staticmethod
    def forward(
        ctx: Any, x_ND: torch.Tensor, w_enc_FD: torch.Tensor, b_enc_F: torch.Tensor, active: int, fast: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        kind = torch.bfloat16 if fast else torch.float32
        pre_NF = torch.addmm(b_enc_F.to(kind), x_ND.to(kind), w_enc_FD.to(kind).T)
        values_NK, ids_NK = pre_NF.topk(active, dim=1)
        ctx.save_for_backward(x_ND, w_enc_FD, ids_NK)
        ctx.mark_non_differentiable(ids_NK)
        return values_NK.float(), ids_NK

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x_ND, w_enc_FD, ids_NK = ctx.saved_tensors
        grad_NK = grads[0].contiguous()
        # The gradient of gathering rows of a table is scattering to them.
        with torch.enable_grad():
            table_FD = w_enc_FD.detach().requires_grad_()
            bag_ND = decode_active(ids_NK, grad_NK, table_FD)
        (w_grad_FD,) = torch.autograd.grad(bag_ND, table_FD, x_ND)
        b_grad_F = torch.zeros(len(w_enc_FD), device=x_ND.device)
        b_grad_F.index_add_(0, ids_NK.flatten(), grad_NK.flatten())
        return bag_ND.detach(), w_grad_FD, b_grad_F, None, None


def _check(x_ND: NDArray[Any], recipe: Recipe) -> None:
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


def _share_left(x_ND: torch.Tensor, x_hat_ND: torch.Tensor) -> torch.Tensor:
    variance = (x_ND - x_ND.mean(dim=0)).square().sum().clamp_min(1e-8)
    return (x_ND - x_hat_ND).square().sum() / variance


def _start(sample_ND: NDArray[Any], recipe: Recipe, device: str) -> Weights:
    """The geometric median as bias; decoder rows along data rows, so that each feature has a text to fire on.

    Encoder rows start as a fraction of the decoder's: K features that overlap would overshoot the text.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    rows_ND = torch.from_numpy(sample_ND.astype(np.float32))
    median_D = geometric_median(rows_ND)
    chosen_F = torch.randint(len(rows_ND), (recipe.features,), generator=generator)
    noise_FD = torch.randn(recipe.features, rows_ND.shape[1], generator=generator)
    # A little noise tells apart the features that start from the same text.
    w_FD = functional.normalize(rows_ND[chosen_F] - median_D + START_NOISE * noise_FD, dim=1)
    tensors = [START_SCALE * w_FD, torch.zeros(recipe.features), w_FD, median_D]
    return Weights(*(tensor.to(device).requires_grad_() for tensor in tensors))


def _steps(
    weights: Weights, x_ND: NDArray[Any], kept: NDArray[Any], recipe: Recipe, rng: np.random.Generator
) -> Iterator[int]:
    """Fits the weights in place; yields the number of each step done."""
    device = weights.b_D.device
    optimizer = torch.optim.Adam(weights, lr=recipe.rate, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate_at(step, recipe.steps))
    silent_F = torch.zeros(recipe.features, device=device)
    patience = max(recipe.steps // 20, 10)
    batches = _batches(kept, recipe.batch, rng)
    for step in range(1, recipe.steps + 1):
        rows_ND = torch.from_numpy(x_ND[next(batches)].astype(np.float32)).to(device)
        loss, fired = _loss(weights, rows_ND, recipe.active, silent_F > patience)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        project_gradient(weights.w_dec_FD)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            weights.w_dec_FD.copy_(functional.normalize(weights.w_dec_FD, dim=1))
            silent_F += 1
            silent_F[fired] = 0
        yield step


def _rate_at(step: int, steps: int) -> float:
    """Share of the full rate: a short warm-up, then full until half way, then linear to 0."""
    return min((step + 1) / max(steps // 20, 1), 2 * (steps - step) / steps, 1.0)


def _batches(kept: NDArray[Any], batch: int, rng: np.random.Generator) -> Iterator[NDArray[Any]]:
    """Endless batches of row numbers: every row once an epoch, each epoch shuffled anew."""
    left = rng.permutation(kept)
    while True:
        while len(left) < batch:
            left = np.concatenate([left, rng.permutation(kept)])
        yield np.sort(left[:batch])  # sorted, because the rows may lie on disk
        left = left[batch:]


def _loss(
    weights: Weights, x_ND: torch.Tensor, active: int, dead_F: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of one batch, and the features that fired."""
    centred_ND = x_ND - weights.b_D
    fast = BFLOAT16_IS_FAST and x_ND.device.type == "cpu"
    values_NK, ids_NK = EncodeActive.apply(  # type: ignore[no-untyped-call]
        centred_ND, weights.w_enc_FD, weights.b_enc_F, active, fast
    )
    acts_NK = values_NK.clamp_min(0)
    x_hat_ND = weights.b_D + decode_active(ids_NK, acts_NK, weights.w_dec_FD)
    loss = _share_left(x_ND, x_hat_ND)
    if bool(dead_F.any()):
        error_ND = (x_ND - x_hat_ND).detach()
        pre_NX = torch.addmm(weights.b_enc_F[dead_F], centred_ND.detach(), weights.w_enc_FD[dead_F].T)
        loss = loss + AUX_WEIGHT * auxiliary_loss(error_ND, pre_NX, weights.w_dec_FD[dead_F])
    return loss, ids_NK[acts_NK.detach() > 0]


def project_gradient(w_dec_FD: torch.Tensor) -> None:
    """Takes out of the gradient what would only change the lengths of the rows."""
    rows_FD, grad_FD = w_dec_FD.detach(), w_dec_FD.grad
    if grad_FD is not None:
        grad_FD -= (grad_FD * rows_FD).sum(dim=1, keepdim=True) * rows_FD
