"""What a search counts, and that names of collections make only so many series."""

from contextvars import copy_context
from dataclasses import replace
from typing import Any

import pytest

from search import logs, metrics
from search.metrics import OTHER, REGISTRY, collection_label, count_search
from search.responses.search import SearchResponse, SteeringTerm, Timings

ANSWER = SearchResponse(
    query="how do cells divide",
    restrictions=[],
    mode="hybrid",
    collection="counted",
    generation=7,
    dictionary=1,
    took_ms=Timings(embed=4, wait=2000, search=30, explain=6, texts=8, words=0, facets=0, total=2048),
    total=10,
    limit=10,
    offset=0,
    moved=1.0,
    query_features=[],
    query_words=[],
    preset=None,
    steering=[],
    steering_lost=[],
    results=[],
)
STEERED = replace(ANSWER, steering=[SteeringTerm(label="x", strength=1.0)], weak=True)


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_search_is_counted_by_collection_mode_and_whether_it_was_steered() -> None:
    labels = {"collection": "counted", "mode": "hybrid"}
    before = [value("refract_searches_total", **labels, steered=steered) for steered in ("false", "true")]
    weak = value("refract_searches_weak_total", collection="counted")
    for answer in (ANSWER, STEERED, STEERED):
        count_search(answer)
    after = [value("refract_searches_total", **labels, steered=steered) for steered in ("false", "true")]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 2]
    assert value("refract_searches_weak_total", collection="counted") == weak + 2


def test_the_time_of_every_stage_is_counted_in_seconds() -> None:
    before = value("refract_search_stage_duration_seconds_sum", stage="wait")
    in_all = value("refract_search_duration_seconds_sum")
    count_search(ANSWER)
    assert value("refract_search_stage_duration_seconds_sum", stage="wait") == pytest.approx(before + 2.0)
    assert value("refract_search_duration_seconds_sum") == pytest.approx(in_all + 2.048)
    assert value("refract_search_stage_duration_seconds_count", stage="total") == 0


def test_the_request_at_hand_knows_what_was_searched() -> None:
    def searched() -> dict[str, Any]:
        known = logs.begin(request_id="r")
        count_search(STEERED)
        return known

    known = copy_context().run(searched)
    assert (known["collection"], known["generation"], known["knobs"]) == ("counted", 7, 1)
    assert known["stages"]["wait"] == 2000
    assert known["question"] == "how do cells divide"


def test_only_so_many_collections_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_labelled", set())
    names = [f"c{number}" for number in range(metrics.MOST_LABELLED + 2)]
    assert [collection_label(name) for name in names] == [*names[:-2], OTHER, OTHER]
    assert collection_label("c0") == "c0"
