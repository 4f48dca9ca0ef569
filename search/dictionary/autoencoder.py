"""Turns embeddings into features, and back, by a dictionary: names and their directions.

Shape suffixes: N rows, D embedding width, F features, K active features a row.

    S(x), z = TopK(ReLU(W_enc (x - b) + b_enc))     x_hat = b + sum_f a_f(x) w_f

Names have no encoder of their own: with W_enc = W_dec, whose rows w_f have length 1, an activation a = z is
how far a text points the name's way. Dictionaries that an earlier version learned are sparse autoencoders;
they are read as they were. Their encoder chooses the features, and least squares their activations, held near
the encoder's:

    a(x) = max(0, argmin_a |x - b - sum_{f in S} a_f w_f|^2 + HELD |a - z|^2)

(Gao et al. 2024, "Scaling and evaluating sparse autoencoders", eq. 3, and section 5.1 for refining the
activations of chosen features.)
"""

import functools
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors
from scipy.sparse import csr_matrix

from search.db.card import Card, StoredCard
from search.dictionary.lexicon import Group
from search.errors import DictionaryError

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int32]

WEIGHTS_FILE = "dictionary.safetensors"
CARD_FILE = "dictionary.json"
ENCODE_ROWS = 1024  # the scores of all features for each of these are in memory at once
REFIT_ROWS = 512  # K decoder rows for each of these are in memory at once
NAMED = "named"
"""Says, as the `way` on its card, that a dictionary's features are names."""

HELD = 0.1
"""An activation is held so much where the encoder puts it: then features that say almost the same share what
they explain instead of cancelling out."""


@dataclass(frozen=True)
class Activations:
    """Holds the active features of N texts, strongest first.

    `ids_NK` and `values_NK`; a value of 0 marks an empty place (a text with fewer than K active features).
    """

    ids_NK: IntArray
    values_NK: FloatArray

    @classmethod
    def from_bytes(cls, ids: Sequence[bytes], values: Sequence[bytes], active: int) -> Self:
        """Reads rows as they are stored, of so many places each."""
        shape = (len(ids), active)
        return cls(
            np.frombuffer(b"".join(ids), dtype=np.int32).reshape(shape),
            np.frombuffer(b"".join(values), dtype=np.float32).reshape(shape),
        )

    def matrix(self, features: int) -> csr_matrix:
        """Gives the same as a sparse (N, features) matrix without the empty places."""
        rows, _ = self.values_NK.shape
        active_NK = self.values_NK > 0
        starts = np.concatenate([[0], np.cumsum(active_NK.sum(axis=1))])
        return csr_matrix((self.values_NK[active_NK], self.ids_NK[active_NK], starts), shape=(rows, features))

    def row(self, index: int) -> dict[int, float]:
        """Gives the active features of one text, as {feature: activation}, strongest first."""
        pairs = zip(self.ids_NK[index].tolist(), self.values_NK[index].tolist(), strict=True)
        return {feature: value for feature, value in pairs if value > 0}


@dataclass(frozen=True)
class FeatureNames:
    """Says how many features a dictionary has, and what their `names` are (see `Dictionary`), without any
    vectors."""

    features: int
    names: tuple[Group, ...]

    @classmethod
    def from_bytes(cls, weights: bytes, card: StoredCard) -> Self:
        """Reads them from what `Dictionary.to_bytes` and `stored_card` gave.

        Raises:
            DictionaryError: the weights are cut, changed or not a dictionary's.
        """
        return cls(card.features, _names(_tensors(weights, card)))


