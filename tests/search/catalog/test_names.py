"""The names that a question may be."""

import numpy as np
import pytest
from sqlalchemy import Engine, select

from indexer.sources import SourceDocument
from search.catalog.names import MOST_NAMED, LaterNames, named_after, read_later_names
from search.db.models import DocumentRow
from search.embedding.embedder import Embedder
from search.engine.engine import SearchEngine
from search.index.document_names import Names, fold_name, names_of
from search.query.limits import MODES
from search.query.request import SearchRequest
from search.responses.search import Result
from search.scoring.hybrid import NAME_WEIGHT
from tests.support.building import build, work_off, write

NAMED = {
    "os.path.join": ["os.path.join", "path.join", "OS.Path.Join", "os.path.join()", "`os.path.join(a, b)`"],
    "guide/first/intro.md": ["guide/first/intro.md", "first/intro.md", "intro.md"],
    "Café Müller": ["café müller", "CAFE MULLER", "Cafe\u0301 Mu\u0308ller?", "“Café Müller”"],
    "len": ["len", "len()", "LEN(obj)"],
    "C++": ["c++"],
    "what's new": ["What’s New?"],
}
UNNAMED = [
    ("os.path.join", "join"),
    ("guide/intro.md", "md"),
    ("Café Müller", "müller"),
    ("len(x)", "len of"),
]


@pytest.mark.parametrize(("name", "question"), [(name, each) for name in NAMED for each in NAMED[name]])
def test_a_question_is_a_name_however_it_is_written(name: str, question: str) -> None:
    assert fold_name(question) in set(names_of(name))


@pytest.mark.parametrize(("name", "question"), UNNAMED)
def test_a_part_of_a_name_is_none(name: str, question: str) -> None:
    assert fold_name(question) not in set(names_of(name))


DOCUMENTS = [
    SourceDocument("json.dumps", "json.dumps", "Writes an object as text.", None, {}),
    SourceDocument(
        "json.dump", "json.dump", "json.dumps json.dumps: writes json dumps into a file.", None, {}
    ),
    SourceDocument("list.append", "list.append", "Puts an item at the end.", None, {}),
    SourceDocument("n1", "The tide tables", "Bread is baked in the morning.", None, {}),
    SourceDocument("n2", "Sea levels", "The tide tables say when the tide is high and low.", None, {}),
    *(SourceDocument(f"k{number}", "Note", f"Note {number} on bees.", None, {}) for number in range(12)),
]


@pytest.fixture
def engine(database: Engine, tmp_path: object, small_embedder: Embedder) -> SearchEngine:
    build(database, tmp_path, small_embedder, "c", DOCUMENTS)  # type: ignore[arg-type]
    return SearchEngine(database, tmp_path)  # type: ignore[arg-type]


def best(engine: SearchEngine, question: str, mode: str = "hybrid") -> Result:
    return engine.search(SearchRequest(question, mode=mode), collection="c").results[0]


@pytest.mark.database
@pytest.mark.parametrize("mode", MODES)
def test_what_is_asked_for_by_its_name_comes_first_and_its_score_says_so(
    engine: SearchEngine, mode: str
) -> None:
    for question, document in [("json.dumps", "json.dumps"), ("LIST.APPEND()", "list.append"), ("n1", "n1")]:
        assert best(engine, question, mode).document.id == document
    found = best(engine, "the tide tables", mode)
    assert found.document.id == "n1"
    assert [term.value for term in found.terms if term.kind == "name"] == [NAME_WEIGHT]
    assert sum(term.value for term in found.terms) == pytest.approx(found.score, abs=1e-5)


@pytest.mark.database
def test_what_many_documents_are_called_names_none(engine: SearchEngine) -> None:
    assert len(DOCUMENTS) - 5 > MOST_NAMED
    assert not any(term.kind == "name" for term in best(engine, "note").terms)


@pytest.mark.database
def test_a_document_that_came_later_is_found_by_its_name(
    engine: SearchEngine, database: Engine, small_embedder: Embedder
) -> None:
    best(engine, "bees")
    later = SourceDocument("re.match", "re.match", "Tries a pattern at the beginning.", None, {})
    write(database, "c", [later], model=small_embedder.space.model)
    work_off(database, engine.data)
    engine.snapshots.renew("c")
    assert best(engine, "re.match").document.id == "re.match"
    names = np.unique([term.kind for term in best(engine, "re.match").terms])
    assert "name" in names


@pytest.mark.database
def test_names_of_documents_that_are_there_no_more_are_forgotten(engine: SearchEngine) -> None:
    past = LaterNames(Names.of([(1, "gone", "gone")]), np.arange(5000))
    with engine.reader("c") as reader:
        kept = read_later_names(reader.session, reader.snapshot, LaterNames(past.names, past.known_R[:10]))
        assert len(kept.known_R) == 10
        assert not len(read_later_names(reader.session, reader.snapshot, past).known_R)


@pytest.mark.database
@pytest.mark.parametrize(
    ("phrase", "documents"),
    [
        ("json", ["json.dump", "json.dumps"]),
        ("`JSON.dumps()`", ["json.dumps"]),
        ("append", ["list.append"]),
        ("n1", ["n1"]),
        ("dump", ["json.dump"]),
        ("json.", []),
        ("son", []),
        ("%", []),
        ("?", []),
    ],
)
def test_a_document_is_named_after_the_parts_of_its_id(
    engine: SearchEngine, phrase: str, documents: list[str]
) -> None:
    with engine.reader("c") as reader:
        found = named_after(reader.session, reader.snapshot, phrase)
        ids = select(DocumentRow.external_id).where(DocumentRow.id.in_(found.tolist()))
        assert sorted(reader.session.scalars(ids)) == documents
