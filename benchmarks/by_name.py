"""This benchmark steers by the names of parts of a collection ("more about numpy", whose documents hardly say
it): does what is of the name come forward, beside steering by what passages say alone?

REFRACT_DATA=FOLDER python -m benchmarks.by_name [--collection demo] [--field package]

Each value of the field that has enough documents is a phrase. Asked are the titles of some of its documents,
without that phrase. "Of it" are the documents that have the value.
"""

import random
from dataclasses import replace

import numpy as np
import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmarks.harness.common import report, table
from benchmarks.harness.steering_methods import without_words
from search.db.database import open_database
from search.db.models import DocumentRow
from search.engine.engine import SearchEngine
from search.engine.reader import Reader
from search.query.request import SearchRequest
from search.query.steering import ConceptTarget
from search.scoring.ranking import Ranking, rank
from search.settings import Settings

FIRST = 10
LEAST, MOST_SHARE = 25, 0.5
STRENGTHS = (1.0, 2.0, -1.0)
WORDS = 3, 9

Figures = tuple[float, float, float, float]


def main(collection: str = "demo", field: str = "package", questions: int = 8) -> None:
    """Measures both ways at each strength and prints the table."""
    settings = Settings()
    found: dict[tuple[str, float], list[Figures]] = {}
    with (
        open_database(settings) as database,
        SearchEngine(database, settings.data).reader(collection) as reader,
    ):
        titles = _titles(reader.session, reader.snapshot.collection_id, field)
        names = [name for name, rows in titles.items() if LEAST <= len(rows) <= MOST_SHARE * _all(titles)]
        for name in names:
            concept = reader.concept(ConceptTarget(name))
            ways = {
                "what passages say": replace(concept, least={}),
                "and all that is of it": without_words(concept),
            }
            own = np.array(list(titles[name]), np.int64)
            for question in _questions(name, list(titles[name].values()), questions):
                asked = reader.prepare(SearchRequest(question)).asked
                q_D, words = asked.question.vector_D, asked.words.scores
                before = asked.rank(reader.snapshot, FIRST)
                for way, meant in ways.items():
                    for strength in STRENGTHS:
                        after = rank(reader.snapshot, q_D, [(meant, strength)], FIRST, words)
                        figures = _figures(reader, before, after, own, q_D)
                        found.setdefault((way, strength), []).append(figures)
    header = [
        "a phrase means",
        "strength",
        "of it in the first ten",
        "of it gone from them",
        "fallen",
        "kept",
    ]
    rows = [[way, strength, *np.mean(each, axis=0)] for (way, strength), each in found.items()]
    print(f"{len(names)} names, {len(next(iter(found.values()), []))} questions.\n")
    report("by-name", table(header, rows), {"names": names, "rows": rows})


def _titles(session: Session, collection: int, field: str) -> dict[str, dict[int, str]]:
    """The titles of the documents that have each value, by their row ids."""
    value = DocumentRow.meta[field].as_string()
    found: dict[str, dict[int, str]] = {}
    here = DocumentRow.collection_id == collection, DocumentRow.superseded.is_(None), value.is_not(None)
    for name, number, title in session.execute(select(value, DocumentRow.id, DocumentRow.title).where(*here)):
        found.setdefault(name, {})[number] = title
    return found


def _all(titles: dict[str, dict[int, str]]) -> int:
    return sum(map(len, titles.values()))


def _questions(name: str, titles: list[str], most: int) -> list[str]:
    """What titles say behind a dash, as of a function what it does."""
    told = (title.partition("—")[2].split() for title in titles)
    fit = [[word for word in words if name.casefold() not in word.casefold()] for words in told]
    asked = [" ".join(words[: WORDS[1]]) for words in fit if len(words) >= WORDS[0]]
    return random.Random(0).sample(asked, min(most, len(asked)))


def _figures(reader: Reader, before: Ranking, after: Ranking, own: np.ndarray, q_D: np.ndarray) -> Figures:
    """The share of the first ten that is of it; of those of it before, how many are gone, and how many stand
    farther back; and the relevance kept."""
    first, then = (ranking.documents[:FIRST].tolist() for ranking in (before, after))
    there = [document for document in first if document in own]
    fallen = [each for each in there if each not in then or then.index(each) > first.index(each)]
    vectors = [reader.snapshot.index.vectors(each.passages[:FIRST]) for each in (after, before)]
    kept = [float((x_PD @ q_D).mean()) for x_PD in vectors]
    gone = [each for each in there if each not in then]
    some = max(len(there), 1)
    return float(np.isin(then, own).mean()), len(gone) / some, len(fallen) / some, kept[0] / kept[1]


if __name__ == "__main__":
    typer.run(main)