@dataclass(frozen=True, eq=False)
class Dictionary:
    """Holds the weights of one dictionary, float32, with its card.

    `names`: for each feature what people call it, the name that is shown first; none where an earlier version
    learned the features. Named features have their decoder rows as the encoder's.
    """

    w_enc_FD: FloatArray
    b_enc_F: FloatArray
    w_dec_FD: FloatArray
    b_D: FloatArray
    card: Card
    names: tuple[Group, ...] = ()

    def __post_init__(self) -> None:
        features, width = self.w_enc_FD.shape
        shapes = (self.b_enc_F.shape, self.w_dec_FD.shape, self.b_D.shape)
        if shapes != ((features,), (features, width), (width,)):
            raise DictionaryError(f"The dictionary's arrays do not fit each other: {shapes}.")
        if self.names and len(self.names) != features:
            raise DictionaryError(f"The dictionary has {features} features and {len(self.names)} names.")
        if not 1 <= self.card.active <= features:
            raise DictionaryError(f"active={self.card.active} is not between 1 and {features} features.")
        if not all(np.isfinite(w).all() for w in (self.w_enc_FD, self.b_enc_F, self.w_dec_FD, self.b_D)):
            raise DictionaryError("The dictionary holds numbers that are not finite.", hint="Make it anew.")

    @classmethod
    def tied(
        cls, w_FD: FloatArray, card: Card, *, b_D: FloatArray | None = None, names: tuple[Group, ...] = ()
    ) -> Self:
        """A dictionary whose encoder is its decoder, as that of names is; `b_D` is 0 if not given."""
        b_F = np.zeros(len(w_FD), np.float32)
        b_D = np.zeros(w_FD.shape[1], np.float32) if b_D is None else b_D
        return cls(w_enc_FD=w_FD, b_enc_F=b_F, w_dec_FD=w_FD, b_D=b_D, card=card, names=names)

    @property
    def features(self) -> int:
        return int(self.w_enc_FD.shape[0])

    @functools.cached_property
    def _offsets(self) -> FloatArray:
        """Holds b_enc - W_enc b: what W_enc (x - b) + b_enc adds to W_enc x."""
        return self.b_enc_F - self.w_enc_FD @ self.b_D

    @property
    def width(self) -> int:
        return int(self.w_enc_FD.shape[1])

    def encode(self, x_ND: NDArray[Any], *, device: str = "cpu", rows: int = ENCODE_ROWS) -> Activations:
        """Finds the active features of unit vectors (N, D) of any float type, so many rows at a time.

        Raises:
            DictionaryError: the vectors are not as wide as the dictionary.
        """
        if x_ND.ndim != 2 or x_ND.shape[1] != self.width:
            raise DictionaryError(
                f"Vectors of shape {x_ND.shape} do not fit a dictionary of width {self.width}."
            )
        w_DF = torch.from_numpy(self.w_enc_FD).to(device).T
        bias_F = torch.from_numpy(self._offsets).to(device)
        ids, values = [], []
        decoder_FD, bias_D = (torch.from_numpy(w).to(device) for w in (self.w_dec_FD, self.b_D))
        for chunk_ND in _chunks(x_ND, rows):
            # A copy, because torch warns of arrays that cannot be written to.
            rows_ND = torch.from_numpy(np.array(chunk_ND, dtype=np.float32)).to(device)
            top = torch.addmm(bias_F, rows_ND, w_DF).topk(self.card.active, dim=1)
            strong = (top.values * (top.values >= self.card.threshold)).clamp_min(0)
            if not self.names:  # how near a text is to a name has nothing to do with its other names
                strong = refit(rows_ND - bias_D, top.indices, strong, decoder_FD)
            acts = strong.sort(descending=True, stable=True)
            ids.append(top.indices.gather(1, acts.indices).to("cpu", torch.int32).numpy())
            values.append(acts.values.cpu().numpy())
        if not ids:
            empty = (0, self.card.active)
            return Activations(np.zeros(empty, np.int32), np.zeros(empty, np.float32))
        return Activations(np.concatenate(ids), np.concatenate(values))

    def preactivations(self, x_ND: NDArray[Any], features: IntArray | list[int]) -> FloatArray:
        """Computes W_enc (x - b) + b_enc for some features only: (N, len(features)), before ReLU and TopK."""
        chosen = np.asarray(features, dtype=np.int64)
        centred_ND = x_ND.astype(np.float32) - self.b_D
        return np.asarray(centred_ND @ self.w_enc_FD[chosen].T + self.b_enc_F[chosen], dtype=np.float32)

    def decode(self, acts: Activations) -> FloatArray:
        """Gives the reconstructions x_hat (N, D)."""
        return np.asarray(acts.matrix(self.features) @ self.w_dec_FD + self.b_D, dtype=np.float32)

    def refitted(self, x_ND: NDArray[Any], acts: Activations) -> Activations:
        """Fits the activations of the same active features again, so that together they give the rows (N, D)
        back best."""
        rows_ND, decoder_FD = (torch.from_numpy(np.array(w, dtype=np.float32)) for w in (x_ND, self.w_dec_FD))
        ids_NK = torch.from_numpy(acts.ids_NK.astype(np.int64))
        values_NK = torch.from_numpy(acts.values_NK)
        fitted_NK = refit(rows_ND - torch.from_numpy(self.b_D), ids_NK, values_NK, decoder_FD)
        return Activations(acts.ids_NK, fitted_NK.numpy())

    def to_bytes(self) -> bytes:
        """Writes the weights as one safetensors blob; the card travels beside it. Rows of names are
        `rounded`."""
        tensors = {"b_enc": self.b_enc_F.astype(np.float32), "b": self.b_D.astype(np.float32)}
        if self.names:
            lines = "\n".join("\t".join(group) for group in self.names)
            return save_tensors(
                {"names": np.frombuffer(lines.encode(), np.uint8), "steps": _steps(self.w_dec_FD), **tensors}
            )
        rows = {"w_enc": self.w_enc_FD, "w_dec": self.w_dec_FD}
        return save_tensors(tensors | {name: row_FD.astype(np.float32) for name, row_FD in rows.items()})

    def stored_card(self) -> StoredCard:
        """The card with the size and the hash of the weights."""
        return StoredCard(
            model=self.card.model,
            active=self.card.active,
            training=self.card.training,
            scorecard=self.card.scorecard,
            threshold=self.card.threshold,
            features=self.features,
            width=self.width,
            sha256=hashlib.sha256(self.to_bytes()).hexdigest(),
        )

    @classmethod
    def from_bytes(cls, weights: bytes, card: StoredCard) -> Self:
        """Reads back what `to_bytes` and `stored_card` gave.

        Raises:
            DictionaryError: the weights are cut, changed or not a dictionary's.
        """
        tensors = _tensors(weights, card)
        if not card.model:
            raise DictionaryError("This is not a dictionary: its card names no model.")
        kept = Card(**{name: getattr(card, name) for name in Card.model_fields})
        try:
            # A copy of each, because the tensors read from bytes cannot be written to, which torch warns of.
            b_enc_F, b_D = (tensors[name].astype(np.float32) for name in ("b_enc", "b"))
            if names := _names(tensors):
                w_FD = _unit_rows(tensors["steps"].astype(np.float32))
                return cls.tied(w_FD, kept, b_D=b_D, names=names)
            w_enc_FD, w_dec_FD = (tensors[name].astype(np.float32) for name in ("w_enc", "w_dec"))
        except KeyError as error:
            raise DictionaryError(f"This is not a dictionary: {error}.") from None
        return cls(w_enc_FD=w_enc_FD, b_enc_F=b_enc_F, w_dec_FD=w_dec_FD, b_D=b_D, card=kept)

    def save(self, folder: Path) -> None:
        """Writes `dictionary.safetensors` and `dictionary.json` into a folder (made when missing)."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / WEIGHTS_FILE).write_bytes(self.to_bytes())
        card = json.dumps(self.stored_card().model_dump(mode="json"), indent=2)
        (folder / CARD_FILE).write_text(card + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads a folder that `save` wrote.

        Raises:
            DictionaryError: a file is missing or damaged.
        """
        try:
            weights = (folder / WEIGHTS_FILE).read_bytes()
            card = StoredCard.model_validate_json((folder / CARD_FILE).read_bytes())
        except (OSError, ValueError) as error:
            raise DictionaryError(f"No dictionary can be read from {folder}: {error}.") from None
        return cls.from_bytes(weights, card)


