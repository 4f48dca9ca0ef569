"""An address is read and written back the same, and a sent form folds into one."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from starlette.datastructures import QueryParams

from api.views.page_state import PageState, Press, asked_or_default, is_sent_form, read_state
from search.errors import CollectionNotFound, InvalidPage, InvalidSteering
from search.query.filters import parse_filters
from search.query.steering import MAX_KNOBS, MAX_PHRASE, ConceptTarget, FeatureTarget, Knob, Steering, parse
from search.responses.collections import CollectionInfo


def read(fields: dict[str, str] | str) -> PageState:
    """The state of an address's or a form's fields."""
    return read_state(QueryParams(fields))


def fields(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


@pytest.mark.parametrize(
    "state",
    [
        PageState(),
        PageState(q="sorting lists"),
        PageState(q="50% & more + ünïcode 🙂", steering=parse("1:1.5,2:off")),
        PageState(
            q="a",
            steering=Steering((Knob(-1.0, ConceptTarget("a, b: 100% c/d")),)),
            collection="Mine & yours",
        ),
        PageState(q="a", limit=20, offset=40, find="words"),
        PageState(q="a", filters=parse_filters(["year:1990..2000", '-by:"Doe, J & K"', 'a b:"x ""y"""'])),
        PageState(q="a", dictionary=3, filters=parse_filters(["feature:12"])),
    ],
)
def test_an_address_reads_back_as_the_same_state(state: PageState) -> None:
    assert read(urlsplit(state.url()).query) == state


def test_the_address_of_nothing_is_the_front_page() -> None:
    assert PageState().url() == "/"


def test_an_address_leaves_out_what_goes_without_saying() -> None:
    assert PageState(q="sort", steering=parse("12:1.5")).url() == "/?q=sort&steer=12:1.5"


def test_panel_numbers_replace_the_knobs_of_the_address() -> None:
    state = read({"q": "a", "steer": "1:1,2:off", "s.1": "2.5", "s.2": "off", "s.concept:red%20wine": "-1"})
    assert state.steering == parse("1:2.5,2:off,concept:red wine:-1")


def test_an_emptied_number_leaves_its_knob_as_it_was() -> None:
    assert read({"steer": "1:2", "s.1": " "}).steering == parse("1:2")


def test_buttons_drop() -> None:
    assert read({"s.1": "1", "s.7": "2", "drop": "1"}).steering == parse("7:2")
    assert read({"s.concept:a%20b": "1", "drop": "concept:a%20b"}).steering == Steering()
    assert read({"s.1": "1", "s.7": "2", "drop": "all"}).steering == Steering()


def test_pressing_what_was_found_clears_the_box() -> None:
    assert read({"find": "wine", "press": "up:7"}).find == ""


def test_what_is_pressed_or_told_is_turned_as_far_as_the_collection_needs() -> None:
    state = read({"s.1": "1", "press": "down:7", "more": " red wine ", "less": "beer: dark"})
    assert state.steering == parse("1:1")
    assert state.pressed == (
        Press(FeatureTarget(7), up=False),
        Press(ConceptTarget("red wine"), up=True),
        Press(ConceptTarget("beer: dark"), up=False),
    )
    assert read({"more": " ", "press": ""}).pressed == ()
    moved = read({"from": "a", "collection": "b", "press": "up:7", "more": "wine"})
    assert moved.pressed == (Press(ConceptTarget("wine"), up=True),)
    with pytest.raises(InvalidSteering):
        read({"press": "up:much"})


@pytest.mark.parametrize("target", ["7", "family:3", "concept:red%20wine%3A%20dry", "like:a%2Fb"])
def test_a_press_reads_back_from_its_address(target: str) -> None:
    pressed = parse(f"{target}:1").knobs[0].target
    url = PageState(q="a", dictionary=4).press(pressed, up=False) or ""
    assert read(urlsplit(url).query).pressed == (Press(pressed, up=False),)
    assert is_sent_form(fields(url))
    assert fields(url).get("dictionary") == ("4" if target in ("7", "family:3") else None)


def test_features_do_not_follow_into_another_collection_but_phrases_do() -> None:
    state = read({"from": "a", "collection": "b", "s.1": "1", "s.concept:wine": "1"})
    assert state.steering == parse("concept:wine:1")


def test_filters_are_added_and_taken_away_and_stay_with_their_collection() -> None:
    state = PageState(q="a", filters=parse_filters(["lang:en"]), offset=20)
    narrowed = read(urlsplit(state.narrow("year:1990") or "").query)
    assert narrowed.filters == parse_filters(["lang:en", "year:1990"])
    assert narrowed.offset == 0
    assert read(urlsplit(narrowed.widen("lang:en") or "").query).filters == parse_filters(["year:1990"])
    assert narrowed.widen("typed:elsewhere") is None
    assert read("from=a&collection=b&filter=lang:en").filters == ()


def test_only_forms_are_folded() -> None:
    assert not is_sent_form({"q": "", "steer": "1:1", "offset": "10"})
    for form in (
        {"s.1": "2"},
        {"press": "up:1"},
        {"more": "a"},
        {"drop": "all"},
        {"from": ""},
        {"find": ""},
        {"steer": ""},
    ):
        assert is_sent_form(form)


def test_a_folded_address_is_no_form() -> None:
    state = read({"q": "a", "s.1": "2", "find": "", "from": ""})
    assert not is_sent_form(fields(state.url()))


