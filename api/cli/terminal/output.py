"""The terminal shows progress and reports."""

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.table import Table

from api.views.estimate import told
from api.views.numbers import moment
from api.views.scorecard import figures

if TYPE_CHECKING:
    from indexer.backup.manifest import Manifest
    from indexer.build.builder import BuildReport
    from indexer.build.generations import GenerationInfo
    from indexer.build.verify import Verified
    from indexer.documents import IngestReport
    from indexer.estimate import Estimate
    from search.db.card import LostLabel
    from search.db.models import KeyRow
    from search.responses.collections import Progress, Scorecard

FAILURES_SHOWN = 20
SECONDS_BETWEEN_LINES = 10.0

console = Console(stderr=True, highlight=False)
output = Console(highlight=False)


class ProgressDisplay:
    """Draws a bar for each step of a build. Where no terminal watches, it prints a line when a step begins,
    and how far it is every so many seconds; with `quiet`, nothing."""

    def __init__(self, *, quiet: bool = False, seconds: float = SECONDS_BETWEEN_LINES) -> None:
        self._in_lines = not (console.is_terminal or quiet)
        self._seconds = seconds
        self._printed = 0.0
        self._bars = Bars(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._step = ""

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def __call__(self, progress: "Progress") -> None:
        if progress.step != self._step or self._task is None:
            self._step = progress.step
            self._task = self._bars.add_task(progress.step, total=None, speed="")
            self._print(f"{progress.step} …")
        elif progress.done and progress.total != 1 and time.monotonic() - self._printed >= self._seconds:
            self._print(_counted(progress))
        total = progress.total or None
        self._bars.update(self._task, completed=progress.done, total=total, speed=_speed(progress))

    def _print(self, line: str) -> None:
        self._printed = time.monotonic()
        if self._in_lines:
            console.print(line, markup=False)


def _counted(progress: "Progress") -> str:
    """How far a step is, as a line."""
    of = f" of {progress.total:,}" if progress.total else ""
    speed = f" ({shown})" if (shown := _speed(progress)) else ""
    return f"{progress.step}: {progress.done:,}{of}{speed}"


def print_ingest(report: "IngestReport") -> None:
    """Prints counts, the failures by name and reason, and what was noted."""
    console.print(
        f"{report.documents:,} documents: {report.added:,} new, {report.changed:,} changed, "
        f"{report.unchanged:,} as before{_unread(report)}; {len(report.failures):,} skipped"
        + (f"; {report.deleted:,} that are there no more deleted." if report.deleted else ".")
    )
    if report.qualified:
        console.print(
            f"  {report.qualified:,} have an id that a document from elsewhere has; theirs begins with the "
            f"name of where they were read: {report.qualified_id}",
            markup=False,
        )
    _print_first("skipped", [(failure.name, failure.reason) for failure in report.failures])
    _print_first("noted", [(note.name, note.text) for note in report.notes])


def _print_first(what: str, told: list[tuple[str, str]]) -> None:
    for name, why in told[:FAILURES_SHOWN]:
        console.print(f"  {what} {name}: {why}", markup=False)
    if len(told) > FAILURES_SHOWN:
        console.print(f"  … and {len(told) - FAILURES_SHOWN:,} more {what}")


def _unread(report: "IngestReport") -> str:
    return f" ({report.unread:,} of them not read again)" if report.unread else ""


def print_estimate(cost: "Estimate") -> None:
    """Prints what a new generation costs, if anything is embedded for it."""
    for sentence in told(cost):
        console.print(sentence, markup=False, soft_wrap=True)


def print_build(report: "BuildReport") -> None:
    """Prints what is live now, where the time went, and how good the dictionary is."""
    total = sum(report.seconds.values())
    console.print(
        f"Generation {report.generation} is live: {report.documents:,} documents, {report.passages:,} "
        f"passages ({report.embedded:,} embedded now) in {total:.0f} s."
    )
    for step, seconds in report.seconds.items():
        console.print(f"  {step:<26} {seconds:8.1f} s  {seconds / max(total, 1e-9):6.1%}")
    score = report.scorecard
    own = f"{score.own:,} of them found in these texts" if score.own else "none found in these texts"
    console.print(f"Dictionary: {score.names or 0:,} names, {own}.")
    if report.lost_labels:
        _print_lost_labels(report.lost_labels)


def print_scorecard(here: "Scorecard", shipped: "Scorecard | None") -> None:
    """Prints a line a figure, with what it means; below, those of the dictionary as it ships."""
    output.print(_scorecard(here))
    if shipped:
        output.print("\nAs it ships, on texts of many kinds:")
        output.print(_scorecard(shipped))


def _scorecard(card: "Scorecard") -> Table:
    table = Table(show_header=False, box=None)
    for figure in figures(card):
        table.add_row(figure.name, f"[bold]{figure.value}[/bold]", figure.meaning)
    return table


def print_generations(generations: "list[GenerationInfo]") -> None:
    """Prints a table, the newest first."""
    table = Table(header_style="bold")
    for heading in ("generation", "state", "live since", "passages", "dictionary", "model"):
        table.add_column(heading)
    for each in generations:
        live = moment(each.live_at.astimezone()) if each.live_at else ""
        passages = "" if each.passages is None else f"{each.passages:,}"
        dictionary = "" if each.dictionary is None else str(each.dictionary)
        model, kept = each.recipe.model, each.recipe.dimensions
        model += f", {kept:,} dimensions" if kept else ""
        table.add_row(str(each.number), each.state, live, passages, dictionary, model)
    output.print(table)


def print_verified(found: "Verified") -> None:
    """Prints a line a problem with its remedy, then what was looked at."""
    for problem in found.problems:
        done = "Made anew from the database." if problem.repaired else problem.remedy
        console.print(f"Generation {problem.generation} of {problem.collection}: {problem.what} {done}")
    wrong = sum(not problem.repaired for problem in found.problems)
    state = "all is sound" if not wrong else f"{wrong:,} problem{'s' if wrong > 1 else ''}"
    output.print(f"{found.passages:,} passages in {found.generations} generation(s): {state}.")


def print_keys(keys: "Sequence[KeyRow]") -> None:
    """Prints which keys came with a dump: whoever has one of them may come in."""
    named = [f"{key.name!r} ({key.scope}{', revoked' if key.revoked_at else ''})" for key in keys]
    if named:
        console.print(f"Keys that came with it: {', '.join(named)}.", markup=False, soft_wrap=True)


def print_dump(done: str, manifest: "Manifest", where: str, seconds: Mapping[str, float]) -> None:
    """Prints what was dumped or restored, how large it is, how long it took."""
    from indexer.backup.storage import Place

    names = ", ".join(manifest.collections) or "no collection"
    counted = ", ".join(f"{manifest.count(table):,} {table}" for table in ("documents", "passages", "keys"))
    without = "" if manifest.embeddings else ", without embeddings"
    place = Place(where)
    size, spent = place.size() / 1e6, sum(seconds.values())
    said = f"{done} {names}: {counted}{without}; {place}, {size:,.1f} MB, in {spent:.1f} s."
    console.print(said, markup=False, soft_wrap=True)


def _print_lost_labels(lost: "list[LostLabel]") -> None:
    named = [f"{label.label!r} (feature {label.feature})" for label in lost[:FAILURES_SHOWN]]
    more = f" and {len(lost) - FAILURES_SHOWN:,} more" if len(lost) > FAILURES_SHOWN else ""
    console.print(
        f"{len(lost):,} hand-written label{'' if len(lost) == 1 else 's'} could not be carried over to the "
        f"new dictionary: {', '.join(named)}{more}. The dictionary's card lists them.",
        markup=False,
    )


def _speed(progress: "Progress") -> str:
    if progress.rate is None or progress.total == 1:
        return ""
    if progress.seconds_left is None:
        return f"{progress.rate:,.0f}/s"
    return f"{progress.rate:,.0f}/s, {progress.seconds_left:.0f} s left"
