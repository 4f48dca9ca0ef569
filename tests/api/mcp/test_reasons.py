"""Reasons are words: each kind of term has a name that no other kind can have."""

from typing import Any

from api.mcp.reasons import differences, lost, named, reasons, topical


def term(kind: str, label: str, value: float = 0.0, **other: Any) -> dict[str, Any]:
    return {"kind": kind, "label": label, "value": value, "feature": None, "word": None, **other}


TERMS = [
    term("remainder", "remainder", -0.05),
    term("feature", "cell", 0.3, feature=7),
    term("word", "cell", 0.2, word="cell"),
    term("steering", "cell", -0.4),
    term("feature", "other topics", 0.1),
    term("baseline", "baseline", 0.01),
    term("name", "named so", 0.02),
]


def test_terms_of_the_same_label_are_told_apart() -> None:
    assert list(map(named, TERMS)) == [
        "what no topic accounts for",
        "topic 'cell' (7)",
        "word 'cell'",
        "steering 'cell'",
        "other topics",
        "what any text gets",
        "name 'named so'",
    ]


def test_the_strongest_reasons_come_first_whatever_their_sign() -> None:
    assert reasons(TERMS, 2) == ["steering 'cell' -0.400", "topic 'cell' (7) +0.300"]
    assert {each["kind"] for each in topical(TERMS)} == {"feature", "word", "steering", "name"}


def test_differences_and_what_was_left_out_are_sentences() -> None:
    margins = [{**TERMS[1], "first": 0.3, "second": 0.1, "margin": 0.2}]
    assert differences(margins, 5) == ["topic 'cell' (7): 0.300 against 0.100 (+0.200)"]
    assert lost([{"reason": "it is gone"}]) == ["A knob was left out: it is gone"]
