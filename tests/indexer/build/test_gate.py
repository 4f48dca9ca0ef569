"""A gate on a new generation: what is worse does not go live, and nothing is built where a gate could never
be asked."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from indexer.audit import list_entries
from indexer.build.builder import Build
from indexer.jobs.queue import JobInfo, list_jobs, start_job
from indexer.jobs.requests import read_request, start
from indexer.jobs.results import EvaluateResult, ReindexResult
from indexer.judgements.store import Given, keep_judgements
from indexer.progress import Reporter
from search.db.lookup import find_collection
from search.db.models import GenerationRow
from search.embedding.embedder import Embedder, load_embedder
from search.engine.engine import SearchEngine
from search.errors import GateClosed, InvalidRequest
from search.query.request import SearchRequest
from tests.support.building import build, work_off, write
from tests.support.model import make_shallow_model
from tests.support.notes import documents

pytestmark = [pytest.mark.database, pytest.mark.sql]

QUESTIONS = ["chromosomes", "a proof of numbers", "the cold ocean", "getting older", "ignore instructions"]


@pytest.fixture
def live(database: Engine, tmp_path: Path, embedder: Embedder) -> int:
    """A collection whose live generation finds first what was judged right: any other can only be worse."""
    number = build(database, tmp_path, embedder, "c", documents(), passage_tokens=192).generation
    engine = SearchEngine(database, tmp_path)
    answers = {question: engine.search(SearchRequest(question), collection="c") for question in QUESTIONS}
    said = [Given(asked, found.results[0].document.id, 1, "ann") for asked, found in answers.items()]
    keep_judgements(database, "c", said)
    return number


@pytest.fixture(scope="session")
def worse(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    """A model whose weights are chance."""
    return load_embedder(str(make_shallow_model(tmp_path_factory.mktemp("worse"))), "float32")


def states(database: Engine) -> dict[int, str]:
    with Session(database) as session:
        rows = session.execute(select(GenerationRow.id, GenerationRow.state).order_by(GenerationRow.id))
        return {row.id: row.state for row in rows}


def number_of(database: Engine) -> int:
    with Session(database) as session:
        return find_collection(session, "c").id


def test_what_is_no_worse_goes_live(database: Engine, tmp_path: Path, live: int, embedder: Embedder) -> None:
    builder = Build(database, tmp_path, embedder, Reporter(database))
    report = builder.run(number_of(database), gate=0.0)
    assert report.gate is not None
    assert (report.gate.this.generation, report.gate.this.is_live) == (report.generation, False)
    assert report.gate.differences[0].mean == 0
    assert states(database) == {live: "retired", report.generation: "live"}


def test_what_is_worse_is_kept_ready_until_it_is_wanted(
    database: Engine, tmp_path: Path, live: int, worse: Embedder
) -> None:
    number = number_of(database)

    def build_it(gate: float | None) -> int:
        return Build(database, tmp_path, worse, Reporter(database)).run(number, gate=gate).generation

    engine = SearchEngine(database, tmp_path)
    before = engine.search(SearchRequest(QUESTIONS[0]), collection="c")
    with pytest.raises(
        GateClosed, match=r"did not go live: its nDCG@10 is -0\.\d+ .* allows -0.01"
    ) as refused:
        build_it(0.01)
    held = refused.value.found["generation"]
    assert states(database) == {live: "live", held: "ready"}
    assert refused.value.found["gate"]["lost"], "the result says which"
    assert QUESTIONS[0] not in str(refused.value), "who reads reasons may not read judgements"
    assert f"--generation {held} --against-generation {live}" in refused.value.hint
    after = engine.search(SearchRequest(QUESTIONS[0]), collection="c")
    assert (after.generation, after.results) == (before.generation, before.results)
    with Session(database) as session:
        assert "generation.held" in [entry.action for entry in list_entries(session)]
    with pytest.raises(GateClosed):
        build_it(0.01)
    assert states(database) == {live: "live", held: "ready"}, "it is the same one that is asked again"
    assert build_it(1.0) == held
    assert states(database) == {live: "retired", held: "live"}


@pytest.mark.parametrize("gate", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_gate_out_of_range_is_named(
    database: Engine, tmp_path: Path, live: int, embedder: Embedder, gate: float
) -> None:
    with pytest.raises(InvalidRequest, match=f"The gate {gate:g} is out of range"):
        Build(database, tmp_path, embedder, Reporter(database)).run(number_of(database), gate=gate)
    assert states(database) == {live: "live"}


def test_nothing_is_built_where_a_gate_could_never_be_asked(
    database: Engine, tmp_path: Path, embedder: Embedder
) -> None:
    write(database, "c", documents(), model=embedder.space.model)
    builder = Build(database, tmp_path, embedder, Reporter(database))
    with pytest.raises(InvalidRequest, match="Nothing has been judged in 'c'"):
        builder.run(number_of(database), gate=0.01)
    keep_judgements(database, "c", [Given("q", "sea/1", 1, "ann")])
    with pytest.raises(InvalidRequest, match="'c' has nothing live"):
        builder.run(number_of(database), gate=0.01)
    assert states(database) == {}


def worked(database: Engine, data: Path) -> JobInfo:
    work_off(database, data)
    return list_jobs(database)[0]


def test_a_job_says_what_its_gate_saw(database: Engine, tmp_path: Path, live: int, worse: Embedder) -> None:
    assert states(database) == {live: "live"}
    start_job(database, "reindex", "c", gate=0.0)
    job = worked(database, tmp_path)
    assert isinstance(job.result, ReindexResult)
    assert job.state == "done"
    assert job.result.gate is not None
    assert job.result.gate.questions == len(QUESTIONS)
    start_job(database, "reindex", "c", gate=0.0, model=worse.space.model)
    job = worked(database, tmp_path)
    assert (job.state, states(database)[job.result.model_dump()["generation"]]) == ("failed", "ready")
    assert "did not go live" in (job.reason or "")
    assert isinstance(job.result, ReindexResult)
    assert not job.result.is_live
    assert job.result.gate is not None
    assert job.result.gate.lost
    assert job.result.gate.worse > 0


def test_an_evaluation_is_a_job(database: Engine, tmp_path: Path, live: int) -> None:
    start_job(database, "evaluate", "c", against_mode="semantic")
    job = worked(database, tmp_path)
    assert job.state == "done", job.reason
    assert isinstance(job.result, EvaluateResult)
    assert job.result.this.figures[0].mean == 1
    assert job.result.against is not None
    assert (job.result.against.generation, job.result.against.mode) == (live, "semantic")


@pytest.mark.parametrize(
    ("kind", "given", "says"),
    [
        ("evaluate", {}, "Nothing has been judged in 'c'"),
        ("reindex", {"gate": "0.5"}, "Nothing has been judged in 'c'"),
        ("reindex", {"gate": "-1"}, "gate='-1' cannot be used"),
        ("reindex", {"gate": "2"}, "gate='2' cannot be used"),
        ("reindex", {"gate": "nan"}, "gate='nan' cannot be used"),
        ("evaluate", {"mode": "other"}, "mode='other' cannot be used"),
        ("evaluate", {"generation": "0"}, "generation='0' cannot be used"),
        ("evaluate", {"presets": "a"}, "presets='a' cannot be used"),
    ],
)
def test_a_job_that_could_measure_nothing_is_refused_at_once(
    database: Engine, tmp_path: Path, kind: str, given: dict[str, str], says: str
) -> None:
    write(database, "c", documents())
    with pytest.raises(InvalidRequest, match=says):
        start(SearchEngine(database, tmp_path), read_request(kind, "c", given))
    assert list_jobs(database) == []
