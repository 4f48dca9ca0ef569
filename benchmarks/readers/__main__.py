"""Readers said how right the names are that explain results: what the gate was learned from, and the proof.

    python -m benchmarks.readers fit                           both models of agreement, their curves
    python -m benchmarks.readers sheet SHARED_DATA_FOLDER OUT  sheets for fresh readers, and the key to them
    python -m benchmarks.readers score [KEY VERDICT_FILE...]   how right the shown names are

Readers see question, passage and name, blind to what made it, and say R (names what both are about), V
(vague), W (wrong) or N ("no reliable label"), strictly. `terms.jsonl` and `about.jsonl` hold what the
models were learned from, `proof.jsonl` what was said of 60 other questions: of the names that are shown and,
shuffled with them, of those that would be if gain alone chose them. (And, of 60 earlier questions, of the
dictionary that shipped before there were names.) Verdict files have a number and a letter a line.

Shape suffixes: J judgements, S signs.
"""

import json
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict

from benchmarks.harness.common import (
    built_dictionary,
    embedded,
    embedded_queries,
    embedder,
    read_corpus,
    snapshot_of,
    table,
)
from benchmarks.harness.textbooks import CORPUS, LEAST_CHARACTERS
from indexer.sources import SourceDocument, open_source
from search.embedding.splitter import PassageSplitter, embedded_text
from search.engine.prepared import Understanding
from search.engine.response import asked_words
from search.index.agreement import MOST_WORDS, SHARED
from search.index.snapshot import Snapshot
from search.scoring.reasons import agreement

FOLDER = Path(__file__).parent
SIGNS = (
    *("near_q", "near_x", "share_q", "whole", "words", "said", "part", "lettered", "score"),
    *("asked", "density"),
)
BEFORE, NAMES = "before", "names"
STEPS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.78, 0.8, 0.85)
RESULTS = 3
LEAST_SHOWN = 0.45
LINE = ("n", "right", "vague", "wrong", "a result", "two or more")
A_BOOK = 110
PASSAGE_CHARACTERS = 1100

Judgement = dict[str, Any]

app = typer.Typer(add_completion=False)


@app.command()
def fit() -> None:
    """Fits both models again and prints what they look at and how well they tell."""
    terms = [term for term in _read("terms.jsonl") if "density" in term]  # of collections that are at hand
    signs_JS = np.array([[float(term[sign]) for sign in SIGNS] for term in terms])
    signs_JS[:, SIGNS.index("asked")] = signs_JS[:, SIGNS.index("asked")].clip(max=MOST_WORDS)
    groups = [term["set"] + term["question"] for term in terms]
    likely_J = _fitted("question and passage share a name", SIGNS, signs_JS, terms, groups)
    rows = [
        _line(
            f"at least {step}",
            [term for term, likely in zip(terms, likely_J, strict=True) if likely >= step],
            [],
        )[:-1]  # these are names alone, not results: no telling on how many there are two
        for step in STEPS
    ]
    print(table(["cross-validated", *LINE[:-1]], rows))
    about = _read("about.jsonl")
    near, share = (np.array([float(each[sign]) for each in about]) for sign in ("near", "share"))
    words = np.array([float(each["words"]) for each in about])
    whole = share >= 1
    signs_JS = np.stack([near, share, words, whole, near * whole], axis=1)
    groups = [each["set"] + each["document"] for each in about]
    named = ("near", "share", "words", "whole", "near · whole")
    _fitted("a passage is about a name", named, signs_JS, about, groups)


@app.command()
def sheet(
    shared: Annotated[Path, typer.Argument(help="The folder that holds beir/ and corpora/.")],
    out: Annotated[Path, typer.Argument(help="A folder for sheets and key.")],
    parts: int = 4,
) -> None:
    """Writes the terms of the first results of the 60 questions for readers to judge."""
    items: list[Judgement] = []
    for name, documents in _collections(shared):
        snapshot, passages = _indexed(documents)
        for question in _read("questions_proof.jsonl"):
            if question["set"] == name:
                items += _explained(snapshot, passages, name, question["q"])
    rng = np.random.default_rng(0)
    blocks: OrderedDict[tuple[str, str, str], list[Judgement]] = OrderedDict()
    for number, at in enumerate(rng.permutation(len(items)).tolist()):
        item = items[at] | {"id": number}
        blocks.setdefault((item["set"], item["question"], item["document"]), []).append(item)
    out.mkdir(parents=True, exist_ok=True)
    key = [item for block in blocks.values() for item in block]
    (out / "key.json").write_text(json.dumps(key, ensure_ascii=False), encoding="utf-8")
    shuffled = [list(blocks.values())[at] for at in rng.permutation(len(blocks)).tolist()]
    for part in range(parts):
        text = "".join(_block(block) for block in shuffled[part::parts])
        (out / f"sheet{part}.txt").write_text(text, encoding="utf-8")
    print(f"{len(items):,} names of {len(blocks)} results in {parts} sheets; the key is {out / 'key.json'}.")


@app.command()
def score(
    key: Annotated[Path | None, typer.Argument(help="The key of your own sheets.")] = None,
    verdicts: Annotated[list[Path] | None, typer.Argument(help="What readers said.")] = None,
) -> None:
    """Prints how many of the shown names readers call right, by how likely the gate thought it."""
    judged = _read("proof.jsonl") if key is None else _judged(key, verdicts or [])
    systems = {each["system"]: [e for e in judged if e["system"] == each["system"]] for each in judged}
    rows = [_line("the dictionary before", systems.pop(BEFORE), [])] if BEFORE in systems else []
    for system, said in systems.items():
        for step in STEPS if system == NAMES else [SHARED]:
            mark = " (shown)" if (system, step) == (NAMES, SHARED) else ""
            shown = [each for each in said if each["likely"] >= step]
            rows.append(_line(f"{system}, from {step}{mark}", shown, said))
    print(table([f"{RESULTS} results a question", *LINE], rows))


