"""What is done with a shard: its passages are embedded, or their features found. Who leads a build and who
helps it do the same, of the same batches.

Shape suffixes: N passages, D embedding width.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexer.build.passage_rows import passage_embeddings, passage_texts
from search.db.models import GenerationRow
from search.dictionary.autoencoder import ENCODE_ROWS, Dictionary
from search.embedding.embedder import Embedder, embedder_of, splitter_of, use_threads
from search.embedding.endpoint import is_endpoint
from search.embedding.splitter import PassageSplitter, embedded_text
from search.errors import InvalidRequest
from search.index.passage_store import read_dictionary
from search.index.snapshot import space_of

TRIAL_TEXTS = [
    " ".join(f"{number} whales sing, and {number * verse} stars shine." for verse in range(length))
    for number, length in enumerate((16, 14, 12, 10, 8, 6, 4, 2, 1), start=3)
]
TRIAL_ROWS = 256
"""What a worker is tried with before it helps: texts, and rows drawn at random."""

Told = Callable[[int], None]
"""Hears how many passages of the shard at hand were just done; it may raise to stop."""

Values = list[tuple[Any, ...]]
"""Rows to store: the passage, then a value for each column."""


class Work(Protocol):
    """One step's way to do a shard. Of two processes whose `sign` is the same what they `make` has the same
    bits."""

    step: ClassVar[str]
    size: ClassVar[int]
    columns: ClassVar[tuple[str, ...]]

    def make(self, passages: Sequence[int], told: Told) -> Values: ...

    def sign(self) -> str: ...

    def use_threads(self, threads: int) -> None: ...


class Embedding:
    """Embeds passages. `whole`: a batch for which there is not enough memory is not made smaller."""

    step: ClassVar[str] = "embedding passages"
    size: ClassVar[int] = 256
    columns: ClassVar[tuple[str, ...]] = ("embedding",)

    def __init__(
        self, database: Engine, generation: int, embedder: Embedder, splitter: PassageSplitter, *, whole: bool
    ) -> None:
        self._database = database
        self._generation = generation
        self._embedder = embedder
        self._splitter = splitter
        self._whole = whole

    def make(self, passages: Sequence[int], told: Told) -> Values:
        """While texts are embedded no transaction is open."""
        with Session(self._database) as session:
            rows = passage_texts(session, self._generation, passages)
        texts = [embedded_text(self._splitter.clip_title(title), body) for _, title, body in rows]
        x_ND = self._embedder.encode(texts, on_batch=told, whole=self._whole)
        return [(row[0], x_D.tobytes()) for row, x_D in zip(rows, x_ND, strict=True)]

    def sign(self) -> str:
        """The space, and what some texts become in it here; an endpoint's numbers are nowhere the same
        twice."""
        space = self._embedder.space
        trial = b"" if is_endpoint(space.model) else self._embedder.encode(TRIAL_TEXTS).tobytes()
        return _digest(repr(space).encode(), trial)

    def use_threads(self, threads: int) -> None:
        self._embedder.use_threads(threads)


class FindingFeatures:
    """Finds the active features of passages."""

    step: ClassVar[str] = "finding features"
    size: ClassVar[int] = 8 * ENCODE_ROWS
    columns: ClassVar[tuple[str, ...]] = ("feature_ids", "activations")

    def __init__(self, database: Engine, generation: int, dictionary: Dictionary, device: str) -> None:
        self._database = database
        self._generation = generation
        self._dictionary = dictionary
        self._device = device

    def make(self, passages: Sequence[int], told: Told) -> Values:
        with Session(self._database) as session:
            x_ND = passage_embeddings(session, self._generation, passages)
        acts = self._dictionary.encode(x_ND, device=self._device)
        told(len(passages))
        found = zip(passages, acts.ids_NK, acts.values_NK, strict=True)
        return [(passage, ids.tobytes(), values.tobytes()) for passage, ids, values in found]

    def sign(self) -> str:
        """What some rows become here."""
        rows_ND = np.random.default_rng(0).normal(size=(TRIAL_ROWS, self._dictionary.width))
        acts = self._dictionary.encode(
            rows_ND / np.linalg.norm(rows_ND, axis=1, keepdims=True), device=self._device
        )
        return _digest(acts.ids_NK.tobytes(), acts.values_NK.tobytes())

    def use_threads(self, threads: int) -> None:
        use_threads(threads)


def work_of_helper(database: Engine, generation: int, step: str) -> Work:
    """What a process does that helps with a step of another one's build.

    Raises:
        ConfigurationError: the model cannot be loaded here.
        InvalidRequest: this machine has not the device that the build began on, or there is no such step.
    """
    with Session(database) as session:
        row = session.get_one(GenerationRow, generation)
        recipe = row.recipe
        if step == FindingFeatures.step:
            dictionary = read_dictionary(session, row.dictionary_id)
            return FindingFeatures(database, generation, dictionary, recipe.device)
    if step != Embedding.step:
        raise InvalidRequest(
            f"This version knows no step {step!r}.", hint="Let all workers be of one version."
        )
    embedder = embedder_of(space_of(recipe))
    if _kind(embedder.device) != _kind(recipe.device):
        raise InvalidRequest(
            f"The build began on {recipe.device}, this worker has {embedder.device}.",
            hint="Let workers that build together have the same devices.",
        )
    splitter = splitter_of(embedder, recipe.passage_tokens)
    return Embedding(database, generation, embedder, splitter, whole=True)


def _kind(device: str) -> str:
    return device.partition(":")[0]


def _digest(*parts: bytes) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    return found.hexdigest()[:16]
