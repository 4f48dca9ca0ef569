"""The commands below `refract repairs`."""

from typing import Annotated

import typer

from api.cli.terminal.context import Collection, opened_engine, opened_reader
from api.cli.terminal.output import console, output

app = typer.Typer(help="List, export and undo what was put right in searches.", no_args_is_help=True)


@app.command("list")
def list_(
    collection: Collection = "default",
    undone: Annotated[bool, typer.Option("--undone", help="Those that were undone, too.")] = False,
) -> None:
    """List repairs, the latest first."""
    from api.views.repairs import told
    from indexer.repairs.store import list_repairs

    with opened_reader(collection) as reader:
        for each in list_repairs(reader, undone=undone):
            state = f", undone {each.undone_at:%Y-%m-%d %H:%M}" if each.undone_at else ""
            told_by = f"{each.created_by}, {each.created_at:%Y-%m-%d %H:%M}{state}"
            output.print(f"{each.number}  {told(each)}  ({told_by})", markup=False, highlight=False)


@app.command()
def export(collection: Collection = "default") -> None:
    """Write all repairs as JSON Lines, those too that were undone."""
    from pydantic import TypeAdapter

    from indexer.repairs.store import list_repairs
    from search.responses.repairs import RepairInfo

    line = TypeAdapter(RepairInfo)
    with opened_reader(collection) as reader:
        for each in reversed(list_repairs(reader, undone=True)):
            print(line.dump_json(each).decode())


@app.command()
def undo(
    number: Annotated[int, typer.Argument(help="As refract repairs list has it.")],
    collection: Collection = "default",
) -> None:
    """Undo a repair: searches are as they were without it."""
    from api.views.repairs import told
    from indexer.repairs.store import undo_repair

    with opened_engine() as engine:
        undone = undo_repair(engine, collection, number)
    console.print(f"Undone: {told(undone)}.", markup=False, highlight=False)
