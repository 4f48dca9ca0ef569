"""Loads the dictionaries that come with the program, a folder for each embedding model that has one.

    dictionary.safetensors   names and directions
    dictionary.json          the card: vector space, how it was made, scorecard, SHA-256 of the weights
    CARD.md                  the card in words

`benchmarks.named` makes them. Every collection with such a model starts from one.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

from search.dictionary.autoencoder import Dictionary

SHIPPED = Path(__file__).parent / "shipped"


@dataclass(frozen=True, eq=False)
class Shipped:
    """Holds a dictionary that ships."""

    dictionary: Dictionary

    @functools.cached_property
    def sha256(self) -> str:
        """What dictionaries adapted from this one name it by."""
        return self.dictionary.stored_card().sha256


@functools.cache
def shipped(model: str) -> Shipped | None:
    """Gives the dictionary that comes with the program for an embedding model, if there is one.

    Raises:
        DictionaryError: its files are damaged.
    """
    folder = SHIPPED / model
    return Shipped(Dictionary.load(folder)) if folder.is_dir() and folder.parent == SHIPPED else None
