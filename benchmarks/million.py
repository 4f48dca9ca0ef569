"""This benchmark says what a collection of many passages takes on one machine: to build, to keep, to search.

    python -m benchmarks.million SHARED_DATA_FOLDER --keep FOLDER --passages 10000 100000 1000000 [--static]

Indexes so many real short passages into a folder each (or uses those of an earlier run): the texts of all
corpora in turns, each cut to some 200 characters. Longer passages would take more room for words, and nothing
else. Every document has fields with which a filter leaves a half, a hundredth or a ten-thousandth of them.
With `--static` vectors are those of a model of static word vectors, which costs next to nothing: embedding a
million with the default one takes hours on two cores. What the default one takes for a question then stands
in a line of its own.

Memory is that of servers which have answered the same questions, as Linux counts it: what processes share
(PSS) is divided among them. *First answer*: from the start of a server's program, imports included. Searches
are timed in one process, one at a time. *Recall*: of the ten best by meaning and words, how many are found
where bits of vectors are scanned first (`rabitq`), against a scan of all.
"""

import argparse
import contextlib
import functools
import itertools
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import httpx2 as httpx
import numpy as np
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from benchmarks.harness.common import report, table
from benchmarks.harness.server import serving
from benchmarks.harness.static_model import write_static_model
from indexer.backup.dump import dump
from indexer.build.builder import Build
from indexer.build.verify import verify
from indexer.documents import ensure_collection, ingest
from indexer.progress import Reporter
from indexer.sources import SourceDocument, open_source
from indexer.sources.beir import read_queries
from search.db.database import open_database
from search.db.lookup import live_generation
from search.db.recipe import IndexKind
from search.embedding.embedder import load_embedder
from search.engine.engine import SearchEngine
from search.errors import NotIndexed
from search.index.faiss_index import FaissIndex
from search.index.generation_files import INDEX_FILE, generation_folder
from search.index.passage_store import read_embeddings
from search.index.segments import SegmentedIndex
from search.index.snapshot import Snapshot
from search.query.parser import Condition
from search.query.request import SearchRequest
from search.query.steering import FeatureTarget, Knob, Steering
from search.scoring.hybrid import counted_words, word_scores
from search.scoring.ranking import rank
from search.settings import DEFAULT_MODEL, Settings

NAME = "million"
CHARACTERS, FEWEST = 200, 40
PARTS = {"half": 2, "hundredth": 100, "tenthousandth": 10_000}
KINDS: tuple[IndexKind, ...] = get_args(IndexKind)
QUESTIONS, STEPS, BEST = 100, 5, 10
SERVERS = 2
LARGEST_TABLES = 4

Rows = dict[str, object]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what a large collection takes.")
    parser.add_argument("shared", type=Path)
    parser.add_argument("--keep", type=Path, required=True, help="a folder for the indexes")
    parser.add_argument("--passages", type=int, nargs="+", required=True)
    parser.add_argument("--static", action="store_true", help="embed with static word vectors")
    given = parser.parse_args()
    questions = list(read_queries(given.shared / "beir" / "clapnq_dev").values())[:QUESTIONS]
    measure = functools.partial(measured, given.shared, questions=questions, static=given.static)
    columns = [measure(given.keep / str(each), each) for each in given.passages]
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [[name, *(column.get(name, "") for column in columns)] for name in names]
    header = ["documents of a passage each", *(f"{each:,}" for each in given.passages)]
    report("million", table(header, rows), {"header": header, "rows": rows})


def measured(shared: Path, folder: Path, passages: int, *, questions: Sequence[str], static: bool) -> Rows:
    """Measures a collection of one size."""
    folder.mkdir(parents=True, exist_ok=True)
    model = str(write_static_model(folder)) if static else DEFAULT_MODEL
    with open_database(Settings(data=folder, database_url=None)) as database:
        found: Rows = build(database, folder, itertools.islice(short_texts(shared), passages), model)
        found |= room(database, folder)
        for kind in KINDS:
            _index(database, kind)
            of_kind = servers(database, folder, questions) | searches(database, folder, questions)
            found |= {f"{name} ({kind})": value for name, value in of_kind.items()}
        found["a question by the default model"] = timed(encoded(questions))
        found[f"recall@{BEST} of rabitq"] = recall(database, folder, questions)
        found |= upkeep(database, folder)
    return found


