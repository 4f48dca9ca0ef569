"""Dictionaries: the fast arithmetic against the definition, and files that come back whole or not at all."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from search.db.card import Card, StoredCard, Training
from search.dictionary.autoencoder import CARD_FILE, HELD, WEIGHTS_FILE, Activations, Dictionary, refit
from search.errors import DictionaryError
from search.responses.collections import Scorecard

N, D, F, K = 40, 12, 30, 4


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def dictionary(rng: np.random.Generator) -> Dictionary:
    rows_FD = rng.normal(size=(F, D))
    rows_FD /= np.linalg.norm(rows_FD, axis=1, keepdims=True)
    arrays = (rng.normal(size=(F, D)), rng.normal(size=F) - 1, rows_FD, rng.normal(size=D) * 0.1)
    w_enc_FD, b_enc_F, w_dec_FD, b_D = (array.astype(np.float32) for array in arrays)
    training, scorecard = Training.model_validate({"seed": 0}), Scorecard(fvu=0.25)
    card = Card(model="a-model", active=K, training=training, scorecard=scorecard)
    return Dictionary(w_enc_FD=w_enc_FD, b_enc_F=b_enc_F, w_dec_FD=w_dec_FD, b_D=b_D, card=card)


@pytest.fixture
def vectors(rng: np.random.Generator) -> NDArray[np.float16]:
    x_ND = rng.normal(size=(N, D))
    return np.asarray(x_ND / np.linalg.norm(x_ND, axis=1, keepdims=True), dtype=np.float16)


def by_definition(dictionary: Dictionary, x_ND: NDArray[Any]) -> NDArray[np.float64]:
    """As written, one text at a time, dense: TopK(ReLU(W_enc (x - b) + b_enc)) chooses the features, and
    least squares, held near these values, says how active they are."""
    acts_NF = np.zeros((len(x_ND), dictionary.features))
    w_dec_FD = dictionary.w_dec_FD.astype(np.float64)
    for row, x_D in enumerate(x_ND.astype(np.float64)):
        pre_F = dictionary.w_enc_FD.astype(np.float64) @ (x_D - dictionary.b_D) + dictionary.b_enc_F
        chosen = np.argsort(-pre_F)[: dictionary.card.active]
        chosen = chosen[pre_F[chosen] > 0]
        held = np.sqrt(HELD) * np.eye(len(chosen))
        system = np.concatenate([w_dec_FD[chosen].T, held])
        target = np.concatenate([x_D - dictionary.b_D, held @ pre_F[chosen]])
        acts_NF[row, chosen] = np.maximum(np.linalg.lstsq(system, target, rcond=None)[0], 0)
    return acts_NF


def test_activations_reconstruct_better_than_the_encoder_says(
    dictionary: Dictionary, vectors: NDArray[np.float16]
) -> None:
    """And nothing is left of a text that is made of features it fires."""
    x_ND = torch.from_numpy(vectors.astype(np.float32) - dictionary.b_D)
    top = (x_ND @ torch.from_numpy(dictionary.w_enc_FD).T + torch.from_numpy(dictionary.b_enc_F)).topk(K)
    encoded = Activations(top.indices.numpy().astype(np.int32), top.values.clamp_min(0).numpy())
    before, after = (
        np.square(vectors - dictionary.decode(acts)).sum(axis=1)
        for acts in (encoded, dictionary.encode(vectors))
    )
    assert (after < before).mean() > 0.9
    made_ND = dictionary.decode(dictionary.encode(vectors))
    acts_NK = torch.from_numpy(dictionary.encode(vectors).values_NK)
    ids_NK = torch.from_numpy(dictionary.encode(vectors).ids_NK.astype(np.int64))
    again_NK = refit(
        torch.from_numpy(made_ND - dictionary.b_D), ids_NK, acts_NK, torch.from_numpy(dictionary.w_dec_FD)
    )
    np.testing.assert_allclose(again_NK, acts_NK, atol=1e-5)


def test_encode_is_the_definition(dictionary: Dictionary, vectors: NDArray[np.float16]) -> None:
    acts = dictionary.encode(vectors)
    assert acts.ids_NK.shape == acts.values_NK.shape == (N, K)
    np.testing.assert_allclose(acts.matrix(F).toarray(), by_definition(dictionary, vectors), atol=1e-5)


def test_activations_are_positive_and_strongest_first(
    dictionary: Dictionary, vectors: NDArray[np.float16]
) -> None:
    acts = dictionary.encode(vectors)
    assert (acts.values_NK >= 0).all()
    assert (np.diff(acts.values_NK, axis=1) <= 0).all()
    fewer = (acts.values_NK > 0).sum(axis=1) < K
    assert fewer.any(), "no text with fewer than K active features: the case is not tested"
    assert (acts.matrix(F).data > 0).all()
    row = int(np.flatnonzero(fewer)[0])
    found = acts.row(row)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert found == {f: v for f, v in enumerate(acts.matrix(F).toarray()[row]) if v > 0}


def test_rows_are_encoded_alike_alone_and_together(
    dictionary: Dictionary, vectors: NDArray[np.float16]
) -> None:
    together = dictionary.encode(vectors)
    chunked = dictionary.encode(vectors, rows=7)
    np.testing.assert_array_equal(chunked.ids_NK, together.ids_NK)
    np.testing.assert_allclose(chunked.values_NK, together.values_NK, atol=1e-6)
    np.testing.assert_allclose(dictionary.encode(vectors[:1]).values_NK, together.values_NK[:1], atol=1e-6)


def test_activations_are_refitted_alike_alone_and_together(
    dictionary: Dictionary, vectors: NDArray[np.float16]
) -> None:
    acts = dictionary.encode(vectors)
    x_ND, ids_NK, values_NK, w_FD = (
        torch.from_numpy(each)
        for each in (
            vectors.astype(np.float32) - dictionary.b_D,
            acts.ids_NK.astype(np.int64),
            acts.values_NK.copy(),
            dictionary.w_dec_FD,
        )
    )
    together = refit(x_ND, ids_NK, values_NK, w_FD)
    np.testing.assert_allclose(refit(x_ND, ids_NK, values_NK, w_FD, rows=3), together, atol=1e-6)


def test_decode_is_the_definition(dictionary: Dictionary, vectors: NDArray[np.float16]) -> None:
    acts = dictionary.encode(vectors)
    expected = dictionary.b_D + acts.matrix(F).toarray() @ dictionary.w_dec_FD
    np.testing.assert_allclose(dictionary.decode(acts), expected, atol=1e-6)


def test_preactivations_of_some_features(dictionary: Dictionary, vectors: NDArray[np.float16]) -> None:
    x = vectors.astype(np.float64)
    expected = (x - dictionary.b_D) @ dictionary.w_enc_FD[[3, 17]].T + dictionary.b_enc_F[[3, 17]]
    np.testing.assert_allclose(dictionary.preactivations(vectors, [3, 17]), expected, atol=1e-5)


def test_vectors_that_cannot_be_written_to_are_read(
    dictionary: Dictionary, vectors: NDArray[np.float16]
) -> None:
    x_ND = vectors.astype(np.float32)
    x_ND.setflags(write=False)
    assert dictionary.encode(x_ND).ids_NK.shape == (N, K)


def test_no_texts_have_no_activations(dictionary: Dictionary) -> None:
    acts = dictionary.encode(np.zeros((0, D), np.float16))
    assert acts.ids_NK.shape == (0, K)
    assert acts.matrix(F).shape == (0, F)


def test_vectors_of_another_width_are_refused(dictionary: Dictionary) -> None:
    with pytest.raises(DictionaryError, match="width 12"):
        dictionary.encode(np.zeros((2, D + 1), np.float16))


def test_saved_and_loaded_it_is_the_same(
    dictionary: Dictionary, vectors: NDArray[np.float16], tmp_path: Path
) -> None:
    dictionary.save(tmp_path / "new" / "folder")
    loaded = Dictionary.load(tmp_path / "new" / "folder")
    assert loaded.to_bytes() == dictionary.to_bytes()
    assert loaded.card == dictionary.card
    np.testing.assert_array_equal(loaded.encode(vectors).values_NK, dictionary.encode(vectors).values_NK)
    card = json.loads((tmp_path / "new" / "folder" / CARD_FILE).read_text())
    assert (card["features"], card["width"], card["active"]) == (F, D, K)


def test_one_changed_byte_is_noticed(dictionary: Dictionary, tmp_path: Path) -> None:
    dictionary.save(tmp_path)
    weights = bytearray((tmp_path / WEIGHTS_FILE).read_bytes())
    weights[-1] ^= 1
    (tmp_path / WEIGHTS_FILE).write_bytes(weights)
    with pytest.raises(DictionaryError, match="hash"):
        Dictionary.load(tmp_path)


@pytest.mark.parametrize("card", ["", "{", "[]", "[1]", "{}", "null"])
def test_a_damaged_card_is_one_clear_error(dictionary: Dictionary, tmp_path: Path, card: str) -> None:
    dictionary.save(tmp_path)
    (tmp_path / CARD_FILE).write_text(card)
    with pytest.raises(DictionaryError):
        Dictionary.load(tmp_path)


def test_a_card_without_a_model_is_one_clear_error(dictionary: Dictionary) -> None:
    card = StoredCard.model_validate(dictionary.stored_card().model_dump(exclude={"model"}))
    with pytest.raises(DictionaryError, match="model"):
        Dictionary.from_bytes(dictionary.to_bytes(), card)


def test_a_missing_folder_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DictionaryError, match="nowhere"):
        Dictionary.load(tmp_path / "nowhere")


def test_arrays_that_do_not_fit_or_are_not_finite_are_refused(dictionary: Dictionary) -> None:
    d = dictionary
    with pytest.raises(DictionaryError, match="do not fit"):
        Dictionary(d.w_enc_FD, d.b_enc_F[1:], d.w_dec_FD, d.b_D, d.card)
    with pytest.raises(DictionaryError, match="active=31"):
        Dictionary(d.w_enc_FD, d.b_enc_F, d.w_dec_FD, d.b_D, Card(model="a-model", active=F + 1))
    with pytest.raises(DictionaryError, match="not finite"):
        Dictionary(d.w_enc_FD, d.b_enc_F, d.w_dec_FD * np.float32(np.nan), d.b_D, d.card)


def test_a_row_leaves_out_empty_places() -> None:
    acts = Activations(np.array([[7, 2, 0]], np.int32), np.array([[0.5, 0.25, 0.0]], np.float32))
    assert acts.row(0) == {7: 0.5, 2: 0.25}
    assert acts.matrix(8).nnz == 2
