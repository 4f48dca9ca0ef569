"""Readers say how right the pages are that explain a failure, the words of a topic, and where it comes from.

    REFRACT_DATA=FOLDER python -m benchmarks.readers.pages SHARED_DATA_FOLDER COLLECTION SHEETS KEY

It writes sheets for fresh readers to one folder and adds to a file elsewhere, the key, which they do
not see. What each system says of one thing is pooled, shuffled and numbered: nobody can tell who said what.

- *misled*, *speaks*: the three terms of the repair page that speak most for the wrong first document, and for
  the right one. Beside them the features that question and passage share, those most active in the passage
  first, and random ones that are active in it.
- *words*: the words that carry a topic, beside as many that are lit, and as many random ones of the text.
- *origin*: the first three passages where a feature comes from, beside three random ones that it fires in.

Collections are `demo` (questions of `questions_pages.jsonl`) and `scifact` (test questions whose documents
are all beyond rank 3, without those of docs/decisions/0037), without judgements: nothing is tried on them.
What was read is counted by `benchmarks.readers.verdicts`.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.harness.common import read_corpus
from benchmarks.harness.judged import read_task
from search.browse.origin import find_origin
from search.db.database import open_database
from search.embedding.words import stems
from search.engine.engine import SearchEngine
from search.engine.reader import Reader
from search.explain.analyze import analyze
from search.explain.carrying import carrying_words
from search.explain.compare import passages_of
from search.query.request import SearchRequest
from search.repair.diagnosis import diagnose
from search.responses.explanations import Margin
from search.responses.search import Result
from search.responses.words import TextAnalysis
from search.settings import Settings

HERE = Path(__file__).parent
USED = HERE.parents[1] / "docs" / "decisions" / "0037-repairs-are-tried-first.md"
BEGINNING = 40  # characters by which that page names its questions

PAGE, ACTIVE, CHANCE, LIT = "the page", "shared, most active", "random", "lit"
TERMS, PASSAGES = 3, 3
BEYOND = 3
"""A question fails whose judged documents are all below this rank."""

FAILURES, TEXTS, ORIGINS = 12, 10, {"demo": 8, "scifact": 7}
"""So many of each are read of a collection."""

CORPORA = {"demo": "python_peps", "scifact": "openstax_paragraphs"}
BOOKS = ("anatomy-physiology", "microbiology")
SHORTEST, LONGEST, OF_PASSAGE = 400, 1200, 700
"""Characters of a text whose words are read, and of a passage beside a name."""

STRONGEST = 3
"""The topic of a text is one of so many that are strongest."""

LETTERS = re.compile(r"[^\W\d_]{3,}")

Item = dict[str, Any]
Said = dict[str, list[tuple[str, str]]]
"""What each system says: kinds and texts."""

Block = tuple[str, dict[str, Said]]
"""What stands above, and what is said below it, by what is asked about it."""


def main(shared: Path, collection: str, sheets: Path, path: Path, take: int = 1) -> None:
    """Writes sheets and key; another `take` has other questions, texts and features."""
    settings = Settings()
    sheets.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    key: list[Item] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    rng = np.random.default_rng(take)
    with (
        open_database(settings) as database,
        SearchEngine(database, settings.data).reader(collection) as reader,
    ):
        drawn = {
            "failures": _failures(reader, shared, take, rng),
            "words": _words(reader, shared, take, rng),
            "origin": _origins(reader, take, rng),
        }
        for sheet, blocks in drawn.items():
            name = f"{sheet}-{collection}"
            text = "\n".join(_written(block, name, key, rng) for block in blocks)
            (sheets / f"{name}.txt").write_text(text, encoding="utf-8")
    path.write_text(json.dumps(key, ensure_ascii=False, indent=0), encoding="utf-8")
    print(f"{len(key):,} items are in {path}.")


def _written(block: Block, sheet: str, key: list[Item], rng: np.random.Generator) -> str:
    """Writes one block of a sheet, what is said in it pooled and in random order, and adds to the key."""
    head, parts = block
    lines = [head]
    for asked, said in parts.items():
        pooled: dict[str, dict[str, str]] = defaultdict(dict)
        for system, each in said.items():
            for kind, text in each:
                pooled[text].setdefault(system, kind)
        lines.append(f"{asked}:")
        texts = [*pooled]
        for at in rng.permutation(len(texts)).tolist():
            item = {"id": len(key) + 1, "sheet": sheet, "asked": asked, "head": head.split("\n")[0]}
            key.append({**item, "text": texts[at], "systems": pooled[texts[at]]})
            lines.append(f"  {item['id']}: {texts[at]}")
    return "\n".join([*lines, ""])


def _failures(reader: Reader, shared: Path, take: int, rng: np.random.Generator) -> Iterator[Block]:
    """Sets the right document of failing questions beside the one that is first."""
    for question, document in _failing(reader, shared, take):
        found = diagnose(reader, question, document)
        assert found.first is not None
        head = (
            f"=== QUESTION: {question}\nWRONG, BUT FIRST: {_told(found.first)}\nRIGHT: {_told(found.result)}"
        )
        ahead = sorted(found.lacks, key=lambda each: each.margin)
        behind = sorted(found.has, key=lambda each: -each.margin)
        asked_F = _fired(reader, reader.prepare(SearchRequest(question)).asked.question.vector_D)
        yield (
            head,
            {
                "misled": _terms(reader, ahead, found.first, asked_F, rng),
                "speaks": _terms(reader, behind, found.result, asked_F, rng),
            },
        )


def _failing(reader: Reader, shared: Path, take: int) -> Iterator[tuple[str, str]]:
    """Finds questions with the document that should be first."""
    if reader.collection == "demo":
        lines = (HERE / "questions_pages.jsonl").read_text(encoding="utf-8").splitlines()
        asked = [each for each in map(json.loads, lines) if each["take"] == take]
        yield from ((each["q"], each["document"]) for each in asked)
        return
    task, used = read_task(shared / "beir" / "scifact"), USED.read_text(encoding="utf-8")
    order = np.random.default_rng(0).permutation(len(task.judged)).tolist()

    def drawn() -> Iterator[tuple[str, str]]:
        for query in ([*task.judged][at] for at in order):
            question = task.queries[query]
            answers = [document for document, grade in task.judged[query].items() if grade > 0]
            ranking = reader.prepare(SearchRequest(question)).rank(BEYOND)
            first = {each.document.id for each in reader.texts(ranking.passages[:BEYOND].tolist()).values()}
            if question[:BEGINNING] not in used and first.isdisjoint(answers):
                yield question, answers[0]

    yield from islice(drawn(), (take - 1) * FAILURES, take * FAILURES)


def _terms(
    reader: Reader,
    margins: list[Margin],
    told: Result,
    asked_F: NDArray[np.float32],
    rng: np.random.Generator,
) -> Said:
    """Names the terms that the page has for one document, and others that are active in its passage."""
    shown = [each for each in margins if each.feature is not None or each.word][:TERMS]
    page = [("word", f"the word “{each.word}”") if each.word else ("topic", each.label) for each in shown]
    act_F = _active(reader, told)
    active = np.flatnonzero(act_F)
    shared = sorted((each for each in active.tolist() if asked_F[each]), key=lambda each: -act_F[each])
    chance = rng.permutation(active)[:TERMS].tolist()
    labels = reader.snapshot.labels
    others = {ACTIVE: shared[:TERMS], CHANCE: chance}
    return {PAGE: page, **{name: [("topic", labels[f].shown) for f in each] for name, each in others.items()}}


def _active(reader: Reader, told: Result) -> NDArray[np.float32]:
    """Gives the activations of a result's passage (F,), of features that have a name."""
    snapshot, name = reader.snapshot, told.document.id
    texts = reader.texts(passages_of(reader.session, snapshot, [name])[name].tolist())
    (row,) = (row for row, each in texts.items() if each.passage.id == told.passage.id)
    return _named(reader, snapshot.acts_NF[row].toarray()[0])


