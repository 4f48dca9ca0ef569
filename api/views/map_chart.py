"""The map of features is drawn as SVG on the server: dots, and as many names as fit.

A name has a level, the coarsest scale at which it fits between those that came before it; at finer scales all
that fitted still fit. So the same drawing serves every zoom, with a script and without.

Shape suffixes: B boxes of names, 2 across and down.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median

import numpy as np
from numpy.typing import NDArray

from search.responses.features import FeatureMap, MapPoint

WIDTH, HEIGHT, MARGIN = 1000, 750, 40
SCALES = (0.36, 0.8, 1.6, 3.2, 6.4, 12.8)
"""Pixels a unit of the map: a phone, a desktop, and each twice as near as the one before."""

USUAL = 1
"""The level that a page is drawn at where it shows the whole map."""

LETTER, LINE, GAP = 6.6, 17.0, 6.0
"""Pixels that a letter of a name and a line take, about, and between names side by side."""

OFFSET = 11.0
"""Pixels from a dot up to the middle of its name."""

LARGER = 1.25
"""So much larger are names of families."""

FEWEST = 5
"""A family of fewer features on the map has no name there."""

TONES = 8
ROOM = 125_000
"""Characters that the dots of a page may take in all, so that it stays under 150 kB."""

DOT = 104
"""Characters of a dot's markup, about, beside its name and its address."""

EDGE, WIDE_EDGE = 0.12, 0.2
"""Names of features, and those of families, begin or end at their place within this share of the map's width
from its sides."""


@dataclass(frozen=True)
class Dot:
    """Places a feature, whose name fits from `level` on; `anchor`: which end of it is there."""

    feature: int
    label: str
    x: int
    y: int
    anchor: str
    level: int


@dataclass(frozen=True)
class FamilyName:
    """Places a family's name in the middle of its features."""

    family: int
    name: str
    x: int
    y: int
    anchor: str
    level: int


@dataclass(frozen=True)
class Layer:
    """Holds the dots of one colour as one path: they lie below all names."""

    tone: str
    path: str


@dataclass(frozen=True)
class MapChart:
    """Holds the drawing; `left`, `top`, `width` and `height` are the part of it that is seen, at `level`."""

    layers: list[Layer]
    dots: list[Dot]
    names: list[FamilyName]
    left: int
    top: int
    width: int
    height: int
    level: int


def draw(found: FeatureMap, address: str, closer: Collection[int] = ()) -> MapChart:
    """Draws a map whose dots lead to an `address` each, as seen from near enough for the features that are to
    be seen `closer`. Where the address is long there are fewer dots: a page stays of a size."""
    dots, names = _drawn(tuple(found.points), tuple((each.family, each.name) for each in found.families))
    room, most = ROOM, 0
    while most < len(dots) and room > 0:
        room -= DOT + len(address) + len(dots[most].label.encode())
        most += 1
    near = [dot for dot in dots if dot.feature in closer]
    layers = _layers(found.points[:most], dots)
    return MapChart(layers, list(dots[:most]), list(names), *_view(near))


def _layers(points: Sequence[MapPoint], dots: Sequence[Dot]) -> list[Layer]:
    """Gathers dots by the colour of their families, which are told apart as well as eight colours can."""
    paths: dict[str, list[str]] = {}
    for point, dot in zip(points, dots, strict=False):
        tone = "feature" if point.family is None else f"t{point.family % TONES + 1}"
        paths.setdefault(tone, []).append(f"M{dot.x} {dot.y}h0")
    return [Layer(tone, "".join(paths[tone])) for tone in sorted(paths)]


