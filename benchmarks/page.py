"""This benchmark counts what a page asks of the database, among one collection and among many, and times it
beside the search.

    python -m benchmarks.page [--documents 100] [--collections 1 --collections 20] [--rounds 20]

Indexes the documentation of the installed Python, and beside it collections of a few documents each. Then it
asks for pages of the application as a browser does: a search, a slider that is dragged (what htmx sends, with
the fields of the form on the page), two documents compared, a document that is missed, a text that is
analyzed. Queries are those that SQLAlchemy sends. All questions are known from before, so that none is
embedded. The peer is `engine.search` for what a page shows.

A second table is of questions that are new, over passages that the model has not read: the first answer, what
comes after it by a request of its own (words that are marked, what answers can be narrowed down to), and its
peer, all of it at once with the numbers and reasons of every card, which a page without scripts may ask for.
The three are asked for one after the other, question by question.
"""

import itertools
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from lxml import html
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from api.app import create_app
from benchmarks.harness.common import report, table
from indexer.build.builder import Build
from indexer.documents import ensure_collection, ingest
from indexer.progress import Reporter
from indexer.sources import open_source
from search.db.database import open_database
from search.embedding.embedder import load_embedder
from search.engine.engine import SearchEngine
from search.presentation.for_people import ForPeople
from search.presentation.highlighting import WordSumsCache
from search.query.request import SearchRequest
from search.query.steering import parse
from search.settings import DEFAULT_MODEL, Settings

NAME = "asked"
FEW = 5  # documents of each of the other collections
QUESTIONS = ["catch an exception", "slice a list", "format a string", "divide integers", "await a coroutine"]
TEXT = "A thread that holds a lock keeps others waiting. Release it in a finally clause, or use `with`."
NEW = "which {} of {}"
NEW_WORDS = ["argument", "method", "example", "name", "kind", "class", "error", "result", "value", "limit"]
HTMX = {"HX-Request": "true"}
SLIDER = {"HX-Request": "true", "HX-Trigger": "knobs"}

Call = Callable[[int], object]
"""A request of one kind; the number says which question and how far the slider is."""


class Queries:
    """Counts the statements that go to a database."""

    def __init__(self, database: Engine) -> None:
        self.count = 0
        event.listen(database, "before_cursor_execute", self._count)

    def _count(self, *_: object) -> None:
        self.count += 1


