"""What of an answer is there, and where more of it is found."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from api.views.details import Details
from api.views.page_state import PageState

STATE = PageState(q="whales", offset=10, find="sea")


def of(*asked: str, state: PageState = STATE, generation: int = 7) -> Details:
    return Details(state, generation, frozenset(asked))


def fields(address: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(address).query)


def test_each_detail_is_there_alone_and_all_of_them_together() -> None:
    def there(details: Details) -> tuple[bool, bool, bool, bool, bool]:
        return details.rest, details.numbers, details.any_why, details.why(12), details.unfolds(12)

    assert there(of()) == (False, False, False, False, False)
    assert there(of("rest")) == (True, False, False, False, False)
    assert there(of("numbers")) == (False, True, False, False, False)
    assert there(of("12")) == (False, False, True, True, True)
    assert there(of("13")) == (False, False, True, False, False)
    assert there(of("all")) == (True, True, True, True, False)


def test_many_values_of_a_field_are_there_without_the_rest() -> None:
    details = of("values:kind", "values:a:b")
    assert details.values_of == {"kind", "a:b"}
    assert (details.counted, details.rest, details.any_why) == (True, False, False)
    assert (of("rest").counted, of("numbers").counted) == (True, False)


def test_more_is_of_the_same_page_of_the_same_generation() -> None:
    same = [("q", "whales"), ("offset", "10")]
    assert fields(of().more(12)) == [*same, ("details", "12"), ("generation", "7")]
    assert fields(of().whole("all", 12)) == [*same, ("details", "all"), ("details", "12")]


def test_another_answer_has_other_places() -> None:
    place = of().place("lines", 12)
    assert place == of("rest", state=replace(STATE, find="")).place("lines", 12), (
        "whatever else is looked for"
    )
    others = [of(generation=8), of(state=PageState(q="whale")), of(state=PageState(q="whales", offset=20))]
    assert place not in {each.place("lines", 12) for each in others}
