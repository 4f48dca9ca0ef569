"""The command that says how good searches are by judgements."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from api.cli.terminal.context import Collection, opened
from api.cli.terminal.output import ProgressDisplay, console, output

if TYPE_CHECKING:
    from search.responses.evaluation import ChangedQuestion, EvaluationReport

app = typer.Typer()


@app.command()
def evaluate(
    collection: Collection = "default",
    preset: Annotated[
        str | None, typer.Option(help="Search by this preset; none: by none; else as searches are.")
    ] = None,
    steer: Annotated[str | None, typer.Option(help="Knobs, like 123:1.5,concept:astronomy:-1.")] = None,
    mode: Annotated[str | None, typer.Option(help="hybrid or semantic.")] = None,
    generation: Annotated[
        int | None, typer.Option(help="One that is ready or retired, not the live one.")
    ] = None,
    against_preset: Annotated[
        str | None, typer.Option(help="Compare with this preset. What is not said is as on this side.")
    ] = None,
    against_steer: Annotated[str | None, typer.Option(help="Compare with this steering.")] = None,
    against_mode: Annotated[str | None, typer.Option(help="Compare with this mode.")] = None,
    against_generation: Annotated[int | None, typer.Option(help="Compare with this generation.")] = None,
    against_collection: Annotated[
        str | None, typer.Option(help="Compare with another collection, by the documents that both have.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Say how good searches are by what was judged, with 95% intervals; of two settings, generations or
    collections also which questions are better and worse, and by which terms."""
    from indexer.evaluation import Measured, compared_with, run_evaluation
    from indexer.progress import Reporter

    this = Measured.of(collection, generation=generation, preset=preset, steer=steer, mode=mode)
    against = compared_with(
        this,
        collection=against_collection,
        generation=against_generation,
        preset=against_preset,
        steer=against_steer,
        mode=against_mode,
    )
    with opened() as (settings, database), ProgressDisplay(quiet=as_json) as display:
        found = run_evaluation(database, settings.data, this, against, Reporter(database, display))
    if as_json:
        print(found.model_dump_json(indent=1))
        return
    print_evaluation(found)


def print_evaluation(found: "EvaluationReport") -> None:
    """Prints the measures as a table, then what changed most."""
    from api.views.evaluation import described, signed, told_counts

    table = Table(header_style="bold")
    table.add_column("measure")
    for side in (found.this, found.against) if found.against else (found.this,):
        table.add_column(escape(described(side)), justify="right", overflow="fold")
    if found.against:
        table.add_column("difference", justify="right")
    for place, ours in enumerate(found.this.figures):
        row = [ours.measure, f"{ours.mean:.4f} ({ours.low:.3f} to {ours.high:.3f})"]
        if found.against:
            theirs, gap = found.against.figures[place], found.differences[place]
            row.append(f"{theirs.mean:.4f} ({theirs.low:.3f} to {theirs.high:.3f})")
            row.append(f"{signed(gap.mean, 4)} ({signed(gap.low)} to {signed(gap.high)})")
        table.add_row(*row)
    output.print(table)
    for line in told_counts(found):
        output.print(line, markup=False)
    for heading, questions in (("Worse", found.lost), ("Better", found.gained)):
        if questions:
            output.print(_changed(heading, questions))
    for twice in found.contradictions[:5]:
        said = ", ".join(f"{judge} {grade}" for judge, grade in twice.said.items())
        line = f"  {twice.document} for “{twice.question}”: {said}; counts as {twice.counts}"
        output.print(line, markup=False)
    console.print(f"{found.seconds:.1f} s.")


def _changed(heading: str, questions: "tuple[ChangedQuestion, ...]") -> Table:
    from api.views.evaluation import told_term

    table = Table(header_style="bold")
    for name in (heading, "nDCG@10", "document", "rank", "rival", "by"):
        table.add_column(name, overflow="fold")
    for each in questions:
        ranks = f"{each.rank_against or '–'} → {each.rank_this or '–'}"
        terms = ", ".join(map(told_term, each.terms))
        figures = f"{each.against:.3f} → {each.this:.3f}"
        table.add_row(
            escape(each.question), figures, escape(each.document), ranks, escape(each.rival), escape(terms)
        )
    return table
