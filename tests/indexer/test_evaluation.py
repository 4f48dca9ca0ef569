"""Evaluations on a small collection: figures are those of the searches that people make, differences have
their reasons."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine

from indexer.build.builder import Build
from indexer.evaluation import Measured, compared_with, run_evaluation
from indexer.judgements.store import Given, keep_judgements
from indexer.presets.store import save_preset
from indexer.progress import Reporter
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.errors import (
    CollectionNotFound,
    InvalidRequest,
    InvalidSteering,
    NotIndexed,
    PresetNotFound,
)
from search.evaluation.evaluate import Setting, evaluate
from search.query.request import SearchRequest
from search.query.steering import parse
from search.responses.evaluation import EvaluationReport
from tests.support.building import build, write
from tests.support.notes import documents

pytestmark = pytest.mark.database

QUESTIONS = {
    "how do cells divide": {"biology/mitosis": 2, "biology/meiosis": 1, "sea/1": 0},
    "whales in the sea": {"sea/7": 1},
    "a base case": {"proofs/induction": 1, "injected": 0},
}
THIS = Measured("notes")
MEASURES = ["nDCG@10", "recall@100", "MRR", "success@1"]


@pytest.fixture(scope="module")
def judged(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    small_embedder: Embedder,
) -> Iterator[tuple[Engine, Path]]:
    """A collection with judgements, a preset, and a generation before the live one that lacks nothing; beside
    it one without an index."""
    data = tmp_path_factory.mktemp("judged")
    with new_database() as url:
        database = create_engine(url)
        build(database, data, small_embedder, "notes", documents(), passage_tokens=192)
        build(database, data, small_embedder, "notes", documents(), passage_tokens=24)
        build(database, data, small_embedder, "fewer", documents()[:4])
        write(database, "empty", [])
        said = [
            Given(question, document, grade, "ann")
            for question, grades in QUESTIONS.items()
            for document, grade in grades.items()
        ]
        keep_judgements(database, "notes", said)
        save_preset(SearchEngine(database, data), "notes", "wet", parse("concept:the sea:3"))
        yield database, data
        database.dispose()


def run(
    judged: tuple[Engine, Path], this: Measured = THIS, against: Measured | None = None
) -> EvaluationReport:
    return run_evaluation(*judged, this, against, Reporter(judged[0]))


def test_figures_are_those_of_the_searches_that_people_make(judged: tuple[Engine, Path]) -> None:
    found = run(judged)
    engine = SearchEngine(*judged)
    first = []
    for question, grades in QUESTIONS.items():
        answer = engine.search(SearchRequest(question), collection="notes", limit=100, collapse=False)
        ids = [result.document.id for result in answer.results]
        ranks = [ids.index(name) + 1 for name, grade in grades.items() if grade]
        (values,) = (each.this for each in found.per_question if each.question == question)
        assert values["MRR"] == pytest.approx(1 / min(ranks))
        assert values["success@1"] == (min(ranks) == 1)
        assert values["recall@100"] == 1
        first.append(values["nDCG@10"])
    assert [figure.measure for figure in found.this.figures] == MEASURES
    ndcg = found.this.figures[0]
    assert ndcg.mean == pytest.approx(sum(first) / 3)
    assert ndcg.low <= ndcg.mean <= ndcg.high
    assert [each.this["nDCG@10"] for each in found.per_question] == sorted(first)
    assert (found.questions, found.judgements, found.judges, found.gone) == (3, 6, 1, 0)
    assert found.against is None
    assert found.this.is_live


def test_an_evaluation_of_a_reader_gives_rankings(judged: tuple[Engine, Path]) -> None:
    done: list[int] = []
    with SearchEngine(*judged).reader("notes") as reader:
        found = evaluate(reader, QUESTIONS, Setting(preset="wet"), done.append)
    assert sum(done) == len(QUESTIONS)
    assert list(found.rankings) == list(found.questions) == list(QUESTIONS)
    assert all(len(set(ranking)) == len(ranking) == len(documents()) for ranking in found.rankings.values())
    assert {measure: len(values) for measure, values in found.values.items()} == dict.fromkeys(MEASURES, 3)


def test_two_settings_are_compared_question_by_question(judged: tuple[Engine, Path]) -> None:
    found = run(judged, replace(THIS, preset="wet"), replace(THIS, preset="none"))
    assert found.against is not None
    assert (found.this.preset, found.against.preset) == ("wet", "none")
    gap = found.differences[0]
    assert gap.mean == pytest.approx(found.this.figures[0].mean - found.against.figures[0].mean)
    assert gap.low <= gap.mean <= gap.high
    assert found.worse > 0
    assert found.better + found.worse + found.same == found.questions
    assert len(found.lost) == found.worse
    turned = [term for each in found.lost for term in each.terms if term.kind == "steering"]
    assert turned, "the sea is why they are worse"
    assert {term.label for term in turned} == {"the sea"}
    assert all(term.against == 0 and term.this < 0 for term in turned)
    for each in found.lost:
        assert each.this < each.against
        assert QUESTIONS[each.question][each.document] > 0
        assert not QUESTIONS[each.question].get(each.rival)
    back = run(judged, replace(THIS, preset="none"), replace(THIS, preset="wet"))
    assert back.differences[0].mean == pytest.approx(-gap.mean)
    assert (back.better, back.worse) == (found.worse, found.better)
    assert {each.question for each in back.gained} == {each.question for each in found.lost}


def test_generations_are_compared(judged: tuple[Engine, Path]) -> None:
    alone = run(judged)
    earlier = alone.this.generation - 1
    found = run(judged, replace(THIS, generation=earlier), THIS)
    assert found.against is not None
    assert (found.this.generation, found.this.is_live) == (earlier, False)
    assert found.against.figures == alone.this.figures
    with pytest.raises(InvalidRequest, match=r"no generation 999 .*There is: .*\(retired\).*\(live\)"):
        run(judged, replace(THIS, generation=999))


def test_collections_are_compared_by_the_documents_that_both_have(judged: tuple[Engine, Path]) -> None:
    found = run(judged, THIS, Measured("fewer"))
    assert (found.questions, found.gone, found.unanswerable) == (2, 3, 1)
    assert found.against is not None
    assert found.against.collection == "fewer"


@pytest.mark.parametrize(
    ("this", "against", "error", "says"),
    [
        (Measured("nothing"), None, CollectionNotFound, "'nothing'"),
        (Measured("empty"), None, InvalidRequest, "Nothing has been judged in 'empty'"),
        (Measured("fewer"), None, InvalidRequest, "Nothing has been judged in 'fewer'"),
        (THIS, Measured("empty"), InvalidRequest, "None of the 6 judgements"),
        (replace(THIS, preset="dry"), None, PresetNotFound, "'dry'"),
        (replace(THIS, mode="other"), None, InvalidRequest, "'other'"),
        (replace(THIS, steer="1:x"), None, InvalidSteering, "x"),
        (replace(THIS, steer="99999:1"), None, InvalidSteering, "99999"),
        (THIS, THIS, InvalidRequest, "Both sides are the same"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    judged: tuple[Engine, Path],
    this: Measured,
    against: Measured | None,
    error: type[Exception],
    says: str,
) -> None:
    with pytest.raises(error, match=says):
        run(judged, this, against)


def test_a_collection_that_waits_for_its_first_index(judged: tuple[Engine, Path]) -> None:
    write(judged[0], "waiting", documents())
    keep_judgements(judged[0], "waiting", [Given("q", "sea/1", 1, "ann")])
    with pytest.raises(NotIndexed):
        run(judged, Measured("waiting"))


@pytest.mark.parametrize(
    ("given", "other"),
    [
        ({}, None),
        ({"preset": "p"}, Measured("c", 3, "p", "1:1")),
        ({"generation": 4}, Measured("c", 4, None, "1:1")),
        ({"collection": "d"}, Measured("d", None, None, "1:1")),
        ({"collection": "d", "generation": 4}, Measured("d", 4, None, "1:1")),
        ({"collection": "c"}, Measured("c", 3, None, "1:1")),
    ],
)
def test_the_other_side_is_as_this_one_in_what_is_not_given(
    given: dict[str, Any], other: Measured | None
) -> None:
    assert compared_with(Measured.of("c", generation=3, steer="1:1", preset=None), **given) == other


def test_an_earlier_generation_lacks_what_came_later(judged: tuple[Engine, Path], embedder: Embedder) -> None:
    """It is evaluated as it is: what it cannot find counts against it."""
    database, data = judged
    number = build(database, data, embedder, "late", documents()[:6]).generation
    collection = write(database, "late", documents(), model=embedder.space.model)
    Build(database, data, embedder, Reporter(database)).run(collection, passage_tokens=24)
    keep_judgements(database, "late", [Given("whales in the sea", "sea/7", 1, "ann")])
    found = run(judged, Measured("late"), Measured("late", number))
    assert found.against is not None
    recall = [side.figures[1].mean for side in (found.this, found.against)]
    assert recall == [1, 0]
    (gained,) = found.gained
    assert (gained.document, gained.rank_against, gained.terms) == ("sea/7", None, ())
