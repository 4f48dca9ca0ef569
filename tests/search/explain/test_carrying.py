"""Words that carry a feature: without them, read again, the text has less of it."""

import numpy as np
import pytest

from search.embedding.words import stems
from search.engine.engine import SearchEngine
from search.engine.reader import Reader
from search.errors import FeatureNotFound, InvalidQuery
from search.explain.analyze import analyze, strengths
from search.explain.carrying import MOST, carrying_words
from tests.support.reading import read

pytestmark = pytest.mark.database

TEXT = (
    "A list can be sorted in place by its method sort. The function sorted makes a new list.\n\n"
    "Sockets send bytes over a network. A server listens on a port and accepts connections."
)


def _strength(reader: Reader, text: str, feature: int) -> float:
    return float(strengths(reader, text)[feature])


def test_a_topic_is_weaker_without_its_words(engine: SearchEngine) -> None:
    found = read(engine, "manual", analyze, TEXT)
    for each in found.features[:5]:
        carrying = read(engine, "manual", carrying_words, TEXT, each.feature)
        assert carrying.strength > 0
        if each.strength:  # something here is about it
            assert carrying.strength == pytest.approx(each.strength, abs=1e-5)
        assert 0 < len(carrying.words) <= MOST
        assert [word.without for word in carrying.words] == sorted(word.without for word in carrying.words)
        first = carrying.words[0]
        assert first.without < carrying.strength
        assert first.word in TEXT
        assert all(stems(word.word) for word in carrying.words)


def test_what_is_said_of_a_word_is_so_when_it_is_taken_out(engine: SearchEngine) -> None:
    text = "A socket sends bytes to another socket."
    feature = read(engine, "manual", analyze, text).features[0].feature
    carrying = read(engine, "manual", carrying_words, text, feature)
    socket = next(word for word in carrying.words if word.word == "socket")
    assert socket.times == 2
    without = read(engine, "manual", _strength, "A   sends bytes to another  .", feature)
    np.testing.assert_allclose(socket.without, without, atol=2e-3)


def test_a_topic_that_is_not_there_has_no_words(engine: SearchEngine) -> None:
    there = {each.feature for each in read(engine, "manual", analyze, TEXT, limit=100).features}
    absent = next(number for number in range(1000) if number not in there)
    carrying = read(engine, "manual", carrying_words, TEXT, absent)
    assert (carrying.strength, carrying.words) == (0.0, [])
    with pytest.raises(FeatureNotFound):
        read(engine, "manual", carrying_words, TEXT, 10**6)
    with pytest.raises(InvalidQuery):
        read(engine, "manual", carrying_words, " ", absent)