def short_texts(shared: Path) -> Iterator[SourceDocument]:
    """Reads the texts of all corpora in turns, cut."""
    sources = [open_source(path) for path in sorted((shared / "corpora").glob("*.jsonl.gz"))]
    number = itertools.count()
    while sources:
        for source in list(sources):
            found = next(source, None)
            if found is None:
                sources.remove(source)
            elif isinstance(found, SourceDocument) and len(found.text) >= FEWEST:
                cut = re.sub(r"\s+\S*$", "", found.text[: CHARACTERS + 1])
                at = next(number)
                parts = {field: str(at % size) for field, size in PARTS.items()}
                yield replace(found, id=str(at), text=cut, url=None, meta=parts)


def build(database: Engine, folder: Path, documents: Iterator[SourceDocument], model: str) -> Rows:
    """Builds the collection, if that was not done before."""
    with Session(database) as session:
        number = ensure_collection(session, NAME, model).id
        session.commit()
        with contextlib.suppress(NotIndexed):
            live = live_generation(session, NAME)
            return {"passages": live.passages, **_steps(live.timings)}
    reporter = Reporter(database)
    with reporter.step("reading documents"):
        ingest(database, number, documents, reporter)
    done = Build(database, folder, load_embedder(model), reporter).run(number)
    return {"passages": done.passages, **_steps(reporter.seconds)}


def _steps(seconds: dict[str, float]) -> Rows:
    whole, embedding = sum(seconds.values()), seconds.get("embedding passages", 0.0)
    return {"build, s": whole, "of it embedding": f"{embedding / max(whole, 1e-9):.0%}"}


def room(database: Engine, folder: Path) -> Rows:
    """Measures the bytes a passage on disk: of each file, and of the largest tables with their indexes."""
    sizes = text(
        "SELECT coalesce(p.relname, c.relname), sum(pg_total_relation_size(c.oid)) FROM pg_class AS c "
        "LEFT JOIN pg_inherits ON inhrelid = c.oid LEFT JOIN pg_class AS p ON p.oid = inhparent "
        "WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace "
        f"GROUP BY 1 ORDER BY 2 DESC LIMIT {LARGEST_TABLES}"
    )
    with Session(database) as session:
        live = live_generation(session, NAME)
        files = {path.name: path.stat().st_size for path in generation_folder(folder, live.id).iterdir()}
        held = {f"table {name}": int(size) for name, size in session.execute(sizes)}
        passages = live.passages or 1
    every = (*sorted(files.items()), ("all files", sum(files.values())), *held.items())
    return {f"bytes a passage: {name}": size / passages for name, size in every}


def _index(database: Engine, kind: IndexKind) -> None:
    """Lets the vectors' file be made as of this kind when it is opened next."""
    with Session(database) as session:
        live = live_generation(session, NAME)
        live.recipe = live.recipe.model_copy(update={"index": kind})
        live.files = {name: sha256 for name, sha256 in live.files.items() if name != INDEX_FILE}
        session.commit()


def servers(database: Engine, folder: Path, questions: Sequence[str]) -> Rows:
    """Measures servers beside each other, each started when those before have answered."""
    found: Rows = {}
    with contextlib.ExitStack() as stack:
        processes = []
        for server in range(1, SERVERS + 1):
            begun = time.perf_counter()
            address, process = stack.enter_context(serving(folder, database, "--no-worker"))
            client = stack.enter_context(httpx.Client(base_url=address, timeout=600))
            _ask_server(client, questions[0])
            found[f"first answer of server {server}, s"] = time.perf_counter() - begun
            found[f"server {server} then, MiB"] = memory(process)
            for question in questions:
                _ask_server(client, question)
            processes.append(process)
        for server, process in enumerate(processes, 1):
            found[f"server {server} beside the other, MiB"] = memory(process)
    return found


