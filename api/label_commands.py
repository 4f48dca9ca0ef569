"""What the commands below `refract labels` do."""

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from sqlalchemy import Engine as Database
from sqlalchemy.orm import Session

from api.opened import opened
from api.terminal import ProgressDisplay, console
from indexer.intake import embedder_for
from indexer.label import FEWEST_POSITIVES
from indexer.labels.asking import Answers, AskReport, ask
from indexer.labels.edit import edit_label
from indexer.labels.endpoint import Budget, Chat, Endpoint
from indexer.labels.evidence import gather_evidence
from indexer.labels.exchange import Change, ImportReport, import_labels
from indexer.labels.judge import Judge
from indexer.labels.lines import HAND, LabelFile, header, read_label_file
from indexer.labels.material import Material, read_material, text_reader
from indexer.progress import Reporter
from search.labels import Label
from search.settings import Settings
from search.stored import find_collection

SHOWN = 20


def export(collection: str, output: Path | None) -> None:
    """Writes the evidence of all features to a file or to standard output."""
    with opened() as (_, database), ProgressDisplay() as display:
        reporter = Reporter(database, display)
        material = _material(database, collection)
        with reporter.step("gathering evidence"), _writing(output) as file:
            file.write(header(material.lineage))
            for evidence in gather_evidence(
                material.acts_NF,
                material.x_ND,
                material.dictionary,
                material.labels,
                text_reader(database, material),
                on_step=reporter.reach,
            ):
                file.write(json.dumps(evidence.to_json(), ensure_ascii=False) + "\n")
    console.print(f"Evidence of {material.dictionary.features:,} features.")


def import_file(path: Path, collection: str, *, dry_run: bool) -> None:
    """Takes labels from a file."""
    with opened() as (_, database), ProgressDisplay() as display:
        material = _material(database, collection)
        labels = read_label_file(path, material.dictionary.features, material.lineage)
        report = _import(database, Reporter(database, display), material, labels, dry_run=dry_run)
    _print_report(report, dry_run=dry_run)


def ask_endpoint(
    collection: str, *, requests: int | None, tokens: int | None, only_unreliable: bool, answers: Path | None
) -> None:
    """Asks the endpoint of the settings for labels and takes what it answered, now or before."""
    with opened() as (settings, database), ProgressDisplay() as display:
        endpoint = _endpoint(settings)
        reporter = Reporter(database, display)
        material = _material(database, collection)
        path = answers or settings.data / "labels" / f"{collection}-{material.lineage[:12]}.jsonl"
        known = Answers(path, material.dictionary.features, material.lineage, endpoint.model)
        wanted = [f for f in _worth_asking(material, only_unreliable) if f not in known.answered]
        _say(f"{len(wanted):,} features to ask {endpoint.model} about; answers go to {path}.")
        evidence = gather_evidence(
            material.acts_NF,
            material.x_ND,
            material.dictionary,
            material.labels,
            text_reader(database, material),
            features=wanted,
        )
        budget = Budget(requests, tokens)
        with reporter.step("asking for labels", len(wanted)):
            chat = Chat(endpoint, budget, say=_say)
            asked = ask(chat, evidence, known, len(wanted), on_step=reporter.reach)
        report = _import(database, reporter, material, known.read())
    _print_asked(asked, budget)
    _print_report(report)


def edit(feature: int, text: str | None, collection: str) -> None:
    """Writes a label by hand, or takes it away without a text."""
    with opened() as (_, database):
        change = edit_label(database, collection, feature, text)
    if text is None:
        console.print(f"Feature {feature} has no label until refract label runs.")
    else:
        _print_change(change)


def _say(text: str) -> None:
    console.print(text, markup=False)


def _material(database: Database, collection: str) -> Material:
    with Session(database) as session:
        return read_material(session, collection)


def _endpoint(settings: Settings) -> Endpoint:
    key = settings.labeller_key.get_secret_value().strip()
    return Endpoint(settings.labeller_url.strip(), settings.labeller_model.strip(), key)


def _worth_asking(material: Material, only_unreliable: bool) -> list[int]:
    """Features that fire often enough for a label to be tested, and whose label may be replaced."""
    passages_F = material.acts_NF.getnnz(axis=0)
    return [
        feature
        for feature, label in enumerate(material.labels)
        if passages_F[feature] >= FEWEST_POSITIVES
        and label.origin != HAND
        and not (only_unreliable and label.reliable)
    ]


def _import(
    database: Database, reporter: Reporter, material: Material, labels: LabelFile, *, dry_run: bool = False
) -> ImportReport:
    with Session(database) as session, reporter.step("testing labels"):
        embedder = embedder_for(session, find_collection(session, material.collection))
        session.commit()  # the work is long: no transaction stays open
        judge = Judge(material.x_ND, material.acts_NF, material.dictionary, embedder.encode)
        return import_labels(session, material, judge, labels, dry_run=dry_run)


@contextlib.contextmanager
def _writing(output: Path | None) -> Iterator[TextIO]:
    """The file, which appears whole or not at all; or standard output."""
    if output is None:
        yield sys.stdout
        return
    unfinished = output.with_name(f"{output.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            yield file
        unfinished.replace(output)
    finally:
        unfinished.unlink(missing_ok=True)


def _print_asked(asked: AskReport, budget: Budget) -> None:
    console.print(
        f"{asked.answered:,} features answered with {budget.spent_requests:,} requests and "
        f"{budget.spent_tokens:,} tokens; {asked.left:,} are left."
    )
    if asked.stopped:
        console.print(f"Stopped early: {asked.stopped}. Run the command again to go on.", markup=False)
    _print_some([f"skipped {problem}" for problem in asked.problems])


def _print_report(report: ImportReport, *, dry_run: bool = False) -> None:
    for change in report.replaced:
        _print_change(change)
    would = "would be " if dry_run else ""
    console.print(
        f"{len(report.replaced):,} labels {would}replaced, {len(report.kept):,} kept, "
        f"{len(report.refused):,} lines refused."
    )
    _print_some([f"kept {_shown(kept.old)} of feature {kept.feature}: {kept.reason}" for kept in report.kept])
    _print_some([f"line {refusal.line}: {refusal.reason}" for refusal in report.refused])


def _print_change(change: Change) -> None:
    print(f"{change.feature}: {_shown(change.old)} → {_shown(change.new)}, {change.new.origin}")


def _shown(label: Label) -> str:
    score = "not tested" if label.score is None else f"{label.score:.2f}"
    return f"“{label.text}” ({score})"


def _print_some(lines: list[str]) -> None:
    for line in lines[:SHOWN]:
        console.print(f"  {line}", markup=False)
    if len(lines) > SHOWN:
        console.print(f"  … and {len(lines) - SHOWN:,} more")
