"""Which features tell something in a collection, and which are distinctive of it."""

import numpy as np

from search.db.card import Card
from search.dictionary.autoencoder import Dictionary
from search.dictionary.labels import Label
from search.index.distinctive import FEW_TOLD, most_distinctive, telling

HOLDS, FAILS = Label("a name", None, True), Label("a guess", 0.5, False)


def test_what_nothing_or_nearly_everything_is_about_tells_nothing() -> None:
    told = telling([HOLDS, HOLDS, HOLDS, FAILS], np.array([0, 20, 21, 5]), 100)
    assert told.tolist() == [False, True, False, False]


def test_in_a_tiny_collection_a_few_passages_are_not_everything() -> None:
    assert telling([HOLDS, HOLDS], np.array([FEW_TOLD, FEW_TOLD + 1]), 4).tolist() == [True, False]


def test_distinctive_is_what_many_passages_are_about_and_the_collection_leans_to() -> None:
    towards, aside, away = np.eye(3, dtype=np.float32)
    dictionary = Dictionary.tied(
        np.stack([away, aside, towards, towards]),
        Card(model="a-model", active=1),
        b_D=np.array([0.5, 0.1, -0.5], np.float32),
    )
    order = most_distinctive(dictionary, np.arange(4), np.array([9, 9, 2, 3]))
    assert order.tolist() == [3, 2, 1, 0]