def _fitted(
    what: str, names: Iterable[str], signs_JS: NDArray[Any], judged: list[Judgement], groups: list[str]
) -> NDArray[np.float64]:
    """Prints a model; gives what it says of each judgement when it was fitted without its question."""
    right_J = np.array([each["verdict"] == "R" for each in judged])
    scale_S = signs_JS.std(axis=0)
    scaled_JS = signs_JS / scale_S
    model = LogisticRegression(C=1, max_iter=5000)
    likely_J = cross_val_predict(
        model, scaled_JS, right_J, cv=GroupKFold(8), groups=groups, method="predict_proba"
    )[:, 1]
    model.fit(scaled_JS, right_J)
    weights = dict(zip(names, (model.coef_[0] / scale_S).round(3).tolist(), strict=True))
    order = np.argsort(likely_J)
    ranks_J = np.empty(len(order))
    ranks_J[order] = np.arange(len(order))
    right = int(right_J.sum())
    auc = (ranks_J[right_J].mean() - (right - 1) / 2) / (len(right_J) - right)
    print(f"\nWhether {what}: {len(judged):,} judgements, {right / len(judged):.0%} right, AUC {auc:.3f}")
    print(f"  constant {model.intercept_[0]:.3f}, {weights}\n")
    return np.asarray(likely_J, dtype=np.float64)


def _line(name: str, shown: list[Judgement], judged: list[Judgement]) -> list[object]:
    """Writes how many terms there are and how right; how many a result of the questions that were judged, on
    how many two."""
    count = Counter(each["verdict"] for each in shown)
    shares = [count[letter] / max(len(shown), 1) for letter in "RVW"]
    asked = {(each["set"], each["question"]) for each in judged or shown}
    results = max(RESULTS * len(asked), 1)
    of_result = Counter((each["set"], each["question"], each["rank"]) for each in shown if "rank" in each)
    two = sum(terms >= 2 for terms in of_result.values())
    return [name, len(shown), *shares, len(shown) / results, two / results]


def _collections(shared: Path) -> Iterator[tuple[str, list[SourceDocument]]]:
    for name, path, kind in (("demo", None, "pydoc"), ("scifact", shared / "beir" / "scifact", "beir")):
        yield name, [item for item in open_source(path, kind) if isinstance(item, SourceDocument)]
    books: dict[str, list[SourceDocument]] = {}
    for record in read_corpus(shared, CORPUS):
        if len(record["text"]) >= LEAST_CHARACTERS:
            document = SourceDocument(record["id"], record["title"], record["text"])
            books.setdefault(record["meta"]["book"], []).append(document)
    rng = np.random.default_rng(0)
    drawn = [[book[at] for at in rng.permutation(len(book))[:A_BOOK]] for book in books.values()]
    yield "openstax", [document for book in drawn for document in book]


def _indexed(documents: list[SourceDocument]) -> tuple[Snapshot, list[tuple[SourceDocument, str]]]:
    splitter = PassageSplitter(embedder().tokenizer_json, embedder().max_tokens)
    passages, numbers, texts = [], [], []
    for number, document in enumerate(documents):
        title = splitter.clip_title(document.title)
        for span in splitter.split(document.text, document.title):
            text = document.text[span.start : span.end]
            passages.append((document, text))
            numbers.append(number)
            texts.append(embedded_text(title, text))
    x_ND = embedded(texts)
    written = [f"{document.title}\n{text}" for document, text in passages]
    dictionary = built_dictionary(x_ND, written)
    return snapshot_of(x_ND, np.array(numbers), dictionary, texts=written), passages


def _explained(
    snapshot: Snapshot, passages: list[tuple[SourceDocument, str]], name: str, query: str
) -> list[Judgement]:
    (q_D,) = embedded_queries([query])
    meant = Understanding.of(snapshot, query, q_D, asked_words(snapshot, query, "hybrid"))
    first = meant.first.passages[:RESULTS]
    active = meant.question.active
    likely_PA = agreement(snapshot, query, q_D, list(active), first, beside=True)
    x_PD = snapshot.index.vectors(first)
    found = []
    for row, passage in enumerate(first.tolist()):
        document, text = passages[passage]
        parts = {f: a * float(snapshot.dictionary.w_dec_FD[f] @ x_PD[row]) for f, a in active.items()}
        found += [
            {
                "system": "names",
                "set": name,
                "question": query,
                "rank": row + 1,
                "document": document.id,
                "name": snapshot.labels[feature].text,
                "likely": float(likely),
                "value": parts[feature],
                "features": sum(parts.values()),
                "passage": f"{document.title} || {' '.join(text.split())[:PASSAGE_CHARACTERS]}",
            }
            for feature, likely in zip(active, likely_PA[row].tolist(), strict=True)
            if likely >= LEAST_SHOWN
        ]
    return found


def _block(block: list[Judgement]) -> str:
    names = "".join(f"  {item['id']}: {item['name']}\n" for item in block)
    return f"=== QUESTION: {block[0]['question']}\nPASSAGE: {block[0]['passage']}\n{names}"


def _judged(key: Path, verdicts: list[Path]) -> list[Judgement]:
    lines = (line.split() for path in verdicts for line in path.read_text(encoding="utf-8").splitlines())
    said = {int(parts[0]): parts[1] for parts in lines if len(parts) == 2}
    items = json.loads(key.read_text(encoding="utf-8"))
    return [item | {"verdict": said[item["id"]]} for item in items if item["id"] in said]


def _read(name: str) -> list[Judgement]:
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    app()
