"""Of a feature's examples some are shown first, from its strongest passages to its weakest."""

from collections.abc import Sequence

import numpy as np

from search.responses.features import Example


def spread_out(examples: Sequence[Example], most: int) -> tuple[list[Example], list[Example]]:
    """Parts examples into so many of them at most, evenly spread, and the others; both stay in order."""
    count = min(most, len(examples))
    chosen = set(np.linspace(0, len(examples) - 1, count).round().astype(int).tolist())
    first = [example for place, example in enumerate(examples) if place in chosen]
    return first, [example for place, example in enumerate(examples) if place not in chosen]
