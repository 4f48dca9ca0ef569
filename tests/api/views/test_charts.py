"""Charts are drawn from what they stand for, and a document's text is shown once, whole and in order."""

from hypothesis import given
from hypothesis import strategies as st

from api.views import charts
from search.responses.documents import ActiveFeature, DocumentDetail, DocumentPassage
from search.responses.features import Histogram
from search.responses.words import NamedFeature


def document(
    text: str, spans: list[tuple[int, int]], activations: list[float] | None = None
) -> DocumentDetail:
    strengths = activations or [1.0] * len(spans)
    passages = [
        DocumentPassage(number, start, end, [ActiveFeature(7, "seven", True, strength)])
        for number, ((start, end), strength) in enumerate(zip(spans, strengths, strict=True))
    ]
    return DocumentDetail("d", "D", None, "c", 1, text, {}, passages)


def test_columns_fill_the_width_and_the_tallest_fills_the_height() -> None:
    chart = charts.histogram(Histogram(2.0, [100, 10, 1, 0]))
    assert [column.count for column in chart.columns] == [100, 10, 1, 0]
    assert chart.columns[0].height == 100
    assert chart.columns[2].height > 10
    assert chart.columns[3].height == 0
    assert chart.columns[-1].x + chart.columns[-1].width == 100
    assert chart.columns[-1].high == 2.0


def test_gridlines_stand_at_powers_of_ten() -> None:
    chart = charts.histogram(Histogram(2.0, [250, 3]))
    assert [line.count for line in chart.grid] == [1, 10, 100]
    assert all(0 <= line.y <= 100 for line in chart.grid)


def test_a_feature_that_never_fires_has_an_empty_chart() -> None:
    assert charts.histogram(Histogram(0.0, [])).columns == []


def test_heat_goes_by_quarters_of_the_features_own_maximum() -> None:
    assert [charts.heat(value, 4.0) for value in (0, 0.1, 1.5, 2.5, 4.0, 5.0)] == [0, 1, 2, 3, 4, 4]


@given(
    st.text(min_size=1, max_size=60), st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=6)
)
def test_every_character_is_shown_once_in_order(text: str, cuts: list[tuple[int, int]]) -> None:
    spans = sorted((min(s, len(text) - 1), min(s + n, len(text))) for s, n in cuts)
    parts = charts.stretches(document(text, spans), [])
    assert "".join(part.text for part in parts) == text


def test_passages_keep_their_number_heat_and_place() -> None:
    found = document("aaaa-bbbb", [(0, 4), (5, 9)], [0.2, 1.0])
    parts = charts.stretches(found, [NamedFeature(7, "seven", True, 1.0)])
    assert [(part.text, part.passage, part.heat) for part in parts] == [
        ("aaaa", 0, 1),
        ("-", None, 0),
        ("bbbb", 1, 4),
    ]
    assert parts[-1].y + parts[-1].height == 100


def test_every_feature_has_a_heat_of_its_own_and_the_first_is_shown() -> None:
    features = [NamedFeature(8, "eight", True, 1.0), NamedFeature(7, "seven", True, 1.0)]
    (part,) = charts.stretches(document("aaaa", [(0, 4)]), features)
    assert (part.activations, part.heats, part.heat) == ([0.0, 1.0], [0, 4], 0)
