"""Charts are drawn as SVG on the server; places and sizes are percentages of the picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

from search.responses.documents import DocumentDetail
from search.responses.features import Histogram
from search.responses.words import NamedFeature

HEAT_LEVELS = 4


@dataclass(frozen=True)
class Column:
    """Describes one bin of a histogram: activations from `low` to `high` occurred `count` times."""

    low: float
    high: float
    count: int
    x: float
    width: float
    height: float


@dataclass(frozen=True)
class Gridline:
    """Describes a horizontal line at `count`, `y` percent from the top."""

    count: int
    y: float


@dataclass(frozen=True)
class HistogramChart:
    columns: list[Column]
    grid: list[Gridline]


@dataclass(frozen=True)
class Stretch:
    """Places a stretch of a document: a passage, or (`passage` None) text between passages.

    `start` is where its text begins in that of the document. `activations` says how strongly each asked
    feature fires there, `heats` the same as 0..4 against the feature's own maximum; `y` and `height` are its
    place on the document's map.
    """

    text: str
    start: int
    passage: int | None
    index: int
    activations: list[float]
    heats: list[int]
    y: float
    height: float

    @property
    def heat(self) -> int:
        """Gives the heat of the feature which is shown in the text, the first."""
        return self.heats[0] if self.heats else 0

    @property
    def end(self) -> int:
        """Gives where its text ends in that of the document."""
        return self.start + len(self.text)


def histogram(data: Histogram) -> HistogramChart:
    """Draws columns on a logarithmic scale, on which a single occurrence is still to be seen."""
    top = log10(max(data.counts, default=0) + 1) or 1.0
    width = 100 / max(len(data.counts), 1)
    step = data.maximum / max(len(data.counts), 1)
    columns = [
        Column(
            low=i * step,
            high=(i + 1) * step,
            count=count,
            x=round(i * width, 2),
            width=round(width, 2),
            height=_height(count, top),
        )
        for i, count in enumerate(data.counts)
    ]
    powers = [10**power for power in range(int(top) + 1) if log10(10**power + 1) <= top]
    return HistogramChart(columns, [Gridline(count, round(100 - _height(count, top), 2)) for count in powers])


def _height(count: int, top: float) -> float:
    return round(log10(count + 1) / top * 100, 2)


def heat(activation: float, maximum: float) -> int:
    """Grades an activation: 0 for none, else 1..4 by quarters of the feature's maximum."""
    if activation <= 0 or maximum <= 0:
        return 0
    return min(int(activation / maximum * HEAT_LEVELS) + 1, HEAT_LEVELS)


def stretches(document: DocumentDetail, features: Sequence[NamedFeature]) -> list[Stretch]:
    """Cuts the whole text in order, every character once; where passages overlap the earlier one keeps it."""
    parts: list[tuple[str, int | None]] = []
    place = 0
    order = sorted(range(len(document.passages)), key=lambda i: document.passages[i].start)
    for index in order:
        passage = document.passages[index]
        if passage.start > place:
            parts.append((document.text[place : passage.start], None))
        parts.append((document.text[max(place, passage.start) : passage.end], index))
        place = max(place, passage.end)
    parts.append((document.text[place:], None))
    return _placed(document, [part for part in parts if part[0] or part[1] is not None], features)


def _placed(
    document: DocumentDetail, parts: Sequence[tuple[str, int | None]], features: Sequence[NamedFeature]
) -> list[Stretch]:
    total = sum(len(text) for text, _ in parts) or 1
    placed, start, y = [], 0, 0.0
    for text, index in parts:
        height = 100 * len(text) / total
        active = {} if index is None else {f.feature: f.activation for f in document.passages[index].features}
        activations = [active.get(feature.feature, 0.0) for feature in features]
        placed.append(
            Stretch(
                text=text,
                start=start,
                passage=None if index is None else document.passages[index].id,
                index=index or 0,
                activations=activations,
                heats=[
                    heat(value, feature.maximum) for value, feature in zip(activations, features, strict=True)
                ],
                y=round(y, 2),
                height=round(height, 2),
            )
        )
        start += len(text)
        y += height
    return placed
