"""What a new generation costs is put in sentences, for the terminal and for the page."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from api.views.numbers import duration, size

if TYPE_CHECKING:
    from indexer.estimate import Estimate


def told(cost: "Estimate") -> Iterator[str]:
    """Yields the sentences of an estimate: what is embedded, how long it takes, where it goes, what it takes
    up."""
    yield (
        f"{cost.embedded:,} of {cost.passages:,} passages are embedded anew, and up to {cost.names:,} names "
        f"of topics, by {cost.model} ({cost.dimensions:,} dimensions): about {duration(cost.seconds)}."
    )
    if cost.sent_to:
        yield f"About {cost.texts:,} texts, {cost.tokens:,} tokens, are sent to {cost.sent_to}."
    model = f", its model {size(cost.model_memory)} of memory" if cost.model_memory else ""
    yield (
        f"The new generation takes up about {size(cost.disk)} of disk beside the live one and "
        f"{size(cost.memory)} of memory{model}."
    )
