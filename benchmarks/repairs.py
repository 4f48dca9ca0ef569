"""This benchmark repairs failures: how many does one click put right, by which kind, and what does that cost
the other judged questions?

    REFRACT_DATA=FOLDER python -m benchmarks.repairs [--collection scifact] [--failures 20]
    REFRACT_DATA=FOLDER python -m benchmarks.repairs --collection demo --everyday

A failure is a judged question whose best document stands below rank 10, or one of `EVERYDAY`, questions about
the documentation of Python whose document is not first. For each the offers of the page are tried; of a kind
the one that brings the document up most counts. What a repair costs is the change of the mean nDCG@10 of
all other judged questions. Nothing is saved.
"""

from collections import defaultdict
from collections.abc import Iterator

import typer

from benchmarks.harness.common import report, table
from search.db.database import open_database
from search.embedding.splitter import TARGET_TOKENS
from search.engine.engine import SearchEngine
from search.engine.reader import Reader
from search.evaluation.judged import read_judged
from search.query.request import SearchRequest
from search.repair.diagnosis import diagnose
from search.responses.repairs import Diagnosis, TriedRepair
from search.settings import Settings

KINDS = ("pinned", "same_words", "keyword", "knob")
FAILED = 10
"""A judged document below this rank is a failure."""

DEEP = 100

EVERYDAY = {
    "text to number": "int",
    "bytes to string": "bytes.decode",
    "string to bytes": "str.encode",
    "string to date": "datetime.datetime.strptime",
    "what is a generator": "topics.types.17",
    "copy a folder": "shutil.copytree",
    "wait a few seconds": "time.sleep",
    "delete a file": "os.remove",
}


def main(
    collection: str = "scifact",
    failures: int = 20,
    everyday: bool = False,
) -> None:
    """Diagnoses each failure, says what came of it, and prints a table of failures and one of kinds."""
    settings = Settings()
    found: list[Diagnosis] = []
    with (
        open_database(settings) as database,
        SearchEngine(database, settings.data).reader(collection) as reader,
    ):
        pairs = EVERYDAY.items() if everyday else _judged(reader)
        for question, document in pairs:
            diagnosis = diagnose(reader, question, document)
            if diagnosis.first is not None:
                found.append(diagnosis)
                print(_told(diagnosis), flush=True)
            if len(found) == failures:
                break
    rows = [[each.query[:60], each.result.rank, *map(_rank_of, _best(each))] for each in found]
    print(table(["question", "rank", *KINDS], rows))
    print(f"\n{len(found)} failures, {max((each.questions for each in found), default=0)} other questions.\n")
    header = [
        "kind",
        "offered",
        "first",
        "first ten",
        "no other changes",
        "mean difference",
        "worst",
        "worse",
    ]
    deeper = table(["not saved here", "tried", "higher", "first", "first ten"], list(_rewritten(found)))
    report("repairs", f"{table(header, list(_kinds(found)))}\n\n{deeper}", {"failures": rows})


def _judged(reader: Reader) -> Iterator[tuple[str, str]]:
    """Finds the judged questions whose best document is below the first ten."""
    grades = read_judged(reader.session, reader.snapshot.collection_id).grades
    for question, graded in grades.items():
        answers = [document for document, grade in graded.items() if grade]
        ranking = reader.prepare(SearchRequest(question)).rank(DEEP)
        first = {row.document.id for row in reader.texts(ranking.passages[:FAILED].tolist()).values()}
        if first.isdisjoint(answers):
            yield question, answers[0]


def _best(diagnosis: Diagnosis) -> list[TriedRepair | None]:
    """Gives of each kind the offer that brings the document up most."""
    best: dict[str, TriedRepair] = {}
    for each in diagnosis.offers:
        best.setdefault(each.kind, each)
    return [best.get(kind) for kind in KINDS]


def _told(diagnosis: Diagnosis) -> str:
    offers = (each for each in _best(diagnosis) if each is not None)
    told = "; ".join(
        f"{each.kind} {each.rank} ({each.better} better, {each.worse} worse, {each.difference:+.4f})"
        for each in offers
    )
    return f"{diagnosis.query[:60]}, rank {diagnosis.result.rank}: {told}"


def _rank_of(repair: TriedRepair | None) -> int | str:
    return "" if repair is None else repair.rank or ""


def _kinds(found: list[Diagnosis]) -> Iterator[list[object]]:
    """Says of each kind what came of it, and of the best repair but a pin."""
    tried = defaultdict[str, list[TriedRepair]](list)
    for diagnosis in found:
        best = [each for each in _best(diagnosis) if each is not None]
        for each in best:
            tried[each.kind].append(each)
        others = [each for each in best if each.kind != "pinned"]
        if others:
            tried["best but pinned"].append(min(others, key=lambda each: each.rank or 1 << 30))
    for kind in (*KINDS, "best but pinned"):
        repairs = tried[kind]
        differences = [each.difference for each in repairs] or [0.0]
        yield [
            kind,
            len(repairs),
            sum(each.rank == 1 for each in repairs),
            sum(each.rank is not None and each.rank <= FAILED for each in repairs),
            sum(not each.better and not each.worse for each in repairs),
            f"{sum(differences) / len(differences):+.4f}",
            f"{min(differences):+.4f}",
            sum(each.worse for each in repairs),
        ]


def _rewritten(found: list[Diagnosis]) -> Iterator[list[object]]:
    """Says what another title, and passages half and twice as long, would do for the document."""
    ranks: dict[str, list[tuple[int | None, int | None]]] = {"title": [], "shorter": [], "longer": []}
    for diagnosis in found:
        title, now = diagnosis.result.document.title, diagnosis.result.rank
        for each in diagnosis.rewritten:
            shorter = each.passage_tokens < TARGET_TOKENS  # as these collections have them
            kind = "title" if each.title != title else "shorter" if shorter else "longer"
            ranks[kind].append((now, each.rank))
    for kind, tried in ranks.items():
        after = [rank for _, rank in tried if rank is not None]
        higher = sum(rank is not None and (now is None or rank < now) for now, rank in tried)
        yield [kind, len(tried), higher, after.count(1), sum(rank <= FAILED for rank in after)]


if __name__ == "__main__":
    typer.run(main)
