"""Learning on a small collection: what people want is learned, used and undone; what nobody can know is
refused."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import URL, Engine, create_engine

from indexer.evaluation import Measured, run_evaluation
from indexer.judgements.store import delete_judgements, keep_judgements
from indexer.learning import run_learning
from indexer.presets.learned import accept, accept_of_job
from indexer.presets.store import set_default_preset
from indexer.progress import Reporter
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.engine.generations import generation_reader
from search.errors import InvalidRequest, JobNotFound
from search.evaluation.learning import KNOBS
from search.evaluation.lessons import directions, learnable, read_lessons
from search.query.request import SearchRequest
from search.query.steering import FeatureTarget, Knob, Steering, parse
from search.responses.learning import LearningReport
from tests.support.building import build
from tests.support.teaching import KINDS, SUBJECTS, documents, said

pytestmark = pytest.mark.database


@pytest.fixture(scope="module")
def taught(
    new_database: Callable[[], AbstractContextManager[URL]],
    tmp_path_factory: pytest.TempPathFactory,
    small_embedder: Embedder,
) -> Iterator[tuple[Engine, Path]]:
    data = tmp_path_factory.mktemp("taught")
    with new_database() as url:
        database = create_engine(url)
        build(database, data, small_embedder, "taught", documents())
        yield database, data
        database.dispose()


@pytest.fixture
def learned(taught: tuple[Engine, Path]) -> Iterator[LearningReport]:
    """What is learned where people want lessons."""
    keep_judgements(taught[0], "taught", said())
    yield run_learning(*taught, "taught", Reporter(taught[0]))
    delete_judgements(taught[0], "taught", "ann")


def test_what_people_want_is_learned_used_and_undone(
    taught: tuple[Engine, Path], learned: LearningReport
) -> None:
    assert learned.refusal == ""
    assert learned.unseen.low > 0
    assert learned.better > learned.worse
    assert learned.better + learned.worse + learned.same == learned.questions == len(SUBJECTS)
    assert 0 < len(learned.knobs) <= KNOBS
    assert sum(knob.helps for knob in learned.knobs) > sum(knob.hurts for knob in learned.knobs)
    assert {knob.target for knob in parse(learned.steer).knobs} == {
        FeatureTarget(knob.feature) for knob in learned.knobs
    }
    engine = SearchEngine(*taught)
    made = accept(engine, learned)
    assert (made.name, made.default) == ("learned", True)
    usual, none = Measured("taught"), Measured("taught", preset="none")
    found = run_evaluation(*taught, usual, none, Reporter(taught[0]))
    assert found.differences[0].low > 0
    set_default_preset(engine, "taught", None)
    found = run_evaluation(*taught, usual, none, Reporter(taught[0]))
    assert found.differences[0].mean == 0


def test_what_nobody_can_know_is_refused(taught: tuple[Engine, Path]) -> None:
    keep_judgements(taught[0], "taught", said(tuple(KINDS)))
    found = run_learning(*taught, "taught", Reporter(taught[0]))
    delete_judgements(taught[0], "taught", "ann")
    assert "did not teach" in found.refusal or "No knob" in found.refusal
    assert found.steer == ""
    with pytest.raises(InvalidRequest, match="nothing to accept"):
        accept(SearchEngine(*taught), found)


def test_too_few_questions_teach_nothing(taught: tuple[Engine, Path]) -> None:
    with pytest.raises(InvalidRequest, match="Nothing has been judged"):
        run_learning(*taught, "taught", Reporter(taught[0]))
    keep_judgements(taught[0], "taught", said()[:49])
    with pytest.raises(InvalidRequest, match=r"49 judged questions .* learning takes 50"):
        run_learning(*taught, "taught", Reporter(taught[0]))
    delete_judgements(taught[0], "taught", "ann")


def test_candidates_are_scored_as_searches_score_them(taught: tuple[Engine, Path]) -> None:
    question = "wine and cheese"
    grades = {question: {"lesson/wine": 1}, "lang:nowhere wine": {"lesson/wine": 1}}
    with generation_reader(*taught, "taught") as reader:
        features = learnable(reader.snapshot)
        lessons = read_lessons(reader, grades, directions(reader.snapshot, features))
    assert lessons.questions == (question, "lang:nowhere wine")
    strength_K = np.zeros(len(features))
    strength_K[:3] = 1.5, -0.7, 0.3
    first = lessons.only(np.array([True, False]))
    scores = dict(zip(first.documents[0], first.scores(strength_K), strict=True))
    turned = zip(features[:3].tolist(), strength_K[:3].tolist(), strict=True)
    steering = Steering(tuple(Knob(strength, FeatureTarget(feature)) for feature, strength in turned))
    found = SearchEngine(*taught).search(
        SearchRequest(question, steering), collection="taught", limit=20, collapse=False
    )
    for result in found.results:
        assert result.score == pytest.approx(scores[result.document.id], abs=1e-5)


def test_only_a_job_that_learned_is_accepted(taught: tuple[Engine, Path]) -> None:
    with pytest.raises(JobNotFound):
        accept_of_job(SearchEngine(*taught), 999)
