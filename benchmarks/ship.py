"""From trained weights to the dictionary that ships: labels, how features behave, families, scorecard.

    python -m benchmarks.ship offline SHARED_DATA_FOLDER         offline labels, the evidence as JSON lines
    python -m benchmarks.ship finish SHARED_DATA_FOLDER FILE...  better labels from files, then the artifact
    python -m benchmarks.ship name FILE                          names of families, read and written by hand

The weights of `benchmarks.general` are frozen before any label is written. Evidence is never drawn from the
passages that labels are tested on. Files hold lines like {"feature": 12, "label": "...", "origin": "..."};
that with names {"family": 3, "name": "..."}, where an empty name drops a family that has nothing in common.

Shape suffixes: N rows, F features.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from benchmarks.common import CACHE, embedder
from benchmarks.judged import Judged
from benchmarks.mix import Row, mix, shards
from indexer.families import find_families
from indexer.inherit import firing
from indexer.label import label_features
from indexer.labels.evidence import gather_evidence
from indexer.labels.judge import Judge, is_better
from indexer.labels.lines import read_label_file
from indexer.measure import label_quantiles
from indexer.scorecard import stability
from indexer.trials import Half
from search.artifact import SHIPPED, Artifact, Behaviour, rename_families
from search.dictionary import Dictionary
from search.labels import Label
from search.settings import DEFAULT_MODEL

ROWS = 98_304
TEST_ROWS = 65_536
EVIDENCE = CACHE / "evidence"
HISTOGRAM_BINS = 30
PARTS = 32
HANDICAP = 0.03

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Material:
    """The frozen dictionary and the part of the mix that it is labelled on."""

    shared: Path
    dictionary: Dictionary
    x_ND: NDArray[np.float16]

    @classmethod
    def read(cls, shared: Path) -> "Material":
        return cls(shared, Dictionary.load(CACHE / "general"), shards()[:ROWS])

    @cached_property
    def acts(self) -> csr_matrix:
        return self.dictionary.encode(self.x_ND).matrix(self.dictionary.features)

    @cached_property
    def rows(self) -> list[Row]:
        return mix(self.shared)[:ROWS]

    def judge(self, part: int) -> Judge:
        """Tests labels on one part of the rows after those that evidence was drawn from."""
        rows = np.arange(TEST_ROWS) + ROWS + part * TEST_ROWS
        x_ND = shards()[rows].astype(np.float32)
        acts_NF = self.dictionary.encode(x_ND).matrix(self.dictionary.features)
        testing = Half(rows, x_ND, acts_NF.tocsc())
        return Judge(self.x_ND, self.acts, self.dictionary, embedder().encode, testing=testing)


@app.command()
def offline(shared: Path) -> None:
    """Labels every feature offline and writes the evidence in parts."""
    material = Material.read(shared)
    dictionary = material.dictionary
    texts = [row.embedded for row in material.rows]
    found = label_features(
        texts, material.x_ND, material.acts, dictionary, embedder().encode, on_step=_progress
    )
    EVIDENCE.mkdir(parents=True, exist_ok=True)
    lines = [_line(feature, label) for feature, label in found.items()]
    (EVIDENCE / "offline.jsonl").write_text("".join(lines), encoding="utf-8")
    evidence = gather_evidence(
        material.acts,
        material.x_ND,
        dictionary,
        list(found.values()),
        lambda wanted: {row: texts[row][:300] for row in wanted},
    )
    for part, chunk in enumerate(np.array_split(np.array([*evidence], dtype=object), PARTS)):
        content = "".join(json.dumps(one.to_json(), ensure_ascii=False) + "\n" for one in chunk)
        (EVIDENCE / f"part{part:02}.jsonl").write_text(content, encoding="utf-8")


@app.command()
def finish(
    shared: Path,
    files: Annotated[list[Path] | None, typer.Argument(help="Label files; the best label wins.")] = None,
) -> None:
    """Keeps the best label of each feature, measures everything and writes the artifact."""
    material = Material.read(shared)
    dictionary = material.dictionary
    labels = best_labels(material.judge(0), dictionary, [EVIDENCE / "offline.jsonl", *(files or [])])
    labels = rescored(material.judge(1), labels)
    scores = {**dictionary.card.scorecard, **_measured(material), "labels": label_quantiles(_scores(labels))}
    alive = [label for label in labels if label.score is not None]
    scores["reliable"] = sum(label.reliable for label in labels) / max(len(alive), 1)
    dictionary = replace(dictionary, card=replace(dictionary.card, scorecard=scores))
    families = find_families(material.acts, dictionary.w_dec_FD, labels)
    Artifact(dictionary, labels, _behaviour(material.acts), families).save(SHIPPED / dictionary.card.model)
    print(json.dumps(scores, indent=1), len(families), "families")


@app.command()
def name(file: Path) -> None:
    """Renames the families of the artifact."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    rename_families(SHIPPED / DEFAULT_MODEL, {line["family"]: line["name"].strip() for line in lines})


