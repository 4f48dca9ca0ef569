"""Values of the metadata: what they are, which are the same, and which lie between two ends."""

import numpy as np
import pytest

from search.filtering.field_values import FieldValues, kind_of, same, written


def field(*values: object) -> FieldValues:
    texts = [written(value) for value in values]
    kinds = [kind_of(value) for value in values]
    forms, typed = [same(text) for text in texts], [isinstance(value, str) for value in values]
    return FieldValues(texts, forms, kinds, typed, np.arange(len(texts)), several=False)


def named(values: FieldValues, text: str) -> list[str]:
    return [values.texts[at] for at in np.flatnonzero(values.like(text))]


def within(values: FieldValues, least: str, most: str) -> list[str]:
    return [values.texts[at] for at in np.flatnonzero(values.between(least, most))]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (5, "number"),
        (True, "boolean"),
        ("5", "number"),
        ("-0.50", "number"),
        ("1e5", "number"),
        ("01234", "text"),  # a post code
        ("+4930901820", "text"),  # a telephone
        ("1234567890123456", "text"),  # an account
        ("٣", "text"),
        ("2020", "number"),
        ("2020-05", "date"),
        ("2020-05-31", "date"),
        ("2020-05-31T10:00+02:00", "date"),
        ("2020-13", "text"),
        ("2020-02-30", "text"),
        ("2020-05-31 and later", "text"),
        ("", "text"),
    ],
)
def test_a_value_has_a_kind_whichever_way_it_was_written(value: object, kind: str) -> None:
    assert kind_of(value) == kind


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ((1, 2, "x"), "number"),
        (("1", "2", "x", "y", "z"), "text"),
        ((1, "x"), "number"),
        (("2020-05", "2021"), "date"),
        (("2020-05", 7, True), "text"),
        ((True, False), "boolean"),
        ((), "text"),
    ],
)
def test_a_field_is_of_the_kind_that_half_of_its_values_are(values: tuple[object, ...], kind: str) -> None:
    assert field(*values).kind == kind


def test_numbers_that_came_as_texts_are_compared_by_their_worth() -> None:
    prices = field("5", "20", "50", "100", "7")
    assert within(prices, "5", "100") == ["5", "20", "50", "100", "7"]
    assert within(prices, "10", "50") == ["20", "50"]
    assert within(prices, "", "7.5") == ["5", "7"]
    assert within(field("-3", "0", "1e3", "2.50"), "-1", "") == ["0", "1e3", "2.50"]


def test_numbers_that_floats_cannot_tell_apart_are_compared_by_their_digits() -> None:
    ids = field(9007199254740993, 9007199254740992, 10**400)
    assert within(ids, "9007199254740993", "9007199254740993") == ["9007199254740993"]
    assert within(ids, "1" + "0" * 299, "") == [str(10**400)]


def test_one_odd_value_changes_nothing_for_the_others() -> None:
    dates = field("2020-05-01", "2020-05-20", "unknown", "1999")
    assert named(dates, "2020-05") == ["2020-05-01", "2020-05-20"]
    assert named(dates, "Unknown") == ["unknown"]
    assert within(dates, "2020", "") == ["2020-05-01", "2020-05-20"]
    assert within(dates, "1999", "2020") == ["2020-05-01", "2020-05-20", "1999"]
    assert within(field(5, "cheap", "70"), "5", "100") == ["5", "70"]


def test_a_date_in_parts_is_a_period() -> None:
    dates = field("2020", "2020-05", "2020-05-17", "2020-05-17T10:30", "2021")
    assert named(dates, "2020") == ["2020", "2020-05", "2020-05-17", "2020-05-17T10:30"]
    assert named(dates, "2020-05-17") == ["2020-05-17", "2020-05-17T10:30"]
    assert within(dates, "2020-05", "2020-05") == ["2020-05", "2020-05-17", "2020-05-17T10:30"]
    assert within(dates, "2020-06", "") == ["2021"]
    assert within(field("9999-12-31", "0001-01-01"), "9999", "9999") == ["9999-12-31"]


def test_dates_with_zones_are_instants() -> None:
    dates = field("2020-05-01T00:30:00+02:00", "2020-04-30T23:30:00-02:00", "2020-04-30T22:30:00Z")
    assert within(dates, "2020-05", "") == ["2020-04-30T23:30:00-02:00"]
    assert named(dates, "2020-04-30T22:30") == ["2020-05-01T00:30:00+02:00", "2020-04-30T22:30:00Z"]


def test_a_number_is_found_however_it_is_written() -> None:
    years = field(1990, 2001.5)
    assert named(years, "1990.0") == ["1990"]
    assert named(years, "2.0015e3") == ["2001.5"]
    assert named(field("5.00", "7.50"), "5") == ["5.00"]
    versions = field("2.1", "2.10", "2.4.1")
    assert named(versions, "2.1") == ["2.1"]
    assert named(versions, "2.10") == ["2.10"]
    assert named(field("01234", "1234"), "1234") == ["1234"]


def test_a_number_that_came_as_a_text_may_be_a_version_and_is_what_was_typed() -> None:
    assert named(field("2.10", "2.11"), "2.1") == []
    assert named(field("2.1", "2.11"), "2.10") == []
    assert named(field("1e3", "2.10.1"), "1000") == []
    assert named(field("2", "3"), "2.0") == ["2"]
    assert named(field(2.1, "2.10.1"), "2.10") == ["2.1"]


def test_a_folder_is_named_with_or_without_its_slash() -> None:
    folders = field("projects/", "projects/sea/", "projectsold/")
    assert named(folders, "Projects") == ["projects/"]
    assert named(folders, "projects/sea") == ["projects/sea/"]
    assert named(folders, "projects/") == ["projects/"]
    assert named(field("projects", "projects/"), "projects") == ["projects", "projects/"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("İzmir", "izmir"),
        ("Straße", "STRASSE"),
        ("\uff21\uff22\uff23", "abc"),
        ("Café", "CAFE\u0301"),
        (" Paris\u00a0X ", "paris x"),
        ("x" * 200, "X" * 200),
    ],
)
def test_texts_are_the_same_in_any_case_and_form(one: str, other: str) -> None:
    assert same(one) == same(other)


def test_different_long_texts_are_different() -> None:
    assert same("x" * 200) != same("x" * 201)