def _tensors(weights: bytes, card: StoredCard) -> dict[str, NDArray[Any]]:
    if hashlib.sha256(weights).hexdigest() != card.sha256:
        raise DictionaryError("The dictionary's weights do not match the hash on its card.")
    try:
        return load_tensors(weights)
    except SafetensorError as error:
        raise DictionaryError(f"This is not a dictionary: {error}.") from None


def _names(tensors: dict[str, NDArray[Any]]) -> tuple[Group, ...]:
    if "names" not in tensors:
        return ()
    lines = tensors["names"].tobytes().decode().split("\n")
    return tuple(tuple(line.split("\t")) for line in lines)


def rounded(w_FD: FloatArray) -> FloatArray:
    """Rounds unit rows so that their numbers are whole steps of a 127th of the row's largest: a byte each to
    keep, at a cosine of .9999 to what they were. Rounding twice is rounding once."""
    return _unit_rows(_steps(w_FD).astype(np.float32))


def _steps(w_FD: FloatArray) -> NDArray[np.int8]:
    largest_F1 = np.maximum(np.abs(w_FD).max(axis=1, keepdims=True, initial=0.0), 1e-12)
    steps_FD: NDArray[np.int8] = np.rint(w_FD / largest_F1 * 127).astype(np.int8)
    return steps_FD


def _unit_rows(w_FD: FloatArray) -> FloatArray:
    lengths_F1 = np.linalg.norm(w_FD, axis=1, keepdims=True)
    return np.asarray(w_FD / np.maximum(lengths_F1, 1e-12), dtype=np.float32)


def refit(
    centred_ND: torch.Tensor,
    ids_NK: torch.Tensor,
    acts_NK: torch.Tensor,
    w_dec_FD: torch.Tensor,
    *,
    rows: int = REFIT_ROWS,
) -> torch.Tensor:
    """Fits the activations (N, K) of the same features so that they reconstruct x - b best, held near those
    given; works for so many rows at a time.

    With W the active decoder rows and e the error so far, a + (W W' + HELD I)^-1 W e; 0 where that is
    negative and where nothing is active. (Ridge regression.)
    """
    parts = [slice(start, start + rows) for start in range(0, len(ids_NK), rows)]
    return torch.cat([_refit(centred_ND[part], ids_NK[part], acts_NK[part], w_dec_FD) for part in parts])


def _refit(
    x_ND: torch.Tensor, ids_NK: torch.Tensor, acts_NK: torch.Tensor, w_dec_FD: torch.Tensor
) -> torch.Tensor:
    active_NK = acts_NK > 0
    w_NKD = w_dec_FD[ids_NK] * active_NK[:, :, None]
    error_ND1 = (x_ND - (acts_NK[:, None] @ w_NKD)[:, 0])[:, :, None]
    held_KK = HELD * torch.eye(ids_NK.shape[1], device=x_ND.device)
    change_NK1: torch.Tensor = torch.linalg.solve(w_NKD @ w_NKD.mT + held_KK, w_NKD @ error_ND1)
    return (acts_NK + change_NK1[:, :, 0]).clamp_min(0) * active_NK


def _chunks(x_ND: NDArray[Any], size: int) -> Iterator[NDArray[Any]]:
    for start in range(0, len(x_ND), size):
        yield x_ND[start : start + size]
