"""Questions to begin with: each is answered, each by another part, and they cost nothing the second time."""

import pytest

from search.browse import examples
from search.browse.examples import MOST, start_examples
from search.engine.engine import SearchEngine
from search.errors import ModelUnavailable
from search.query.request import SearchRequest
from tests.support.indexed import Indexed
from tests.support.reading import read

pytestmark = pytest.mark.database


@pytest.fixture
def fresh(engine: SearchEngine) -> SearchEngine:
    """An engine that remembers nothing."""
    return SearchEngine(engine.database, engine.data)


def test_each_large_part_has_a_question_that_it_answers(engine: SearchEngine, indexed: Indexed) -> None:
    kind = {document.id: document.meta["kind"] for document in indexed.documents}
    package = {document.id: document.meta["package"] for document in indexed.documents}
    asked = read(engine, "manual", start_examples)
    assert len(asked) == len(set(asked)) == MOST
    answers = [engine.search(SearchRequest(each), collection="manual") for each in asked]
    assert not any(answer.weak for answer in answers)
    first = [answer.results[0].document.id for answer in answers]
    assert len(set(first)) == MOST
    assert len({(package[each], kind[each]) for each in first}) >= 3


def test_they_are_worked_out_once_a_generation(fresh: SearchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = read(fresh, "manual", start_examples)
    monkeypatch.setattr(examples, "embedder_of", lambda _: pytest.fail("It was worked out again."))
    assert read(fresh, "manual", start_examples) == asked


def test_a_model_that_does_not_answer_leaves_titles(
    fresh: SearchEngine, indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: object) -> None:
        raise ModelUnavailable("It is gone.")

    with monkeypatch.context() as patched:
        patched.setattr(examples, "embedder_of", gone)
        titles = read(fresh, "manual", start_examples)
    assert titles
    assert set(titles) <= {document.title for document in indexed.documents}
    assert read(fresh, "manual", start_examples) != titles  # it is tried again