def test_a_first_nudge_is_a_press_and_others_go_by_halves_away_from_zero_and_back() -> None:
    state = PageState(q="a", offset=20)
    assert fields(state.nudge(7, 1) or "") == {"q": "a", "press": "up:7"}
    assert fields(state.nudge(7, -1) or "") == {"q": "a", "press": "down:7"}
    turned = PageState(q="a", steering=parse("7:0.5"), offset=20)
    assert fields(turned.nudge(7, 1) or "") == {"q": "a", "steer": "7:1"}
    assert fields(turned.nudge(7, -1) or "") == {"q": "a"}
    assert fields(PageState(q="a", steering=parse("7:off")).nudge(7, 1) or "")["steer"] == "7:0.5"
    assert fields(PageState(q="a", steering=parse("7:5")).nudge(7, 1) or "")["steer"] == "7:5"


def test_undoing_takes_the_last_knob_away() -> None:
    assert fields(PageState(q="a", steering=parse("7:2,8:1")).undone) == {"q": "a", "steer": "7:2"}
    assert fields(PageState(q="a", steering=parse("7:2")).undone) == {"q": "a"}


def test_leaving_a_feature_out() -> None:
    assert fields(PageState(q="a", steering=parse("7:2")).off(7) or "")["steer"] == "7:off"


@pytest.mark.parametrize("value", ["1,5", "1.5,9:1", "nan", "6", "much"])
def test_a_number_that_is_no_strength_is_refused(value: str) -> None:
    with pytest.raises(InvalidSteering):
        read({"s.1": value})


@pytest.mark.parametrize("value", ["x", "1.5", "9" * 30, "--1", "²"])
def test_a_page_that_is_no_number_is_refused_by_name(value: str) -> None:
    with pytest.raises(InvalidPage, match="offset"):
        read({"offset": value})


def test_when_all_knobs_are_in_use_only_those_can_be_turned() -> None:
    full = PageState(q="a", steering=parse(",".join(f"{n}:0.5" for n in range(MAX_KNOBS))))
    assert full.full
    assert (full.nudge(99, 1), full.nudge(99, -1), full.off(99), full.only(99)) == (None,) * 4
    assert fields(full.nudge(0, 1) or "")["steer"].startswith("0:1,1:0.5")
    assert fields(full.nudge(0, -1) or "")["steer"].startswith("1:0.5,2:0.5")
    assert fields(full.off(0) or "")["steer"].startswith("0:off,1:0.5")
    assert full.only(0) == full.steering.with_knob(Knob(1.0, FeatureTarget(0)))
    freed = PageState(q="a", steering=full.steering.without(FeatureTarget(0)))
    assert not freed.full
    assert len(read(fields(freed.off(99) or "")).steering.knobs) == MAX_KNOBS


def test_what_is_looked_for_is_offered_as_a_phrase_unless_it_is_too_long_for_one() -> None:
    assert PageState(find="a, b: 100%").phrase() == ConceptTarget("a, b: 100%")
    assert PageState(find="ü" * MAX_PHRASE).phrase() is not None
    assert PageState(find="ü" * (MAX_PHRASE + 1)).phrase() is None


def known(name: str, state: str) -> CollectionInfo:
    return CollectionInfo(name, "live" if state == "live" else "empty", 1, 1)


def test_the_collection_asked_for_is_found_or_else_the_default_one() -> None:
    a, b = known("a", "live"), known("b", "live")
    assert asked_or_default([a, b], "a", "b") == a
    assert asked_or_default([a, b], "", "b") == b


def test_before_there_is_a_default_collection_another_is_shown() -> None:
    a = known("a", "empty")
    assert asked_or_default([a], "", "default") == a
    assert asked_or_default([], "", "default") is None


def test_an_unknown_collection_is_named_with_those_there_are() -> None:
    with pytest.raises(CollectionNotFound, match="'c'") as caught:
        asked_or_default([known("a", "live"), known("b", "live")], "c", "a")
    assert "a, b" in caught.value.hint


@pytest.mark.parametrize(("characters", "limit"), [(10, 100), (1000, 39), (4000, 10)])
def test_a_long_question_has_fewer_answers_a_page(characters: int, limit: int) -> None:
    assert PageState(q="x" * characters, limit=100).within_room().limit == limit


def test_a_page_that_is_out_of_range_stays_so() -> None:
    assert PageState(q="x" * 4000, limit=1000).within_room().limit == 1000


def test_examples_are_one_knob_that_turns_towards_some_or_away_from_all() -> None:
    assert fields(PageState(q="a").example("x") or "")["press"] == "up:like:x"
    assert fields(PageState(q="a").example("x", against=True) or "")["press"] == "down:like:x"

    def after(steer: str, document: str, *, against: bool) -> str:
        state = PageState(q="a", steering=parse(steer))
        return fields(state.example(document, against=against) or "").get("steer", "")

    assert after("like:x:1.5", "y", against=False) == "like:x~y:1.5"
    assert after("like:x:1.5", "y", against=True) == "like:x!y:1.5"
    assert after("like:x:-2", "y", against=True) == "like:x~y:-2"
    assert after("like:x:-2", "y", against=False) == "like:y!x:2"
    assert after("like:x:1", "x", against=True) == ""
