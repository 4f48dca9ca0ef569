"""A question's own words are marked where the model has not read a passage."""

import numpy as np

from search.embedding.splitter import sentences
from search.embedding.word_sums import WordSums
from search.presentation.highlighting import mark, mark_words
from search.responses.search import DocumentRef, PassageText, Result

ASKED = {"whale": 3.0, "song": 2.0, "deep": 1.0}


def marked(text: str, title: str = "") -> PassageText:
    result = Result(1, 1, 0.5, DocumentRef("d", title), PassageText(0, text, 0, len(text)), [])
    return mark_words(result, ASKED).passage


def test_the_best_sentence_has_the_words_that_weigh_most_each_once() -> None:
    text = "The deep, deep, deep sea is cold. All whales sing songs. The whale and its song are known."
    passage = marked(text)
    assert passage.best is not None
    assert text[passage.best.start : passage.best.end] == "All whales sing songs."
    (light,) = passage.lights
    assert light.feature is None
    words = [text[word.start : word.end] for word in light.words]
    assert words == ["deep", "deep", "deep", "whales", "songs", "whale", "song"]


def test_what_the_model_read_decides_with_the_words() -> None:
    """Each sentence has one part; the question points along the first axis."""
    text = "The sea is cold. All whales sing. Ships go there."
    spans = sentences(text)
    result = Result(1, 1, 0.5, DocumentRef("d", ""), PassageText(0, text, 0, len(text)), [])

    def best(nearness: list[float], asked: dict[str, float]) -> str | None:
        x_PD = np.array([[near, (1 - near**2) ** 0.5] for near in nearness], np.float16)
        parts = WordSums("sentence", spans, np.ones(3, np.float32), x_PD, np.zeros(2, np.float32), spans)
        found = mark(result, parts, np.array([1, 0], np.float32), np.zeros((0, 2), np.float32), asked)
        where = found.passage.best
        return None if where is None else text[where.start : where.end]

    assert best([0.5, 0.4, 0.6], {}) == "Ships go there."
    assert best([0.5, 0.4, 0.6], {"whale": 1.0, "nowhere": 1.0}) == "Ships go there."
    assert best([0.5, 0.4, 0.6], {"whale": 3.0, "nowhere": 1.0}) == "All whales sing."
    assert best([0.9, 0.4, 0.6], {"whale": 3.0, "nowhere": 1.0}) == "The sea is cold."


def test_without_a_word_of_the_question_no_sentence_is_best() -> None:
    passage = marked("Bread is baked of flour. It needs an oven.")
    assert (passage.best, passage.lights[0].words) == (None, [])


def test_a_part_of_a_word_that_is_marked_is_not_marked_again() -> None:
    text = "Call whale.song here for the deep one."
    result = Result(1, 1, 0.5, DocumentRef("d", ""), PassageText(0, text, 0, len(text)), [])
    (light,) = mark_words(result, {"whale.song": 1.0, "whale": 1.0, "song": 1.0}).passage.lights
    assert [text[word.start : word.end] for word in light.words] == ["whale.song"]
