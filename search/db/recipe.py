"""What the build of a generation is asked to do, and what it found."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from search.responses.stored import StoredJson

Engine = Literal["faiss", "milvus"]
"""Says what holds the vectors: FAISS in a file, or a Milvus server."""

IndexKind = Literal["flat", "rabitq"]
"""Says how an index is searched: flat scans all vectors, rabitq a bit of each of their numbers, and
then the best whole."""


class Recipe(BaseModel):
    """Says what a build is asked to do: model, its precision, prompts and width, length of passages, kind of
    index, and the engine that searches it. (`index` is FAISS's: Milvus scans.)

    `dimensions`: how many numbers of each vector are kept, 0: all. `width`: how many an endpoint's have; 0
    where the model's own files say. `device` is where the build began. Rows of earlier versions are read as
    well: what the first one did not write has its values here, and what is not asked any more (`dictionary`,
    how to learn one) stays, so that no such recipe equals one of today.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    model: str
    precision: str
    max_tokens: int
    passage_tokens: int = 192
    index: IndexKind = "flat"
    engine: Engine = "faiss"
    device: str = ""
    question_prompt: str = ""
    passage_prompt: str = ""
    dimensions: int = 0
    width: int = 0

    def same(self, other: "Recipe") -> bool:
        """Whether both ask for the same build, which may be taken up on another device."""
        return self == other.model_copy(update={"device": self.device})


class Checks(StoredJson):
    """Says what a generation found when it checked itself: how many `passages` it has, how many of their
    `vectors` it compared, and the share of the nearest passages that its index finds. Before that it is
    empty."""

    passages: int | None = None
    vectors: int | None = None
    recall: float | None = None
