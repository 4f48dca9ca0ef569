"""This benchmark steers by words that first answers say ("less about array"): are they fewer or more then,
beside steering by what passages are about alone?

    REFRACT_DATA=FOLDER python -m benchmarks.by_word [--collection demo] [--questions 120]

Questions are what titles say behind a dash. Of the titles of the first ten answers one word is drawn that the
question does not have, and no more than half of the documents.
"""

import random
import re

import numpy as np
import typer
from sqlalchemy import select

from benchmarks.harness.common import report, table
from benchmarks.harness.steering_methods import without_words
from search.db.connection import among
from search.db.database import open_database
from search.db.models import DocumentRow
from search.engine.engine import SearchEngine
from search.engine.reader import Reader
from search.query.request import SearchRequest
from search.query.steering import ConceptTarget
from search.scoring.hybrid import counted_words
from search.scoring.ranking import rank
from search.settings import Settings

FIRST = 10
STRENGTHS = (-3.0, -2.0, -1.0, 1.0, 2.0, 3.0)
WORDS = 4, 9
MOST_SHARE = 0.5


def main(collection: str = "demo", questions: int = 120) -> None:
    """Measures both ways at each strength and prints the table."""
    settings = Settings()
    found: dict[tuple[float, str], list[list[float]]] = {}
    with (
        open_database(settings) as database,
        SearchEngine(database, settings.data).reader(collection) as reader,
    ):
        titles = _titles(reader)
        told = [title.partition("—")[2].split() for title in titles.values()]
        asked = [" ".join(words[: WORDS[1]]) for words in told if len(words) >= WORDS[0]]
        draw = random.Random(1)
        for question in draw.sample(asked, min(questions, len(asked))):
            for key, figures in _asked(reader, question, titles, draw).items():
                found.setdefault(key, []).append(figures)
    header = ["strength", "a phrase means", "say it, before", "after", "new in the first ten", "kept"]
    rows = [[*key, *np.mean(each, axis=0)] for key, each in sorted(found.items())]
    print(f"{len(next(iter(found.values()), []))} questions.\n")
    report("by-word", table(header, rows), {"rows": rows})


def _titles(reader: Reader) -> dict[int, str]:
    columns = select(DocumentRow.id, DocumentRow.title)
    held = among(DocumentRow.id, reader.snapshot.documents_sorted.tolist())
    return {row.id: row.title for row in reader.session.execute(columns.where(held))}


def _asked(
    reader: Reader, question: str, titles: dict[int, str], draw: random.Random
) -> dict[tuple[float, str], list[float]]:
    """The figures of one question by strength and way; none where no word can be drawn."""
    snapshot, asked = reader.snapshot, reader.prepare(SearchRequest(question)).asked
    q_D, words = asked.question.vector_D, asked.words.scores
    before = asked.rank(snapshot, FIRST)
    first = before.documents[:FIRST].tolist()
    own = set(counted_words(question))
    there = [word for number in first for word in re.findall(r"[a-z]{4,}", titles[number].lower())]
    fit = [word for word in there if (stems := set(counted_words(word))) and not stems & own]
    if not fit:
        return {}
    word = draw.choice(fit)
    saying = np.unique(snapshot.document_N[snapshot.lexicon.having(list(counted_words(word)))])
    if len(saying) > MOST_SHARE * snapshot.documents:
        return {}
    concept = reader.concept(ConceptTarget(word))
    figures = {}
    for way, meant in (("what is about it", without_words(concept)), ("and what says it", concept)):
        for strength in STRENGTHS:
            after = rank(snapshot, q_D, [(meant, strength)], FIRST, words)
            then = after.documents[:FIRST].tolist()
            kept = [
                float((snapshot.index.vectors(each.passages[:FIRST]) @ q_D).mean())
                for each in (after, before)
            ]
            shares = [float(np.isin(each, saying).mean()) for each in (first, then)]
            figures[strength, way] = [*shares, float(len({*then} - {*first})), kept[0] / kept[1]]
    return figures


if __name__ == "__main__":
    typer.run(main)
