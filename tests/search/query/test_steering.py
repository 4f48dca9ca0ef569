"""Steering as text and as a changed question."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.v1.schemas import KnobIn
from search.dictionary.steer import feature_deltas, steer
from search.errors import InvalidQuery, InvalidSteering
from search.query.limits import MAX_ID, check_query
from search.query.steering import (
    MAX_EXAMPLES,
    MAX_KNOBS,
    MAX_PHRASE,
    ConceptTarget,
    ExamplesTarget,
    FamilyTarget,
    FeatureTarget,
    Knob,
    Steering,
    Target,
    flat,
    format_for_address,
    format_steering,
    parse,
    target_of,
)
from search.responses.search import LostKnob, SteeringTerm

strengths = st.floats(-5, 5, allow_nan=False)
phrases = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=MAX_PHRASE
)
ids = st.text(
    st.one_of(st.sampled_from("~!:,%+- "), st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    min_size=1,
    max_size=12,
)
numbers = st.integers(0, 999_999_999)
examples = st.tuples(
    st.lists(ids, min_size=1, max_size=MAX_EXAMPLES, unique=True), st.integers(1, MAX_EXAMPLES)
).map(lambda drawn: ExamplesTarget(tuple(drawn[0][: drawn[1]]), tuple(drawn[0][drawn[1] :])))
features = st.builds(FeatureTarget, numbers)
fitted = st.one_of(
    examples,
    st.builds(FamilyTarget, numbers),
    st.builds(ConceptTarget, phrases.filter(lambda phrase: bool(phrase.strip()))),
)
knobs = st.one_of(
    st.builds(Knob, strengths, fitted), st.builds(Knob, st.one_of(strengths, st.just("off")), features)
)
steerings = st.lists(knobs, max_size=8, unique_by=lambda knob: knob.target).map(
    lambda chosen: Steering(tuple(chosen))
)


@given(steerings)
def test_parse_reads_back_what_format_wrote(steering: Steering) -> None:
    assert parse(format_steering(steering)) == steering
    assert parse(format_for_address(steering)) == steering


@given(steerings)
def test_format_of_parse_is_stable(steering: Steering) -> None:
    text = format_steering(steering)
    assert format_steering(parse(text)) == text


def test_the_form_in_the_docs() -> None:
    assert parse("123:1.5, 45:off,concept:astronomy:-1") == Steering(
        (Knob(1.5, FeatureTarget(123)), Knob("off", FeatureTarget(45)), Knob(-1, ConceptTarget("astronomy")))
    )
    assert parse("concept:a%3Ab%2Cc:1") == Steering((Knob(1, ConceptTarget("a:b,c")),))
    assert parse("") == parse("  ") == Steering()
    assert parse("family:17:1.5,like:a/1~b%7E!c:1") == Steering(
        (Knob(1.5, FamilyTarget(17)), Knob(1, ExamplesTarget(("a/1", "b~"), ("c",))))
    )
    assert format_steering(parse("like:a!c~b:1")) == "like:a~b!c:1"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("123", "'123'"),
        ("abc:1", "'abc'"),
        ("-5:1", "'-5'"),
        ("123:", "''"),
        ("123:much", "'much'"),
        ("123:nan", "nan"),
        ("123:inf", "inf"),
        ("123:-inf", "-inf"),
        ("123:5.01", "5.01"),
        ("123:1e999", "inf"),
        ("1:1,,2:1", "''"),
        ("1:1,1:2", "1 is steered twice"),
        ("concept::1", "0"),
        ("concept:x:off", "Only a feature"),
        ("concept:%00x:1", "NUL"),
        ("concept:\ud800:1", "surrogates"),
        ("concept:" + "x" * 201 + ":1", "201"),
        ("²:1", "'²'"),
        ("family:x:1", "'x'"),
        ("family::1", "''"),
        ("family:-1:1", "'-1'"),
        ("family:17:off", "Only a feature"),
        ("family:1:1,family:1:2", "family:1 is steered twice"),
        ("like::1", "''"),
        ("like:!a:1", "''"),
        ("like:a~~b:1", "''"),
        ("like:a~a:1", "'a' is given twice"),
        ("like:a!a:1", "'a' is given twice"),
        ("like:a%00:1", "is no document's id"),
        ("like:a:off", "Only a feature"),
        ("like:" + "x" * (MAX_ID + 1) + ":1", "is no document's id"),
        ("like:" + "~".join(map(str, range(MAX_EXAMPLES + 1))) + ":1", f"{MAX_EXAMPLES + 1} examples"),
        ("9" * 400 + ":1", "..."),
        (",".join(f"{n}:1" for n in range(MAX_KNOBS + 1)), str(MAX_KNOBS + 1)),
    ],
)
def test_malformed_steering_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(InvalidSteering) as refused:
        parse(text)
    assert named in refused.value.message
    assert refused.value.hint


@given(st.one_of(fitted, features))
def test_the_fields_of_a_target_name_it_in_every_record(target: Target) -> None:
    assert target_of(SteeringTerm("label", 1, **flat(target))) == target
    assert target_of(LostKnob(1, "reason", **flat(target))) == target
    assert target_of(KnobIn(strength=1, **flat(target))) == target


def test_a_record_names_one_target() -> None:
    with pytest.raises(InvalidSteering, match="turns one"):
        KnobIn(strength=1).knob()
    with pytest.raises(InvalidSteering, match="turns one"):
        KnobIn(strength=1, feature=1, concept="x").knob()
    with pytest.raises(InvalidSteering, match="turns one"):
        KnobIn(strength=1, family=1, like=["x"]).knob()
    with pytest.raises(InvalidSteering, match="to be like"):
        KnobIn(strength=1, unlike=["x"]).knob()


def test_a_target_is_one_that_can_be() -> None:
    with pytest.raises(InvalidSteering, match="no feature -1"):
        FeatureTarget(-1)
    with pytest.raises(InvalidSteering, match="no family -1"):
        FamilyTarget(-1)
    with pytest.raises(InvalidSteering, match="phrase"):
        ConceptTarget(" ")
    with pytest.raises(InvalidSteering, match="to be like"):
        ExamplesTarget(())
    with pytest.raises(InvalidSteering, match="twice"):
        ExamplesTarget(("x",), ("x",))


def test_a_strength_is_a_number_in_range_and_only_a_feature_is_off() -> None:
    with pytest.raises(InvalidSteering):
        Knob(math.nan, FeatureTarget(1))
    with pytest.raises(InvalidSteering):
        Knob("off", ConceptTarget("sea"))


def test_setting_and_removing_knobs() -> None:
    steering = parse("1:1,concept:sea:2")
    assert format_steering(steering.with_knob(Knob(3, FeatureTarget(1)))) == "1:3,concept:sea:2"
    assert format_steering(steering.with_knob(Knob(3, FeatureTarget(2)))) == "1:1,concept:sea:2,2:3"
    assert format_steering(steering.without(ConceptTarget("sea"))) == "1:1"
    assert steering.strength_of(ConceptTarget("sea")) == 2
    assert steering.strength_of(FeatureTarget(7)) is None


def test_no_steering_leaves_the_question_bit_for_bit() -> None:
    q_D = np.random.default_rng(0).normal(size=8).astype(np.float32)
    steered = steer(q_D, np.eye(8, dtype=np.float32), {3: 0.0})
    assert steered.vector_D is q_D
    assert steered.norm == 1.0


def test_steering_that_cancels_the_question_is_refused() -> None:
    q_D = np.eye(4, dtype=np.float32)[0]
    with pytest.raises(InvalidSteering, match="cancel"):
        steer(q_D, np.eye(4, dtype=np.float32), {0: -1.0})


def test_strength_one_is_the_scale_and_off_is_what_the_question_has() -> None:
    scale_F = np.array([0.5, 0.25, 0.0], dtype=np.float32)
    deltas = feature_deltas(parse("0:2,1:off,2:1"), {1: 0.1}, scale_F)
    assert deltas == {0: 1.0, 1: -0.1, 2: 0.0}
    with pytest.raises(InvalidSteering, match="no feature 3"):
        feature_deltas(parse("3:1"), {}, scale_F)


@pytest.mark.parametrize("query", ["", "   ", "?!… —", "x" * 4001, "a\0b", "a\ud800b"])
def test_queries_that_no_search_can_answer(query: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        check_query(query)
    assert refused.value.hint


@pytest.mark.parametrize("query", ["a", "東京", "C++", "x" * 4000, "<b>bold</b>"])
def test_queries_that_are_fine(query: str) -> None:
    check_query(query)


def test_an_address_encodes_a_phrase_once() -> None:
    phrase = "rêves, nuits: 100% \u202e!"
    written = format_for_address(Steering((Knob(1.5, ConceptTarget(phrase)),)))
    assert written == "concept:rêves%2C nuits%3A 100%25 %E2%80%AE%21:1.5"
