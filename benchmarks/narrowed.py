"""This benchmark asks whether an answer keeps its reasons when a filter is set: where the question is taken
apart by its first answers among all, beside by those among what the filter leaves.

REFRACT_DATA=FOLDER python -m benchmarks.narrowed [--collection demo] [--field package]

Each question is asked with three filters: the first two values of the field among its first fifty answers,
and all but the first. Pairs are a question and one of its first ten answers under a filter; a pair's reasons
are the names that readers see in it. Cold is a filtered search that nobody asked without one before.
"""

import statistics
import time
from dataclasses import replace

import typer

from benchmarks.harness.common import report, table
from search.db.database import open_database
from search.dictionary.attribution import decompose
from search.engine.engine import SearchEngine
from search.engine.prepared import PreparedQuery
from search.engine.reader import Reader
from search.query.parser import Condition
from search.query.request import SearchRequest
from search.responses.search import Term
from search.scoring.pursuit import CANDIDATES
from search.scoring.ranking import rank
from search.scoring.reasons import explaining
from search.settings import Settings

FIRST, LOOKED_AT, REPEATS = 10, 50, 5

QUESTIONS = """
matrix inverse
read a file line by line
sort a list by a key
string to date
run a command and get its output
parse json
open a network connection
random number between two values
standard deviation of a sample
split a string on commas
compress data with gzip
download a web page
send an email
walk through all files in a folder
copy a file
run code in another thread
wait for several tasks to finish
count how often each item occurs
find the median
solve a system of linear equations
fit a line to data
cluster points into groups
train a classifier
cross validation
fourier transform
interpolate between points
integrate a function numerically
eigenvalues of a matrix
command line arguments
write log messages to a file
temporary file
measure how long code takes
hash a password
encode bytes as base64
regular expression to match words
convert between time zones
decimal rounding
mock an object in a test
queue shared between processes
xml tree parsing
""".strip().splitlines()

Reasons = dict[int, frozenset[str]]


def main(collection: str = "demo", field: str = "package") -> None:
    """Compares the reasons of all pairs both ways, and times the second scan."""
    settings = Settings()
    pairs: list[tuple[frozenset[str], frozenset[str], frozenset[str]]] = []
    cold, scans = [], []
    with (
        open_database(settings) as database,
        SearchEngine(database, settings.data).reader(collection) as reader,
    ):
        for question in QUESTIONS:
            plain = reader.prepare(SearchRequest(question))
            for condition in _filters(reader, plain, field):
                narrowed = reader.prepare(SearchRequest(question, filters=(condition,)))
                by = (plain, narrowed, _taken_apart_by_what_is_left(narrowed))
                told = [_reasons(each, narrowed) for each in by]
                pairs += [tuple(each[passage] for each in told) for passage in told[0]]  # type: ignore[misc]
                scans.append(_scan(plain))
        for question in QUESTIONS:
            begun = time.perf_counter()
            reader.search(SearchRequest(f"{question}?", filters=(condition,)))  # nobody asked this before
            cold.append(time.perf_counter() - begun)
    ways = {"what the filter leaves (before)": 2, "all answers": 1}
    rows = [
        [
            way,
            sum(pair[0] != pair[at] for pair in pairs) / len(pairs),
            sum(len(pair[at]) for pair in pairs) / len(pairs),
            sum(not pair[at] for pair in pairs) / len(pairs),
        ]
        for way, at in ways.items()
    ]
    scan, whole = (1000 * statistics.median(each) for each in (scans, cold))
    print(f"{len(pairs)} pairs. A cold search takes {whole:.1f} ms, {scan:.1f} of it the second scan.\n")
    header = ["a question is taken apart by", "reasons differ from those without", "names a pair", "none"]
    report("narrowed", table(header, rows), {"rows": rows, "scan_ms": scan, "cold_ms": whole})


def _filters(reader: Reader, plain: PreparedQuery, field: str) -> list[Condition]:
    values, documents = reader._doc_values, plain.rank(LOOKED_AT).documents[:LOOKED_AT]
    held = values.fields[field]
    count_A = values.counts(documents)[held.number_A]
    first, second = (held.texts[at] for at in (-count_A).argsort(kind="stable")[:2])
    return [Condition(field, (first,)), Condition(field, (second,)), Condition(field, (first,), negated=True)]


def _taken_apart_by_what_is_left(narrowed: PreparedQuery) -> PreparedQuery:
    snapshot, asked = narrowed.snapshot, narrowed.asked
    q_D, first = asked.question.vector_D, asked.rank(snapshot, CANDIDATES).passages[:CANDIDATES]
    question = decompose(q_D, explaining(snapshot, asked.typed.text, q_D, first), snapshot.dictionary)
    return replace(
        narrowed, asked=replace(asked, understanding=replace(asked.understanding, question=question))
    )


def _reasons(prepared: PreparedQuery, narrowed: PreparedQuery) -> Reasons:
    ranking = prepared.score(narrowed.rank(FIRST).passages[:FIRST])
    terms = prepared.terms(ranking, ranking.passages.argsort())
    return dict(zip(sorted(ranking.passages.tolist()), map(_names, terms), strict=True))


def _names(terms: list[Term]) -> frozenset[str]:
    return frozenset(term.label for term in terms if term.kind == "feature" and term.shared)


def _scan(plain: PreparedQuery) -> float:
    asked, times = plain.asked, []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        words = asked.words.scores
        rank(plain.snapshot, asked.question.vector_D, [], asked.pool.documents, words, None, asked.pool)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


if __name__ == "__main__":
    typer.run(main)
