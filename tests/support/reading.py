"""One answer with a reader of its own."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from search.engine.engine import SearchEngine
from search.engine.reader import Reader

P = ParamSpec("P")
T = TypeVar("T")


def read(
    engine: SearchEngine,
    collection: str,
    answer: Callable[Concatenate[Reader, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """What a function of a reader gives for a collection."""
    with engine.reader(collection) as reader:
        return answer(reader, *args, **kwargs)