def _fired(reader: Reader, vector_D: NDArray[np.float32]) -> NDArray[np.float32]:
    dictionary = reader.snapshot.dictionary
    return _named(reader, dictionary.encode(vector_D[None]).matrix(dictionary.features).toarray()[0])


def _named(reader: Reader, act_F: NDArray[np.float32]) -> NDArray[np.float32]:
    reliable_F = np.array([label.reliable for label in reader.snapshot.labels])
    return np.where(reliable_F, act_F, 0).astype(np.float32)


def _words(reader: Reader, shared: Path, take: int, rng: np.random.Generator) -> Iterator[Block]:
    """Finds the words of a topic in texts that are in no collection."""
    texts = _texts(shared, reader.collection)
    for text in islice(texts, (take - 1) * TEXTS, take * TEXTS):
        found = analyze(reader, text)
        topic = found.features[:STRONGEST][int(rng.integers(min(STRONGEST, len(found.features))))]
        carrying = [each.word for each in carrying_words(reader, text, topic.feature).words]
        content = sorted({each.group().lower() for each in LETTERS.finditer(text) if stems(each.group())})
        said = {
            PAGE: carrying,
            LIT: _lit(text, found, topic.feature)[: len(carrying)],
            CHANCE: [content[at] for at in rng.permutation(len(content))[: len(carrying)].tolist()],
        }
        words = {name: [("word", word.lower()) for word in each] for name, each in said.items()}
        yield f"=== TOPIC: {topic.label}\nTEXT: {text}", {"words": words}