def best_labels(judge: Judge, dictionary: Dictionary, files: Iterable[Path]) -> list[Label]:
    """For each feature the label that scores best; earlier files win ties. The best proposal of a file is
    chosen on one half of the passages, the score is measured on the other."""
    sha256 = dictionary.card_json(half=True)["sha256"]
    labels = [Label("", None, reliable=False) for _ in range(dictionary.features)]
    for path in files:
        read = read_label_file(path, dictionary.features, sha256)
        for refusal in read.refused:
            print(f"{path.name}, line {refusal.line}: {refusal.reason}")
        proposals: dict[int, list[str]] = {}
        origins: dict[tuple[int, str], str] = {}
        for proposal in read.proposals:
            proposals.setdefault(proposal.feature, []).append(proposal.label)
            origins[proposal.feature, proposal.label] = proposal.origin
        for feature, scored in judge.score(judge.choose(proposals)).items():
            new = replace(scored, origin=origins[feature, scored.text])
            if not labels[feature].text or is_better(new, _handicapped(labels[feature])):
                labels[feature] = new
    return labels


def _handicapped(label: Label) -> Label:
    """A label that reads badly (a pair, a file's name) has to be clearly better than one for people."""
    if label.score is None or not re.search(r" · |_", label.text):
        return label
    return replace(label, score=label.score - HANDICAP)


def rescored(judge: Judge, labels: list[Label]) -> list[Label]:
    """The labels with their scores on texts that had no say in choosing them."""
    scored = judge.score({feature: label.text for feature, label in enumerate(labels)})
    return [replace(scored[feature], origin=label.origin) for feature, label in enumerate(labels)]


def _measured(material: Material) -> dict[str, Any]:
    """What needs a judged collection or a second seed."""
    scifact = Judged.read(material.shared)
    found: dict[str, Any] = {"scifact": {"dense": scifact.dense(), **scifact.figures(material.dictionary)}}
    for name in ("seed", "landmarks"):
        other = CACHE / f"general-{name}"
        if other.is_dir():
            found[f"stability_{name}"] = stability(
                material.dictionary.w_dec_FD,
                Dictionary.load(other).w_dec_FD,
                firing(material.acts),
            )
    return found


def _behaviour(acts_NF: csr_matrix) -> list[Behaviour]:
    by_feature = acts_NF.tocsc()
    return [
        _behaves(by_feature.data[start:stop], acts_NF.shape[0])
        for start, stop in zip(by_feature.indptr[:-1], by_feature.indptr[1:], strict=True)
    ]


def _behaves(values: NDArray[np.float32], rows: int) -> Behaviour:
    if not len(values):
        return Behaviour(0.0, [], [])
    counts, _ = np.histogram(values, bins=HISTOGRAM_BINS, range=(0.0, float(values.max())))
    quantiles = np.quantile(values, np.linspace(0, 1, 11))
    return Behaviour(round(len(values) / rows, 6), [round(float(q), 4) for q in quantiles], counts.tolist())


def _scores(labels: list[Label]) -> list[float]:
    return [label.score for label in labels if label.score is not None]


def _line(feature: int, label: Label) -> str:
    return (
        json.dumps({"feature": feature, "label": label.text, "origin": "offline"}, ensure_ascii=False) + "\n"
    )


def _progress(done: int, total: int) -> None:
    print(f"{done:,} of {total:,}", flush=True)


if __name__ == "__main__":
    app()
