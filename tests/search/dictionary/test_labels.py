"""What features are called before anybody writes a label, and what people are shown of one."""

import numpy as np

from search.db.card import Card
from search.dictionary.autoencoder import Dictionary
from search.dictionary.labels import NAME, NO_LABEL, Label, unwritten_labels


def dictionary(names: tuple[tuple[str, ...], ...] = ()) -> Dictionary:
    w_FD = np.eye(3, dtype=np.float32)
    return Dictionary.tied(w_FD, Card(model="m", active=2), names=names)


def test_a_named_feature_is_called_by_the_name_that_is_shown() -> None:
    labels = unwritten_labels(dictionary((("whale", "whales"), ("bread",), ("star", "sun"))))
    assert [label.text for label in labels] == ["whale", "bread", "star"]
    assert all(label == Label(label.text, None, True, NAME) for label in labels)


def test_a_learned_feature_has_a_number_and_no_label_that_holds() -> None:
    labels = unwritten_labels(dictionary())
    assert [label.text for label in labels] == ["feature 0", "feature 1", "feature 2"]
    assert {label.shown for label in labels} == {NO_LABEL}


def test_only_a_label_that_holds_is_shown() -> None:
    assert Label("whales", 0.9, True).shown == "whales"
    assert Label("whales", 0.2, False).shown == NO_LABEL