def _ask_server(client: httpx.Client, question: str) -> None:
    client.get("/v1/search", params={"q": question, "collection": NAME}).raise_for_status()


def memory(process: int) -> float:
    """Reads the MiB of a process, of what it shares its part."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def searches(database: Engine, folder: Path, questions: Sequence[str]) -> Rows:
    """Times searches in this process."""
    engine = SearchEngine(database, folder)
    engine.snapshots.follow()
    try:
        engine.warm(NAME)
        ask = functools.partial(_ask, engine)
        found: Rows = {"new question": timed([functools.partial(ask, each) for each in questions])}
        sliders = [
            functools.partial(
                ask, each, steering=Steering((Knob((step + 1) / STEPS, _feature(engine, each)),))
            )
            for each in questions[:: len(questions) // 20]
            for step in range(STEPS)
        ]
        found["slider step"] = timed(sliders)
        for field, size in PARTS.items():
            only = (Condition(field, ("1",)),)
            ask(questions[0], filters=only)  # the values of a field are read once
            calls = [functools.partial(ask, f"{each} {field}", filters=only) for each in questions]
            found[f"new question, filtered to {1 / size:.2%}"] = timed(calls)
        return found
    finally:
        engine.snapshots.end()


def encoded(questions: Sequence[str]) -> list[Callable[[], object]]:
    """Gives calls that embed the questions with the default model, loaded."""
    embedder = load_embedder()
    embedder.encode(["warm"])
    return [functools.partial(embedder.encode, [each]) for each in questions]


def _ask(
    engine: SearchEngine,
    question: str,
    steering: Steering = Steering(()),  # noqa: B008 - it is never changed
    filters: tuple[Condition, ...] = (),
) -> None:
    engine.search(SearchRequest(question, steering, filters=filters), collection=NAME)


def _feature(engine: SearchEngine, question: str) -> FeatureTarget:
    with engine.reader(NAME) as reader:
        asked = reader.prepare(SearchRequest(question)).asked
    return FeatureTarget(next(iter(asked.question.active)))


def timed(calls: Sequence[Callable[[], object]]) -> str:
    """Times each call; gives the median and the 99th percentile."""
    times = []
    for call in calls:
        begun = time.perf_counter()
        call()
        times.append((time.perf_counter() - begun) * 1000)
    return "{:.1f}, {:.1f} ms".format(*np.percentile(times, [50, 99]))


def recall(database: Engine, folder: Path, questions: Sequence[str]) -> float:
    """Measures how many of the best documents of a scan are found by bits."""
    engine = SearchEngine(database, folder)
    snapshot = engine.snapshot(NAME)
    with Session(database) as session:
        x_ND = read_embeddings(session, snapshot.generation)
    found = []
    for kind in KINDS:
        index = SegmentedIndex(FaissIndex.build(x_ND, kind, on_gpu=False), None, snapshot.number_N)
        indexed = replace(snapshot, visible=replace(snapshot.visible, index=index))
        found.append([_best(engine, indexed, question) for question in questions])
    pairs = zip(*found, strict=True)
    return sum(len(exact & bits) for exact, bits in pairs) / sum(map(len, found[0]))


def _best(engine: SearchEngine, snapshot: Snapshot, question: str) -> set[int]:
    words = word_scores(snapshot.lexicon, list(counted_words(question)))
    q_D = engine.embed(snapshot.space, question)
    return set(rank(snapshot, q_D, [], BEST, words).documents[:BEST].tolist())


def upkeep(database: Engine, folder: Path) -> Rows:
    """Times verify and dump."""
    begun = time.perf_counter()
    verify(database, folder)
    found: Rows = {"verify, s": time.perf_counter() - begun}
    with TemporaryDirectory(prefix="refract-million-") as scratch:
        begun = time.perf_counter()
        dump(database, Path(scratch) / "whole.dump", Reporter(database))
        return found | {"dump, s": time.perf_counter() - begun}


if __name__ == "__main__":
    main()
