"""The command that learns knobs from judgements."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from api.cli.terminal.context import Collection, opened
from api.cli.terminal.output import ProgressDisplay, console, output

if TYPE_CHECKING:
    from search.responses.learning import LearningReport

app = typer.Typer()


@app.command()
def learn(
    collection: Collection = "default",
    *,
    accept: Annotated[
        bool, typer.Option("--accept", help="Make them the default preset, if they are offered.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Learn from what was judged how far to turn which features for all searches. What does not help
    questions that it was not learned from is not offered; nothing changes without --accept."""
    from indexer.learning import run_learning
    from indexer.presets.learned import accept as accept_learned
    from indexer.progress import Reporter
    from search.engine.engine import SearchEngine

    with opened() as (settings, database):
        with ProgressDisplay(quiet=as_json) as display:
            found = run_learning(database, settings.data, collection, Reporter(database, display))
        if as_json:
            print(found.model_dump_json(indent=1))
        else:
            print_learned(found)
        if accept:
            made = accept_learned(SearchEngine(database, settings.data), found)
            console.print(f"{made.name} is the default preset of {made.collection}.", markup=False)


def print_learned(found: "LearningReport") -> None:
    """Prints the knobs as a table, and what they are worth."""
    table = Table(header_style="bold")
    for name in ("feature", "label"):
        table.add_column(name, overflow="fold")
    for name in ("turned", "helps", "hurts"):
        table.add_column(name, justify="right")
    for knob in found.knobs:
        turned = f"{knob.strength:+.2f}"
        table.add_row(str(knob.feature), escape(knob.label), turned, f"{knob.helps:,}", f"{knob.hurts:,}")
    if found.knobs:
        output.print(table)
    gain = found.unseen
    counted = f"{found.better:,} better, {found.worse:,} worse, {found.same:,} the same"
    output.print(
        f"{found.questions:,} questions, nDCG@10 {found.before.mean:.4f}. On questions that did not teach "
        f"them the knobs change it by {gain.mean:+.4f} ({gain.low:+.3f} to {gain.high:+.3f}): {counted}.",
        markup=False,
    )
    if found.refusal:
        output.print(f"Not offered. {found.refusal}", markup=False)
    console.print(f"{found.seconds:.1f} s.")
