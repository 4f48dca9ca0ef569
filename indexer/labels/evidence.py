"""The evidence for a feature's label: passages that fire it, passages that nearly do, its neighbours.

Shape suffixes: N passages, D embedding width, F features looked at, M near misses of each.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from indexer.labels.material import ReadTexts
from search.dictionary import Dictionary
from search.features import across_deciles
from search.labels import Label

NEAR_MISSES = 5
NEIGHBOURS = 5
TEXTS_OF = 64  # features whose texts are read together
ROWS = 1024  # passages compared with all features at a time

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Example:
    """A passage that fires the feature; `decile` 10 is the strongest tenth of its activations, None where
    there are fewer than ten."""

    text: str
    activation: float
    decile: int | None


@dataclass(frozen=True)
class NearFeature:
    """A feature whose decoder direction is near: the cosine of the two."""

    feature: int
    label: str
    cosine: float


@dataclass(frozen=True)
class Evidence:
    """What is known of one feature. `density` is the share of the passages that fire it."""

    feature: int
    label: Label
    density: float
    passages: int
    examples: list[Example]
    near_misses: list[str]
    neighbours: list[NearFeature]

    def to_json(self) -> dict[str, Any]:
        """One line of an export. The label it has is under "current": a "label" is for who sends it back."""
        fields = asdict(self)
        label = fields.pop("label")
        current = {"label": label.pop("text"), **label}
        return {"feature": fields.pop("feature"), "current": current, **fields}


def gather_evidence(
    acts: csr_matrix,
    x_ND: NDArray[Any],
    dictionary: Dictionary,
    labels: Sequence[Label],
    read_texts: ReadTexts,
    *,
    features: Sequence[int] | None = None,
    on_step: Callable[[int, int], None] = lambda _done, _total: None,
) -> Iterator[Evidence]:
    """The evidence of some features (all without `features`), one by one, in that order.

    Only the texts that are shown are read, those of some features at a time. `acts` is (N, all features);
    `on_step(done, total)` hears of passages compared and then of features done.
    """
    wanted = np.arange(dictionary.features) if features is None else np.asarray(features, dtype=np.int64)
    by_feature = acts.tocsc()
    total = len(x_ND) + len(wanted)
    misses_FM = _near_misses(
        by_feature[:, wanted].tocsr(), x_ND, dictionary.w_dec_FD[wanted], lambda done: on_step(done, total)
    )
    pairs = zip(wanted.tolist(), misses_FM, strict=True)
    done = len(x_ND)
    while block := list(islice(pairs, TEXTS_OF)):
        picked = [_Picked.of(feature, by_feature, misses_M) for feature, misses_M in block]
        texts = read_texts({passage for one in picked for passage in one.passages})
        for one in picked:
            yield one.evidence(texts, labels, by_feature, dictionary)
        done += len(block)
        on_step(done, total)


@dataclass(frozen=True)
class _Picked:
    """The passages chosen for one feature: (passage, activation, decile) of those that fire it."""

    feature: int
    firing: list[tuple[int, float, int | None]]
    misses: list[int]

    @classmethod
    def of(cls, feature: int, by_feature: csc_matrix, misses_M: IntArray) -> "_Picked":
        at = slice(by_feature.indptr[feature], by_feature.indptr[feature + 1])
        rows, values = by_feature.indices[at], by_feature.data[at]
        firing = [(int(rows[p]), float(values[p]), decile) for p, decile in across_deciles(values, 1)]
        # Of a feature that never fires nothing is known, so nothing is a miss.
        return cls(feature, firing, [int(miss) for miss in misses_M if miss >= 0] if firing else [])

    @property
    def passages(self) -> list[int]:
        return [passage for passage, _, _ in self.firing] + self.misses

    def evidence(
        self, texts: dict[int, str], labels: Sequence[Label], by_feature: csc_matrix, dictionary: Dictionary
    ) -> Evidence:
        passages = int(by_feature.indptr[self.feature + 1] - by_feature.indptr[self.feature])
        return Evidence(
            self.feature,
            labels[self.feature],
            passages / max(by_feature.shape[0], 1),
            passages,
            [
                Example(texts[passage], round(value, 4), decile)
                for passage, value, decile in self.firing
                if passage in texts
            ],
            [texts[passage] for passage in self.misses if passage in texts],
            _neighbours(self.feature, labels, by_feature, dictionary),
        )


def _neighbours(
    feature: int, labels: Sequence[Label], by_feature: csc_matrix, dictionary: Dictionary
) -> list[NearFeature]:
    cosine_F = dictionary.w_dec_FD @ dictionary.w_dec_FD[feature]
    cosine_F[np.diff(by_feature.indptr) == 0] = -np.inf
    cosine_F[feature] = -np.inf
    nearest = np.argsort(-cosine_F, kind="stable")[:NEIGHBOURS].tolist()
    return [
        NearFeature(other, labels[other].shown, round(float(cosine_F[other]), 4))
        for other in nearest
        if np.isfinite(cosine_F[other])
    ]


def _near_misses(
    acts_NF: csr_matrix, x_ND: NDArray[Any], w_dec_FD: FloatArray, on_rows: Callable[[int], None]
) -> IntArray:
    """(F, M): the passages that point each feature's way most without firing it, the nearest first; -1 where
    there are no more. Passages come in chunks, so that memory does not grow with them."""
    near_FM = np.full((len(w_dec_FD), NEAR_MISSES), -np.inf, np.float32)
    misses_FM = np.full(near_FM.shape, -1, np.int64)
    for start in range(0, len(x_ND), ROWS):
        chunk_ND = x_ND[start : start + ROWS].astype(np.float32)
        near_FN = w_dec_FD @ chunk_ND.T
        firing = acts_NF[start : start + ROWS].tocoo()
        near_FN[firing.col, firing.row] = -np.inf
        fresh_F = np.broadcast_to(np.arange(start, start + len(chunk_ND)), near_FN.shape)
        near_FM, misses_FM = _best(
            np.concatenate([near_FM, near_FN], axis=1), np.concatenate([misses_FM, fresh_F], axis=1)
        )
        on_rows(min(start + ROWS, len(x_ND)))
    return misses_FM


def _best(near_FN: FloatArray, passages_FN: IntArray) -> tuple[FloatArray, IntArray]:
    nearest_FM = np.argpartition(-near_FN, NEAR_MISSES - 1, axis=1)[:, :NEAR_MISSES]
    near_FM = np.take_along_axis(near_FN, nearest_FM, axis=1)
    passages_FM = np.take_along_axis(passages_FN, nearest_FM, axis=1)
    order_FM = np.argsort(-near_FM, axis=1, kind="stable")
    near_FM = np.take_along_axis(near_FM, order_FM, axis=1)
    passages_FM = np.take_along_axis(passages_FM, order_FM, axis=1)
    return near_FM, np.where(np.isfinite(near_FM), passages_FM, -1)