def main(
    documents: int = 100,
    collections: Annotated[list[int] | None, typer.Option()] = None,
    rounds: int = 20,
) -> None:
    """Measures each kind of page and prints one table."""
    folder = Path(mkdtemp(prefix="refract-page-"))
    found: dict[str, list[list[float]]] = {}
    anew: list[list[Any]] = []
    try:
        with open_database(Settings(data=folder, database_url=None)) as database:
            _index(database, folder, NAME, documents)
            there = 1
            for wanted in collections or [1, 20]:
                for number in range(there, wanted):
                    _index(database, folder, f"other-{number}", FEW)
                there = wanted
                for kind, figures in _measured(database, folder, rounds).items():
                    found.setdefault(kind, []).append(figures)
            anew = _anew(database, folder, rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    header = ["page"]
    for wanted in collections or [1, 20]:
        header += [f"queries, collections: {wanted}", "most", "median ms"]
    rows: list[list[Any]] = [[kind, *itertools.chain(*figures)] for kind, figures in found.items()]
    report("page", table(header, rows), {"rows": rows, "documents": documents})
    header = ["a new question", "median ms", "beside all at once", "most kB"]
    report("page_anew", table(header, anew), {"rows": anew, "documents": documents})


def _index(database: Engine, data: Path, name: str, documents: int) -> None:
    with Session(database) as session:
        number = ensure_collection(session, name, DEFAULT_MODEL).id
        session.commit()
    reporter = Reporter(database)
    ingest(database, number, itertools.islice(open_source(None, "pydoc"), documents), reporter)
    Build(database, data, load_embedder(), reporter).run(number)


def _measured(database: Engine, data: Path, rounds: int) -> dict[str, list[float]]:
    """Measures for each kind of page the median and the most queries of a request, and its median
    milliseconds."""
    found = {}
    queries = Queries(database)
    with _served(database, data) as (engine, client):
        for kind, call in _kinds(engine, client).items():
            counts, times = [], []
            for number in range(-len(QUESTIONS), rounds):  # those before the first are not counted
                before, started = queries.count, time.perf_counter()
                call(number)
                if number >= 0:
                    counts.append(queries.count - before)
                    times.append(1000 * (time.perf_counter() - started))
            found[kind] = [statistics.median_low(counts), max(counts), statistics.median(times)]
    return found


def _anew(database: Engine, data: Path, rounds: int) -> list[list[Any]]:
    """Measures what a new question costs in two steps, and at once; each of the two ways has an engine of its
    own, which forgets what it read."""
    spent: dict[str, list[float]] = {"first answer": [], "words and counts": [], "all at once": []}
    sizes: dict[str, list[int]] = {kind: [] for kind in spent}

    def ask(kind: str, client: TestClient, address: str, headers: dict[str, str] | None = None) -> str:
        started = time.perf_counter()
        answer = client.get(address, headers=headers).raise_for_status()
        spent[kind].append(1000 * (time.perf_counter() - started))
        sizes[kind].append(len(answer.content))
        return answer.text

    with _served(database, data) as (stepwise, client), _served(database, data) as (whole, other):
        for engine in (stepwise, whole):
            engine._shared = replace(engine._shared, word_sums=WordSumsCache(0))
            engine.warm(NAME)
        for words in itertools.islice(itertools.product(NEW_WORDS, QUESTIONS), rounds):
            address = f"/?{urlencode({'q': NEW.format(*words), 'collection': NAME})}"
            page: Any = html.fromstring(ask("first answer", client, address))
            ask("words and counts", client, page.get_element_by_id("rest").get("hx-get"), HTMX)
            ask("all at once", other, f"{address}&details=all")
    beside = statistics.median(spent["all at once"])
    return [
        [kind, statistics.median(times), statistics.median(times) / beside, max(sizes[kind]) / 1000]
        for kind, times in spent.items()
    ]


@contextmanager
def _served(database: Engine, data: Path) -> Iterator[tuple[SearchEngine, TestClient]]:
    """Makes the application as `refract serve` runs it: a thread follows what changes."""
    engine = SearchEngine(database, data)
    engine.snapshots.follow()
    try:
        with TestClient(create_app(engine)) as client:
            yield engine, client
    finally:
        engine.snapshots.end()


def _kinds(engine: SearchEngine, client: TestClient) -> dict[str, Call]:
    answers = [_get(client, "/v1/search", q=question).json()["results"] for question in QUESTIONS]
    ids = [[result["document"]["id"] for result in results] for results in answers]
    knobs = [_topic(client, question) for question in QUESTIONS]
    forms = [
        _form(_get(client, "/", q=question, steer=f"{knob}:1").text)
        for question, knob in zip(QUESTIONS, knobs, strict=True)
    ]

    def asked(number: int) -> tuple[str, list[str]]:
        return QUESTIONS[number % len(QUESTIONS)], ids[number % len(QUESTIONS)]

    def alone(number: int) -> object:
        question, _ = asked(number)
        return engine.search(SearchRequest(question), collection=NAME, facets=True, for_people=ForPeople())

    def alone_steered(number: int) -> object:
        question, _ = asked(number)
        steering = parse(f"{knobs[number % len(QUESTIONS)]}:{_strength(number)}")
        return engine.search(
            SearchRequest(question, steering), collection=NAME, facets=True, for_people=ForPeople()
        )

    def page(number: int) -> object:
        return _get(client, "/", q=asked(number)[0])

    def slider(number: int) -> object:
        form = dict(forms[number % len(QUESTIONS)])
        form[next(name for name in form if name.startswith("s."))] = str(_strength(number))
        return client.get("/", params=form, headers=SLIDER).raise_for_status()

    def compare(number: int) -> object:
        question, (first, second, *_) = asked(number)
        return _get(client, "/compare", q=question, first=first, second=second)

    def why_not(number: int) -> object:
        question, found = asked(number)
        return _get(client, "/why-not", q=question, document=found[-1])

    return {
        "engine.search alone": alone,
        "search": page,
        "engine.search alone, steered": alone_steered,
        "slider move": slider,
        "compare": compare,
        "why not": why_not,
        "analyze": lambda _: _get(client, "/analyze", text=TEXT),
    }


def _get(client: TestClient, path: str, **params: str) -> Any:
    return client.get(path, params={**params, "collection": NAME}).raise_for_status()


def _strength(number: int) -> float:
    """Turns the knob a tenth further each time, and never as far as the page's own knob stood."""
    return round(0.1 * (number % 9 + 1), 1)


def _topic(client: TestClient, question: str) -> int:
    """Finds the feature that is nearest to a question."""
    return int(_get(client, "/v1/features", q=question).json()["features"][0]["feature"])


def _form(page: str) -> dict[str, str]:
    """Fills the form in as the search page would send it."""
    document: Any = html.fromstring(page)
    form = document.get_element_by_id("ask")
    return {name: value for name, value in form.form_values() if name}


if __name__ == "__main__":
    typer.run(main)
