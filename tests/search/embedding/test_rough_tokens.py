"""Rough counts of tokens: about those of a real tokenizer, or more."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from search.embedding.embedder import load_embedder
from search.embedding.rough_tokens import rough_tokenizer
from search.embedding.splitter import PassageSplitter

TEXTS = [
    Path(__file__).read_text(encoding="utf-8"),
    Path(__file__).parents[3].joinpath("README.md").read_text(encoding="utf-8"),
    "Киты — крупнейшие животные океана, они поют песни на больших расстояниях. " * 8,
    "鲸鱼是海洋中最大的动物，它们会唱歌。" * 20,
    "व्हेल समुद्र के सबसे बड़े जानवर हैं और वे गीत गाती हैं। " * 10,
]


@pytest.mark.model
@pytest.mark.parametrize("text", TEXTS, ids=["code", "markdown", "russian", "chinese", "hindi"])
def test_a_text_has_no_more_tokens_than_are_counted(text: str) -> None:
    real, rough = (Tokenizer.from_str(each) for each in (load_embedder().tokenizer_json, rough_tokenizer()))
    real.no_truncation()
    count, counted = (len(each.encode(text, add_special_tokens=False).ids) for each in (real, rough))
    assert count <= counted <= 2 * count


def test_words_are_counted_by_four_letters_and_other_characters_one_by_one() -> None:
    tokenizer = Tokenizer.from_str(rough_tokenizer())
    for text, count in {"": 0, "  \n": 0, "whale": 2, "in 2026": 3, "鲸鱼": 2, "a-b": 3}.items():
        assert len(tokenizer.encode(text).ids) == count, text


def test_a_text_is_split_by_rough_counts() -> None:
    spans = PassageSplitter(rough_tokenizer(), 300, 100).split(TEXTS[1], "A title")
    assert len(spans) > 3
    assert all(span.end - span.start < 4 * 300 for span in spans)
