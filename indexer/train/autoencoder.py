"""The trainable sparse autoencoder, and what it is trained to do.

Shape suffixes: N rows of a batch, D embedding width, F features, K kept features a row, X dead features.

Loss of a batch, every part a share of a variance or of a mean square (Gao et al. 2024, section 2.1 and
appendix A.2, for the first two):

    |x - x_hat|^2 / |x - mean|^2                              (mean over the Matryoshka prefixes)
    + AUX_WEIGHT * |e - e_hat|^2 / |e - mean(e)|^2            e = x - x_hat
    + similarity * |x_hat x_hat' - x x'|^2 / |x x' - mean|^2  over pairs of rows
    + decorrelation * mean of max(cos(w_f, w_g) - TWIN, 0)^2  over pairs of features

where e_hat decodes the strongest *dead* features only (AuxK), with no bias of its own, so that the second
part vanishes when the dead features fit the error exactly.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from indexer.train.recipe import Recipe
from search.dictionary import Card, Dictionary

AUX_WEIGHT = 1 / 32
START_SCALE = 1 / 8
START_NOISE = 1e-3
SIMILAR_ROWS = 512  # of a batch, for the pairs of the similarity term
LEAST_VARIANCE = 1e-4  # of inner products, so that rows that are all alike give a number
APART_ROWS = 256  # features, for the pairs of the decorrelation term
TWIN = 0.3  # decoder rows that are less alike than this are apart enough
BFLOAT16_IS_FAST = bool(torch.cpu.get_capabilities().get("avx512_bf16"))


@dataclass
class Autoencoder:
    """The trainable tensors; `w_enc_FD` holds gains (F, 1) where the encoder is tied to the decoder."""

    w_enc_FD: torch.Tensor
    b_enc_F: torch.Tensor
    w_dec_FD: torch.Tensor
    b_D: torch.Tensor
    threshold: torch.Tensor

    @property
    def tied(self) -> bool:
        return self.w_enc_FD.shape[1] == 1 != self.w_dec_FD.shape[1]

    def encoder(self) -> torch.Tensor:
        """The encoder's rows (F, D)."""
        return self.w_enc_FD * self.w_dec_FD if self.tied else self.w_enc_FD

    @property
    def trainable(self) -> list[torch.Tensor]:
        return [self.w_enc_FD, self.b_enc_F, self.w_dec_FD, self.b_D]

    def dictionary(self, card: Card) -> Dictionary:
        tensors = (self.encoder(), self.b_enc_F, self.w_dec_FD, self.b_D)
        w_enc_FD, b_enc_F, w_dec_FD, b_D = (tensor.detach().cpu().numpy() for tensor in tensors)
        return Dictionary(w_enc_FD, b_enc_F, w_dec_FD, b_D, card)


def start(sample_ND: NDArray[Any], recipe: Recipe, device: str) -> Autoencoder:
    """The geometric median as bias; decoder rows along data rows, so that each feature has a text to fire on.

    Encoder rows start as a fraction of the decoder's: K features that overlap would overshoot the text.
    """
    generator = torch.Generator().manual_seed(recipe.landmarks)
    rows_ND = torch.from_numpy(sample_ND.astype(np.float32))
    median_D = geometric_median(rows_ND)
    chosen_F = torch.randint(len(rows_ND), (recipe.features,), generator=generator)
    noise_FD = torch.randn(recipe.features, rows_ND.shape[1], generator=generator)
    # A little noise tells apart the features that start from the same text.
    w_FD = functional.normalize(rows_ND[chosen_F] - median_D + START_NOISE * noise_FD, dim=1)
    w_enc_FD = torch.full((recipe.features, 1), START_SCALE) if recipe.tied else START_SCALE * w_FD
    tensors = (w_enc_FD, torch.zeros(recipe.features), w_FD, median_D)
    encoder, offsets, decoder, bias = (tensor.to(device).requires_grad_() for tensor in tensors)
    return Autoencoder(encoder, offsets, decoder, bias, torch.zeros((), device=device))


def geometric_median(x_ND: torch.Tensor, *, rounds: int = 20) -> torch.Tensor:
    """The point (D) with the least summed distance to the rows (Weiszfeld 1937)."""
    median_D = x_ND.mean(dim=0)
    for _ in range(rounds):
        weight_N = 1 / torch.cdist(x_ND, median_D[None]).squeeze(1).clamp_min(1e-8)
        median_D = (weight_N @ x_ND) / weight_N.sum()
    return median_D


