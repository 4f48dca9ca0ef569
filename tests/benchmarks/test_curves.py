"""Reading a steering curve."""

from benchmarks.harness.curves import Point, precision_at


def test_precision_is_read_between_two_strengths() -> None:
    curve = [Point(0, 1.0, 0.1), Point(1, 0.8, 0.2), Point(2, 0.4, 0.6)]
    assert precision_at(curve, 0.6) == 0.4
    assert precision_at(curve, 1.0) == 0.1


def test_a_method_that_never_pays_the_price_has_no_figure() -> None:
    assert precision_at([Point(0, 1.0, 0.1), Point(1, 0.7, 0.3)], 0.6) is None
