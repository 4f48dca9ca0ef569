"""What a phrase means where it is the name of something here: what speaks of it, and all that is of it."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from indexer.sources import SourceDocument
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.query.filters import parse_filters
from search.query.parser import Condition
from search.query.request import SearchRequest
from search.query.steering import ConceptTarget, Knob, Steering
from search.responses.search import Result
from search.rights import Rights
from search.scoring.ranking import CONCEPT_UNIT
from tests.support.building import build

pytestmark = pytest.mark.database

DOCUMENTS = [
    SourceDocument("numpy.linalg.inv", "Inverse", "The inverse of a matrix.", meta={"package": "NumPy"}),
    SourceDocument("scipy.linalg.inv", "Inverse", "It undoes a matrix.", meta={"package": "scipy"}),
    SourceDocument("guide/intro.md", "Whales", "Whales sing songs.", meta={"path": ["guide/"]}),
    SourceDocument(
        "bread", "Bread", "Bread is baked. numpy bakes none.", meta={"title": "Loaf", "lang": "en"}
    ),
    SourceDocument(
        "tides", "Tides", "The tide is high.", meta={"lang": "en", "title": "Sea", "topic": "sea"}
    ),
    *(SourceDocument(f"n{number}", "Note", f"Note {number}.", meta={"lang": "en"}) for number in range(9)),
]

OF_IT = {
    "numpy": {"numpy.linalg.inv": ["package:NumPy"], "bread": ["text:numpy"]},
    "linalg": {"numpy.linalg.inv": ["id:linalg"], "scipy.linalg.inv": ["id:linalg"]},
    "Linalg.INV": {"numpy.linalg.inv": ["id:Linalg.INV"], "scipy.linalg.inv": ["id:Linalg.INV"]},
    "guide": {"guide/intro.md": ["path:guide/"]},
    "sea": {"tides": ["title:Sea", "topic:sea"]},
    "en": {},
    "nump": {},
    "lin_lg": {},
    "bakes none": {"bread": ["text:bakes none"]},
    "bakes songs": {},
}
"""Whose documents are of a phrase or say it, and by what; of "en" are most of them."""


SAYING = 1 / (1 + 1.5)
"""What saying a word once counts, tf / (tf + k1)."""


@pytest.fixture
def engine(database: Engine, tmp_path: Path, small_embedder: Embedder) -> SearchEngine:
    build(database, tmp_path, small_embedder, "c", DOCUMENTS)
    return SearchEngine(database, tmp_path)


def steered(engine: SearchEngine, phrase: str, strength: float) -> list[Result]:
    steering = Steering((Knob(strength, ConceptTarget(phrase)),))
    return engine.search(SearchRequest("matrix", steering), collection="c", limit=50).results


def test_what_is_of_a_phrase_belongs_as_a_whole_and_its_term_says_by_what(engine: SearchEngine) -> None:
    for phrase, expected in OF_IT.items():
        for strength in (1.0, -2.0):
            terms = {
                result.document.id: next(term for term in result.terms if term.kind == "steering")
                for result in steered(engine, phrase, strength)
            }
            assert {id: term.met for id, term in terms.items() if term.met} == expected
            for id, met in expected.items():
                part = SAYING if met[0].startswith("text:") else 1.0
                assert terms[id].value == pytest.approx(CONCEPT_UNIT * strength * part)
                assert terms[id].parts == []


def test_terms_still_sum_to_the_score(engine: SearchEngine) -> None:
    for result in steered(engine, "linalg", 1.5):
        assert sum(term.value for term in result.terms) == pytest.approx(result.score, abs=1e-5)


def test_who_sees_a_part_steers_by_that_alone(engine: SearchEngine) -> None:
    """What is of a phrase elsewhere is not counted among the documents here."""
    part = engine.on_behalf_of(Rights(only=parse_filters(["lang:en"])))
    met = {result.document.id: result.terms for result in steered(part, "sea", 1.0)}
    assert len(met) == 11
    assert [term.met for term in met["tides"] if term.kind == "steering"] == [["title:Sea", "topic:sea"]]


def test_a_field_called_title_is_no_filter(engine: SearchEngine) -> None:
    """That filter asks for the document's own title."""
    with engine.reader("c") as reader:
        assert reader.values_called("SEA") == [Condition("topic", ("sea",))]
        assert reader.values_called("loaf") == reader.values_called("whale") == []
        assert reader.values_called("numpy") == [Condition("package", ("NumPy",))]
