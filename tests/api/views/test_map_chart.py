"""The drawing of the map: names that are seen together do not overlap, and a page stays of a size."""

from dataclasses import replace

import numpy as np

from api.views.map_chart import (
    DOT,
    FEWEST,
    HEIGHT,
    LETTER,
    LINE,
    ROOM,
    SCALES,
    USUAL,
    WIDTH,
    Dot,
    draw,
)
from search.responses.features import FamilyRef, FeatureMap, MapPoint


def found(count: int, *, family: int | None = None) -> FeatureMap:
    rng = np.random.default_rng(0)
    places = rng.random((count, 2)).tolist()
    points = [
        MapPoint(number, f"topic number {number}", 5, x, y, family) for number, (x, y) in enumerate(places)
    ]
    return FeatureMap("c", 1, points, [] if family is None else [FamilyRef(family, "a family")])


def overlap(one: Dot, other: Dot, scale: float) -> bool:
    def middle(dot: Dot) -> float:
        return dot.x * scale + len(dot.label) * LETTER / 2 * {"s": 1, "m": 0, "e": -1}[dot.anchor]

    across = (len(one.label) + len(other.label)) * LETTER / 2
    return abs(middle(one) - middle(other)) < across - 1e-6 and abs(one.y - other.y) * scale < LINE - 1e-6


def test_names_seen_together_do_not_overlap_and_nearer_there_are_more() -> None:
    dots = draw(found(200), "").dots
    seen = [[dot for dot in dots if dot.level <= level] for level in range(len(SCALES))]
    assert [len(each) for each in seen] == sorted(len(each) for each in seen)
    assert 0 < len(seen[0]) < len(seen[-1])
    for level, shown in enumerate(seen):
        pairs = [(a, b) for number, a in enumerate(shown) for b in shown[:number]]
        assert not any(overlap(a, b, SCALES[level]) for a, b in pairs)


def test_the_most_distinctive_has_its_name_first() -> None:
    assert draw(found(200), "").dots[0].level == 0


def test_a_family_is_named_in_the_middle_of_its_features_in_their_colour() -> None:
    chart = draw(found(50, family=3), "")
    (name,) = chart.names
    assert (name.family, name.name, name.level) == (3, "a family", 0)
    assert [(layer.tone, layer.path.count("M")) for layer in chart.layers] == [("t4", 50)]
    assert min(dot.x for dot in chart.dots) < name.x < max(dot.x for dot in chart.dots)
    assert draw(found(FEWEST - 1, family=3), "").names == []
    assert [layer.tone for layer in draw(found(5), "").layers] == ["feature"]


def test_families_are_named_by_their_first_feature_where_that_tells_them_apart() -> None:
    points = [replace(point, family=point.feature % 3) for point in found(60).points]
    names = ("whales, the sea", "bread, flour", "bread, ovens")
    families = [FamilyRef(number, name) for number, name in enumerate(names)]
    chart = draw(FeatureMap("c", 1, points, families), "")
    assert [name.name for name in chart.names] == ["whales", "bread, flour", "bread, ovens"]


def test_names_near_the_sides_stay_on_the_map() -> None:
    for dot in draw(found(300), "").dots:
        assert dot.anchor == ("s" if dot.x < 120 else "e" if dot.x > 880 else "m")


def test_all_of_it_is_seen_or_what_is_to_be_seen_nearer() -> None:
    chart = draw(found(300), "")
    assert (chart.left, chart.top, chart.width, chart.height) == (0, 0, WIDTH, HEIGHT)
    assert chart.level == USUAL
    some = sorted(chart.dots, key=lambda dot: (dot.x - 300) ** 2 + (dot.y - 300) ** 2)[:5]
    near = draw(found(300), "", [dot.feature for dot in some])
    assert near.level > USUAL
    assert near.width == round(WIDTH * SCALES[USUAL] / SCALES[near.level])
    for dot in some:
        assert near.left <= dot.x <= near.left + near.width
        assert near.top <= dot.y <= near.top + near.height
    assert draw(found(300), "", [999_999]).level == USUAL, "none of them is on the map"


def test_where_the_address_is_long_there_are_fewer_dots() -> None:
    whole = draw(found(900), "collection=demo&feature=").dots
    fewer = draw(found(900), "x" * 500).dots
    assert 0 < len(fewer) < len(whole)
    assert fewer == whole[: len(fewer)]
    assert sum(DOT + 500 + len(dot.label) for dot in fewer) <= ROOM + DOT + 600


def test_an_empty_map_is_drawn() -> None:
    chart = draw(found(0), "")
    assert (chart.layers, chart.dots, chart.names) == ([], [], [])