def loss_of(
    model: Autoencoder, x_ND: torch.Tensor, recipe: Recipe, dead_F: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss of one batch, and the features that fired. Moves the threshold of a pooled dictionary."""
    centred_ND = x_ND - model.b_D
    encoder_FD = model.encoder()
    fast = BFLOAT16_IS_FAST and x_ND.device.type == "cpu"
    values_NK, ids_NK = EncodeActive.apply(  # type: ignore[no-untyped-call]
        centred_ND, encoder_FD, model.b_enc_F, kept(recipe), fast
    )
    acts_NK = values_NK.clamp_min(0)
    if recipe.pooled:
        acts_NK = _pooled(acts_NK, recipe.active, model.threshold)
    x_hat_ND = model.b_D + decode_active(ids_NK, acts_NK, model.w_dec_FD)
    loss = _share_left(x_ND, x_hat_ND)
    if recipe.prefixes:
        for prefix in recipe.prefixes:
            part_NK = acts_NK * (ids_NK < prefix)
            loss = loss + _share_left(x_ND, model.b_D + decode_active(ids_NK, part_NK, model.w_dec_FD))
        loss = loss / (1 + len(recipe.prefixes))
    if recipe.similarity:
        loss = loss + recipe.similarity * similarity_loss(x_ND[:SIMILAR_ROWS], x_hat_ND[:SIMILAR_ROWS])
    if recipe.decorrelation:
        loss = loss + recipe.decorrelation * decorrelation_loss(model.w_dec_FD)
    if bool(dead_F.any()):
        error_ND = (x_ND - x_hat_ND).detach()
        pre_NX = torch.addmm(model.b_enc_F[dead_F], centred_ND.detach(), encoder_FD[dead_F].T)
        loss = loss + AUX_WEIGHT * auxiliary_loss(error_ND, pre_NX, model.w_dec_FD[dead_F])
    return loss, ids_NK[acts_NK.detach() > 0]


def kept(recipe: Recipe) -> int:
    """The most features one row may have: twice the average of a pooled dictionary."""
    return min(2 * recipe.active, recipe.features) if recipe.pooled else recipe.active


def auxiliary_loss(error_ND: torch.Tensor, pre_NX: torch.Tensor, w_dec_XD: torch.Tensor) -> torch.Tensor:
    """AuxK: the share of the error (N, D) that the strongest dead features of each row leave unexplained.

    0 when they fit the error exactly. At most D / 2 dead features a row are used.
    """
    most = min(error_ND.shape[1] // 2, pre_NX.shape[1])
    top = pre_NX.topk(most, dim=1)
    acts_NX = torch.zeros_like(pre_NX).scatter(1, top.indices, top.values.clamp_min(0))
    return _share_left(error_ND, acts_NX @ w_dec_XD)


def similarity_loss(x_ND: torch.Tensor, x_hat_ND: torch.Tensor) -> torch.Tensor:
    """How much of the variance of the rows' inner products their reconstructions miss; 0 when none."""
    true_NN = x_ND @ x_ND.T
    variance = (true_NN - true_NN.mean()).square().mean()
    return (x_hat_ND @ x_hat_ND.T - true_NN).square().mean() / (variance + LEAST_VARIANCE)


def decorrelation_loss(w_dec_FD: torch.Tensor) -> torch.Tensor:
    """How far decoder rows point the same way beyond TWIN, for some rows drawn at random beside all."""
    rows = torch.randperm(len(w_dec_FD), device=w_dec_FD.device)[:APART_ROWS]
    cosine_RF = w_dec_FD[rows] @ w_dec_FD.T
    cosine_RF = cosine_RF.scatter(1, rows[:, None], 0.0)
    return (cosine_RF - TWIN).clamp_min(0).square().sum() / len(rows)


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


def project_gradient(w_dec_FD: torch.Tensor) -> None:
    """Takes out of the gradient what would only change the lengths of the rows."""
    rows_FD, grad_FD = w_dec_FD.detach(), w_dec_FD.grad
    if grad_FD is not None:
        grad_FD -= (grad_FD * rows_FD).sum(dim=1, keepdim=True) * rows_FD


def _pooled(acts_NK: torch.Tensor, active: int, threshold: torch.Tensor) -> torch.Tensor:
    """Only the strongest of the batch, `active` a row on average; remembers the weakest of them."""
    wanted = active * len(acts_NK)
    flat = acts_NK.detach().flatten()
    weakest = flat.kthvalue(flat.numel() - wanted + 1).values if wanted < flat.numel() else flat.min()
    moved = weakest if threshold == 0 else 0.99 * threshold + 0.01 * weakest
    threshold.copy_(moved)
    return acts_NK * (acts_NK >= weakest)


def _share_left(x_ND: torch.Tensor, x_hat_ND: torch.Tensor) -> torch.Tensor:
    variance = (x_ND - x_ND.mean(dim=0)).square().sum().clamp_min(1e-8)
    return (x_ND - x_hat_ND).square().sum() / variance
