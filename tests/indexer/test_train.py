"""Training: every fast step against its slow definition, and dictionaries that are right on held-out rows."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from indexer.scorecard import fvu, scorecard
from indexer.shards import Shards
from indexer.train import MIN_ROWS, Recipe, recipe_for, train
from indexer.train.autoencoder import (
    Autoencoder,
    EncodeActive,
    auxiliary_loss,
    decode_active,
    decorrelation_loss,
    geometric_median,
    project_gradient,
    similarity_loss,
    start,
)
from indexer.train.run import batches
from search.dictionary import Activations, Card, Dictionary
from search.errors import DictionaryError

D = 32
SMALL = Recipe(features=48, active=4, steps=150, batch=128)


def sparse_rows(rows: int, *, atoms: int = 32, active: int = 3, seed: int = 0) -> NDArray[np.float16]:
    """Unit vectors that really are sums of a few of some atoms."""
    atoms_AD = np.random.default_rng(99).normal(size=(atoms, D))
    rng = np.random.default_rng(seed)
    weights_NA = rng.uniform(0.5, 1, size=(rows, atoms))
    places_NA = rng.permuted(np.tile(np.arange(atoms), (rows, 1)), axis=1)
    x_ND = np.where(places_NA < active, weights_NA, 0) @ atoms_AD
    return np.asarray(x_ND / np.linalg.norm(x_ND, axis=1, keepdims=True), dtype=np.float16)


@pytest.fixture(scope="module")
def trained() -> Dictionary:
    return train(sparse_rows(2000), SMALL, model="a-model")


def leaves(*shapes: tuple[int, ...]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]


def test_gathered_decoder_is_the_dense_one() -> None:
    acts_NK, w_dec_FD, weight_ND = leaves((7, 3), (20, D), (7, D))
    ids_NK = torch.stack(
        [torch.randperm(20, generator=torch.Generator().manual_seed(n))[:3] for n in range(7)]
    )
    fast_ND = decode_active(ids_NK, acts_NK, w_dec_FD)
    dense_ND = torch.zeros(7, 20).scatter(1, ids_NK, acts_NK) @ w_dec_FD
    torch.testing.assert_close(fast_ND, dense_ND)
    fast = torch.autograd.grad((fast_ND * weight_ND).sum(), (acts_NK, w_dec_FD))
    dense = torch.autograd.grad((dense_ND * weight_ND).sum(), (acts_NK, w_dec_FD))
    torch.testing.assert_close(fast, dense)


def test_sparse_gradient_of_the_encoder_is_the_dense_one() -> None:
    inputs = x_ND, w_enc_FD, b_enc_F, weight_NK = leaves((7, D), (20, D), (20,), (7, 3))
    values_NK, ids_NK = EncodeActive.apply(x_ND, w_enc_FD, b_enc_F, 3, False)  # type: ignore[no-untyped-call]
    top = (x_ND @ w_enc_FD.T + b_enc_F).topk(3, dim=1)
    torch.testing.assert_close(values_NK, top.values)
    assert torch.equal(ids_NK, top.indices)
    fast = torch.autograd.grad((values_NK * weight_NK).sum(), inputs[:3])
    dense = torch.autograd.grad((top.values * weight_NK).sum(), inputs[:3])
    torch.testing.assert_close(fast, dense)


def test_bfloat16_selects_nearly_the_same() -> None:
    x_ND, w_enc_FD, b_enc_F = leaves((50, D), (20, D), (20,))
    exact, _ = EncodeActive.apply(x_ND, w_enc_FD, b_enc_F, 3, False)  # type: ignore[no-untyped-call]
    fast, _ = EncodeActive.apply(x_ND, w_enc_FD, b_enc_F, 3, True)  # type: ignore[no-untyped-call]
    torch.testing.assert_close(fast, exact, atol=0.1, rtol=0.02)


def test_auxk_is_zero_when_dead_features_fit_the_error_exactly() -> None:
    generator = torch.Generator().manual_seed(2)
    w_dec_XD = torch.nn.functional.normalize(torch.randn(30, D, generator=generator), dim=1)
    pre_NX = torch.randn(16, 30, generator=generator)
    most = D // 2
    strongest = pre_NX.topk(most, dim=1)
    acts_NX = torch.zeros_like(pre_NX).scatter(1, strongest.indices, strongest.values.clamp_min(0))
    error_ND = acts_NX @ w_dec_XD
    assert float(auxiliary_loss(error_ND, pre_NX, w_dec_XD)) == pytest.approx(0, abs=1e-10)
    assert float(auxiliary_loss(error_ND + 0.1, pre_NX, w_dec_XD)) > 1e-3


def test_auxk_is_one_when_dead_features_explain_nothing() -> None:
    (error_ND,) = leaves((16, D))
    centred_ND = (error_ND - error_ND.mean(dim=0)).detach()
    loss = auxiliary_loss(centred_ND, torch.full((16, 5), -1.0), torch.randn(5, D))
    assert float(loss) == pytest.approx(1)


def test_auxk_moves_dead_features_only_towards_the_error() -> None:
    pre_NX, w_dec_XD = leaves((16, 5), (5, D))
    error_ND = torch.randn(16, D, generator=torch.Generator().manual_seed(3))
    auxiliary_loss(error_ND, pre_NX, w_dec_XD).backward()  # type: ignore[no-untyped-call]
    assert w_dec_XD.grad is not None
    with torch.no_grad():
        before = auxiliary_loss(error_ND, pre_NX, w_dec_XD)
        after = auxiliary_loss(error_ND, pre_NX, w_dec_XD - 0.1 * w_dec_XD.grad)
    assert after < before


def test_projected_gradient_leaves_lengths_alone() -> None:
    (w_dec_FD,) = leaves((20, D))
    (w_dec_FD**3).sum().backward()  # type: ignore[no-untyped-call]
    with torch.no_grad():
        w_dec_FD.copy_(torch.nn.functional.normalize(w_dec_FD, dim=1))
    project_gradient(w_dec_FD)
    assert w_dec_FD.grad is not None
    torch.testing.assert_close((w_dec_FD.grad * w_dec_FD).sum(dim=1), torch.zeros(20), atol=1e-4, rtol=0)
    assert w_dec_FD.grad.norm() > 1


def test_geometric_median_resists_outliers() -> None:
    points_ND = torch.tensor([[0.0, 0.0]] * 2 + [[1.0, 0.0]] * 2 + [[0.5, 0.1], [1000.0, 1000.0]])
    median_D = geometric_median(points_ND, rounds=200)
    assert float((median_D - torch.tensor([0.5, 0.1])).norm()) < 0.2
    nudges_MD = 0.05 * torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    distance = (points_ND - median_D).norm(dim=1).sum()
    assert all((points_ND - median_D - nudge).norm(dim=1).sum() >= distance for nudge in nudges_MD)


def test_sparse_data_is_found_again(trained: Dictionary) -> None:
    fresh_ND = sparse_rows(500, seed=1)
    assert trained.card.scorecard["fvu"] < 0.15
    assert fvu(fresh_ND, trained.decode(trained.encode(fresh_ND))) < 0.15
    assert trained.card.scorecard["dead"] < 0.05


def test_decoder_rows_have_length_one(trained: Dictionary) -> None:
    np.testing.assert_allclose(np.linalg.norm(trained.w_dec_FD, axis=1), 1, atol=1e-5)


def test_the_same_seed_gives_the_same_bits(trained: Dictionary) -> None:
    again = train(sparse_rows(2000), SMALL, model="a-model")
    assert again.to_bytes() == trained.to_bytes()
    assert again.card == trained.card
    other = train(sparse_rows(2000), Recipe(48, 4, 120, batch=128, seed=1), model="a-model")
    assert other.to_bytes() != trained.to_bytes()


def test_scorecard_is_measured_on_rows_that_were_not_trained_on(trained: Dictionary) -> None:
    scores = trained.card.scorecard
    assert scores["rows"] == 100
    assert trained.card.training["rows"] == 1900
    order = np.random.default_rng(SMALL.seed).permutation(2000)
    held_out_ND = sparse_rows(2000)[np.sort(order[:100])]
    assert scores["fvu"] == pytest.approx(fvu(held_out_ND, trained.decode(trained.encode(held_out_ND))))


def test_scorecard_counts_what_fires() -> None:
    eye_FD = np.eye(4, dtype=np.float32)
    dictionary = Dictionary(eye_FD, np.zeros(4, np.float32), eye_FD, np.zeros(4, np.float32), Card("m", 2))
    held_out_ND = np.array([[1, 0, 0, 0], [0.6, 0.8, 0, 0], [-1, 0, 0, 0], [0, 0, 0, -1]], np.float32)
    trained_ND = np.array([[0, 0, 1, 0]], np.float32)
    scores = scorecard(dictionary, held_out_ND, trained_ND)
    assert scores["l0"] == pytest.approx(3 / 4)
    assert scores["silent"] == 2 / 4
    assert scores["dead"] == 1 / 4
    assert scores["density"]["0.99"] == pytest.approx(0.5, abs=0.02)
    assert scores["density"]["0.01"] == 0


def test_fvu_of_perfect_and_of_useless_reconstructions() -> None:
    x_ND = sparse_rows(60)
    assert fvu(x_ND, x_ND.astype(np.float32)) == 0
    assert fvu(x_ND, np.broadcast_to(x_ND.astype(np.float64).mean(axis=0), x_ND.shape)) == pytest.approx(1)


def test_every_step_is_reported() -> None:
    heard: list[tuple[int, int]] = []
    train(
        sparse_rows(60), Recipe(8, 2, 5), model="m", on_step=lambda done, total: heard.append((done, total))
    )
    assert heard == [(step, 5) for step in range(1, 6)]


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(DictionaryError, match=f"49 passages.*{MIN_ROWS}"):
        train(sparse_rows(49), SMALL, model="m")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rows_that_are_not_finite_are_refused(value: float) -> None:
    x_ND = sparse_rows(60)
    x_ND[17, 3] = value
    with pytest.raises(DictionaryError, match="not finite"):
        train(x_ND, SMALL, model="m")


def test_identical_rows_give_a_finite_dictionary() -> None:
    x_ND = np.repeat(sparse_rows(1), 80, axis=0)
    dictionary = train(x_ND, SMALL, model="m")
    np.testing.assert_allclose(dictionary.decode(dictionary.encode(x_ND)), x_ND, atol=0.02)
    assert dictionary.card.scorecard["fvu"] == 0


def test_more_features_than_rows_still_works() -> None:
    dictionary = train(sparse_rows(50), Recipe(features=200, active=8, steps=30), model="m")
    assert dictionary.card.scorecard["fvu"] < 1


def test_auxk_revives_features_that_never_win(monkeypatch: pytest.MonkeyPatch) -> None:
    def start_half_asleep(*arguments: Any) -> Autoencoder:
        model = start(*arguments)
        with torch.no_grad():
            model.w_enc_FD[::2] *= 1e-3
        return model

    monkeypatch.setattr("indexer.train.run.start", start_half_asleep)
    revived = train(sparse_rows(2000), SMALL, model="m")
    monkeypatch.setattr("indexer.train.autoencoder.AUX_WEIGHT", 0.0)
    asleep = train(sparse_rows(2000), SMALL, model="m")
    assert asleep.card.scorecard["dead"] > 0.4
    assert revived.card.scorecard["dead"] < 0.1


@pytest.mark.parametrize("rows", [50, 100, 1000, 3000, 6000, 48_000, 100_000, 10_000_000])
def test_the_usual_recipe_fits_any_collection(rows: int) -> None:
    recipe, larger = recipe_for(rows), recipe_for(2 * rows)
    assert 4 * recipe.active <= recipe.features <= 4096
    assert recipe.features <= larger.features
    assert recipe.steps <= larger.steps


def test_rows_on_disk_give_the_same_dictionary_as_in_memory(tmp_path: Path) -> None:
    x_ND = sparse_rows(600)
    recipe = replace(SMALL, steps=20)
    for at in range(0, 600, 250):
        np.save(tmp_path / f"{at // 250:05}.npy", x_ND[at : at + 250])
    (tmp_path / "shards.json").write_text('{"width": 32}')
    on_disk = train(Shards.open(tmp_path), recipe, model="m")
    np.testing.assert_array_equal(on_disk.w_enc_FD, train(x_ND, recipe, model="m").w_enc_FD)


def test_every_row_comes_once_an_epoch_in_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.train.run.POOL_ROWS", 64)
    monkeypatch.setattr("indexer.train.run.RUN_ROWS", 16)
    x_ND = np.arange(200, dtype=np.float16)[:, None]
    drawn = batches(x_ND, np.arange(200), replace(SMALL, batch=10))
    first, second = ([int(row) for _ in range(20) for row in next(drawn)[:, 0]] for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(200))
    assert first != second


def test_a_killed_run_is_taken_up_again_and_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.train.run.CHECKPOINT_S", 0.0)
    x_ND, recipe, path = sparse_rows(600), replace(SMALL, steps=40), tmp_path / "checkpoint.pt"

    def kill(step: int, _total: int) -> None:
        if step == 25:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(x_ND, recipe, model="m", on_step=kill, checkpoint=path)
    steps: list[int] = []
    resumed = train(x_ND, recipe, model="m", on_step=lambda step, _: steps.append(step), checkpoint=path)
    assert steps[0] == 26
    np.testing.assert_array_equal(resumed.w_enc_FD, train(x_ND, recipe, model="m").w_enc_FD)
    assert not path.exists()


def test_a_checkpoint_of_another_recipe_or_a_cut_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.train.run.CHECKPOINT_S", 0.0)
    path = tmp_path / "checkpoint.pt"

    def kill(_step: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(sparse_rows(600), SMALL, model="m", on_step=kill, checkpoint=path)
    with pytest.raises(DictionaryError, match="another recipe"):
        train(sparse_rows(600), replace(SMALL, active=5), model="m", checkpoint=path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DictionaryError, match="cannot be read"):
        train(sparse_rows(600), SMALL, model="m", checkpoint=path)


def test_a_run_that_learns_nothing_more_stops_early() -> None:
    recipe = replace(SMALL, steps=4000, features=24, active=3)
    steps: list[int] = []
    dictionary = train(sparse_rows(300), recipe, model="m", on_step=lambda _, total: steps.append(total))
    assert len(steps) == steps[-1] < 4000
    assert dictionary.card.training["steps_taken"] == len(steps)


@pytest.mark.parametrize(
    "changes",
    [
        {"pooled": True},
        {"tied": True},
        {"prefixes": (12, 24)},
        {"similarity": 0.3},
        {"decorrelation": 0.1},
        {"pooled": True, "tied": True, "prefixes": (12,)},
    ],
)
def test_every_kind_learns(changes: dict[str, Any]) -> None:
    dictionary = train(sparse_rows(2000), replace(SMALL, **changes), model="m")
    assert dictionary.card.scorecard["fvu"] < 0.6
    np.testing.assert_allclose(np.linalg.norm(dictionary.w_dec_FD, axis=1), 1, atol=1e-5)


def test_a_tied_encoder_points_along_its_decoder() -> None:
    dictionary = train(sparse_rows(2000), replace(SMALL, tied=True), model="m")
    cosine_F = (dictionary.w_enc_FD * dictionary.w_dec_FD).sum(axis=1)
    np.testing.assert_allclose(np.abs(cosine_F), np.linalg.norm(dictionary.w_enc_FD, axis=1), rtol=1e-4)


def test_a_pooled_dictionary_has_so_many_active_on_the_average() -> None:
    dictionary = train(sparse_rows(3000), replace(SMALL, pooled=True, steps=300), model="m")
    assert dictionary.card.active == 2 * SMALL.active
    assert dictionary.card.scorecard["l0"] == pytest.approx(SMALL.active, rel=0.25)


def test_similarity_and_decorrelation_are_zero_when_nothing_is_wrong() -> None:
    x_ND, w_FD = leaves((20, D), (40, D))
    assert similarity_loss(x_ND, x_ND).item() == 0
    assert similarity_loss(x_ND, torch.zeros_like(x_ND)).item() > 0.5
    assert decorrelation_loss(torch.eye(D)).item() == 0
    assert decorrelation_loss(torch.nn.functional.normalize(w_FD[:1], dim=1).repeat(4, 1)).item() > 0


def test_matryoshka_prefixes_reconstruct_better_alone() -> None:
    def alone(dictionary: Dictionary) -> float:
        x_ND = sparse_rows(500, seed=5)
        acts = dictionary.encode(x_ND)
        first = Activations(acts.ids_NK, np.where(acts.ids_NK < 12, acts.values_NK, 0))
        return fvu(x_ND, dictionary.decode(first))

    plain = train(sparse_rows(2000), SMALL, model="m")
    nested = train(sparse_rows(2000), replace(SMALL, prefixes=(12,)), model="m")
    assert alone(nested) < alone(plain) - 0.05
