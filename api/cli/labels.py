"""The commands below `refract labels`."""

from pathlib import Path
from typing import Annotated

import typer

labels = typer.Typer(help="Give features other names, by hand.", no_args_is_help=True)

Collection = Annotated[str, typer.Option(help="Name of the collection.")]
LabelsFile = Annotated[
    Path, typer.Argument(help='JSON lines like {"name": "enzyme", "label": "enzyme kinetics"}.')
]


@labels.command()
def edit(
    feature: Annotated[int, typer.Argument(help="Number of the feature.")],
    text: Annotated[str | None, typer.Argument(help="Its label, at most 80 characters.")] = None,
    collection: Collection = "default",
    clear: Annotated[
        bool, typer.Option("--clear", help="Take the label away: the name stands again.")
    ] = False,
) -> None:
    """Write a label by hand: it is shown instead of the feature's name, and nothing replaces it."""
    from api.cli import label_commands

    if clear == (text is not None):
        raise typer.BadParameter("give either a TEXT or --clear")
    label_commands.edit(feature, text, collection)


@labels.command()
def export(
    collection: Collection = "default",
    output: Annotated[Path | None, typer.Option(help="File to write; without it, standard output.")] = None,
) -> None:
    """Write the labels by hand as JSON lines, which `refract labels import` takes in any collection."""
    from api.cli import label_commands

    label_commands.export(collection, output)


@labels.command("import")
def import_(
    file: LabelsFile,
    collection: Collection = "default",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
) -> None:
    """Write labels by hand from a file: all of them or, if a line cannot be used, none.

    A line says which feature it is about by the "name" that it was made from, or without one by its number,
    "feature". Serving processes show the new labels at once.
    """
    from api.cli import label_commands

    label_commands.import_file(file, collection, dry_run=dry_run)
