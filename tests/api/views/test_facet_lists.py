"""Lists that people know come first, and then those that divide the answers well."""

from api.views.facet_lists import FacetList, facet_lists
from api.views.page_state import PageState
from search.query.filters import parse_filters
from search.responses.search import Facet, Facets, FacetValue


def facet(field: str, **tops: int) -> Facet:
    return Facet(field, [FacetValue(value, f"{field}:{value}", 10 * top, top) for value, top in tops.items()])


def listed(*facets: Facet, filters: tuple[str, ...] = ()) -> list[FacetList]:
    return facet_lists(Facets([*facets], []), PageState(q="q", filters=parse_filters(filters)))


def test_fields_that_people_know_come_first_then_those_that_divide_the_answers() -> None:
    lopsided, even = facet("lopsided", a=98, b=1, c=1), facet("even", a=40, b=30, c=30)
    long = facet("long", **{letter * 60: 25 for letter in "abcd"})
    found = listed(
        lopsided, long, even, facet("package", json=60, csv=40), facet("kind", function=50, topic=50)
    )
    assert [each.field for each in found] == ["kind", "package", "even", "lopsided", "long"]
    assert found[1].name == "Package"
    assert listed(facet("last_change", a=1, b=1))[0].name == "Last change"


def test_what_leaves_nothing_is_not_offered_unless_it_is_chosen() -> None:
    nothing, chosen = FacetValue("a", "f:a", 0, 0), FacetValue("b", "f:b", 0, 0, chosen=True)
    (found,) = listed(Facet("f", [nothing, chosen]))
    assert [value.value for value in found.values] == ["b"]
    assert listed(Facet("f", [nothing])) == []


def test_fields_of_numbers_and_dates_take_a_range_and_say_which_they_have() -> None:
    def of(kind: str, *values: str) -> Facet:
        return Facet("f", [FacetValue(value, f"f:{value}", 1, 1) for value in values], kind)

    for values in (("1990..1995", "1996..2001"), ("2001", "2002"), ("unknown", "1990")):
        measured = {
            kind: listed(of(kind, *values))[0].measured for kind in ("number", "date", "text", "boolean")
        }
        assert measured == {"number": True, "date": True, "text": False, "boolean": False}
    (found,) = listed(of("number", "1990", "1991"), filters=("f:1990..", "-f:1991..1992"))
    assert (found.least, found.most) == ("1990", "")


def test_values_after_the_first_are_in_the_order_of_the_alphabet_and_those_left_out_are_counted() -> None:
    names = ["zeta", *"abcdefg", "Zulu", "étude", "echo"]
    values = [FacetValue(name, f"f:{name}", 1, 1) for name in names]
    (found,) = listed(Facet("f", values, total=40))
    assert [value.value for value in found.others] == ["echo", "étude", "Zulu"]
    assert found.unlisted == 29