def _view(dots: Sequence[Dot]) -> tuple[int, int, int, int, int]:
    """Finds the part of the map that shows some dots, as near as they allow; all of it where there are
    none."""
    if not dots:
        return 0, 0, WIDTH, HEIGHT, USUAL
    xs, ys = sorted(dot.x for dot in dots), sorted(dot.y for dot in dots)
    spare = len(dots) // 10  # what lies far from all others is not waited for
    xs, ys = xs[spare : len(xs) - spare], ys[spare : len(ys) - spare]
    needed = max((xs[-1] - xs[0] + 2 * MARGIN) / WIDTH, (ys[-1] - ys[0] + 2 * MARGIN) / HEIGHT)
    level = max(
        level for level, scale in enumerate(SCALES) if level == USUAL or SCALES[USUAL] / scale >= needed
    )
    share = min(SCALES[USUAL] / SCALES[level], 1)
    width, height = round(WIDTH * share), round(HEIGHT * share)
    left = min(max((xs[0] + xs[-1] - width) // 2, 0), WIDTH - width)
    top = min(max((ys[0] + ys[-1] - height) // 2, 0), HEIGHT - height)
    return left, top, width, height, level


@lru_cache(8)
def _drawn(
    points: tuple[MapPoint, ...], families: tuple[tuple[int, str], ...]
) -> tuple[list[Dot], list[FamilyName]]:
    """Places everything, which takes a while; the same map is asked for again and again."""
    at_P = [_place(point) for point in points]
    middles = _middles(points, at_P)
    named = [(number, name, middles[number]) for number, name in _short(families) if number in middles]
    boxes = [_box(name, at, _anchor(at, WIDE_EDGE), LARGER, 0.0) for _, name, at in named]
    boxes += [
        _box(point.label, at, _anchor(at), 1.0, -OFFSET) for point, at in zip(points, at_P, strict=True)
    ]
    levels = _levels(np.array(boxes, np.float64).reshape(-1, 6))
    names = [
        FamilyName(number, name, *at, _anchor(at, WIDE_EDGE), level)
        for (number, name, at), level in zip(named, levels, strict=False)
    ]
    dots = [
        Dot(point.feature, point.label, *at, _anchor(at), level)
        for point, at, level in zip(points, at_P, levels[len(named) :], strict=True)
    ]
    return dots, names


def _short(families: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Names families by their most central feature alone, and those that share it by all of their name."""
    firsts = Counter(name.split(", ")[0] for _, name in families)
    return [
        (number, first if firsts[first := name.split(", ")[0]] == 1 else name) for number, name in families
    ]


def _place(point: MapPoint) -> tuple[int, int]:
    across, down = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
    return round(MARGIN + point.x * across), round(MARGIN + point.y * down)


def _middles(points: Sequence[MapPoint], at_P: Sequence[tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """Finds the middle of each family that has enough features on the map."""
    members: dict[int, list[tuple[int, int]]] = {}
    for point, at in zip(points, at_P, strict=True):
        if point.family is not None:
            members.setdefault(point.family, []).append(at)
    return {
        family: (round(median(x for x, _ in places)), round(median(y for _, y in places)))
        for family, places in members.items()
        if len(places) >= FEWEST
    }


def _anchor(at: tuple[int, int], edge: float = EDGE) -> str:
    """Tells where a name is held: at its beginning ("s") or end ("e") near the sides, else in its middle
    ("m")."""
    x, _ = at
    return "s" if x < edge * WIDTH else "e" if x > (1 - edge) * WIDTH else "m"


def _box(name: str, at: tuple[int, int], anchor: str, size: float, down: float) -> tuple[float, ...]:
    """Gives the box of a name: its place on the map, and in pixels half its width and height, and how far its
    middle is from its place."""
    half = len(name) * LETTER * size / 2
    return (*at, half + GAP / 2, LINE * size / 2, {"s": half, "m": 0.0, "e": -half}[anchor], down)


def _levels(boxes_B6: NDArray[np.float64]) -> list[int]:
    """Finds for each name the first scale at which it overlaps none that came before it or fitted already."""
    level_B = np.full(len(boxes_B6), len(SCALES))
    at_B2, half_B2, off_B2 = boxes_B6[:, :2], boxes_B6[:, 2:4], boxes_B6[:, 4:]
    for level, scale in enumerate(SCALES):
        middle_B2 = at_B2 * scale + off_B2
        for box in np.flatnonzero(level_B == len(SCALES)).tolist():
            there = np.flatnonzero(level_B < len(SCALES))
            apart_T2 = np.abs(middle_B2[there] - middle_B2[box]) >= half_B2[there] + half_B2[box]
            if apart_T2.any(axis=1).all():
                level_B[box] = level
    return [int(level) for level in level_B]