def _texts(shared: Path, collection: str) -> Iterator[str]:
    """Draws texts of a corpus of much the same field."""
    records = read_corpus(shared, CORPORA[collection])
    texts = [
        " ".join(record["text"].split())
        for record in records
        if SHORTEST <= len(record["text"]) <= LONGEST and record["meta"].get("book", BOOKS[0]) in BOOKS
    ]
    yield from (texts[at] for at in np.random.default_rng(0).permutation(len(texts)).tolist())


def _lit(text: str, found: TextAnalysis, feature: int) -> list[str]:
    """Lists the words of a text by what they add to a feature, as they are lit."""
    value = defaultdict[str, float](float)
    for passage in found.passages:
        for each in passage.word_values:
            if each.feature == feature:
                for span, added in zip(passage.words, each.values, strict=True):
                    value[text[span.start : span.end].casefold()] += added
    return sorted(value, key=lambda word: -value[word])


def _origins(reader: Reader, take: int, rng: np.random.Generator) -> Iterator[Block]:
    """Sets the first passages where features come from beside others that they fire in."""
    snapshot, count = reader.snapshot, ORIGINS[reader.collection]

    def drawn() -> Iterator[Block]:
        for feature in np.random.default_rng(0).permutation(snapshot.dictionary.features).tolist():
            firing = snapshot.firing(feature)[0].tolist()
            if not snapshot.labels[feature].reliable or len(firing) < 2 * PASSAGES:
                continue
            found = find_origin(reader, feature)
            first = found.passages_P[:PASSAGES].tolist()
            others = [each for each in rng.permutation(firing).tolist() if each not in first][:PASSAGES]
            if len(first) == PASSAGES == len(others):
                said: Said = {
                    PAGE: [(found.came, _passage(reader, row)) for row in first],
                    CHANCE: [(found.came, _passage(reader, row)) for row in others],
                }
                yield f"=== NAME: {snapshot.labels[feature].shown}", {"origin": said}

    yield from islice(drawn(), (take - 1) * count, take * count)


def _passage(reader: Reader, row: int) -> str:
    (text,) = reader.texts([row]).values()
    return _line(text.document.title, text.passage.text)


def _told(result: Result) -> str:
    return _line(result.document.title, result.passage.text)


def _line(title: str, text: str) -> str:
    return f"{title} || {' '.join(text.split())[:OF_PASSAGE]}"


if __name__ == "__main__":
    typer.run(main)
