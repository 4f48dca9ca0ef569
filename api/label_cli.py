"""The commands below `refract labels`."""

from pathlib import Path
from typing import Annotated

import typer

labels = typer.Typer(help="Look after the labels of features.", no_args_is_help=True)

Collection = Annotated[str, typer.Option(help="Name of the collection.")]
LabelsFile = Annotated[
    Path, typer.Argument(help='JSON lines like {"feature": 12, "label": "enzyme kinetics"}.')
]


@labels.command()
def export(
    collection: Collection = "default",
    output: Annotated[Path | None, typer.Option(help="File to write; without it, standard output.")] = None,
) -> None:
    """Write the evidence of each feature as JSON lines: examples, near misses, neighbours, current label.

    Whoever writes a "label" next to a line's "feature" can hand it back with `refract labels import`.
    """
    from api import label_commands

    label_commands.export(collection, output)


@labels.command("import")
def import_(
    file: LabelsFile,
    collection: Collection = "default",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
) -> None:
    """Test labels from a file and take those that do better than the ones there are.

    A label written by hand stays. An "origin" in a line says who wrote it. Serving processes show the new
    labels at once.
    """
    from api import label_commands

    label_commands.import_file(file, collection, dry_run=dry_run)


@labels.command()
def ask(
    collection: Collection = "default",
    budget_requests: Annotated[int | None, typer.Option(min=0, help="Stop after so many requests.")] = None,
    budget_tokens: Annotated[int | None, typer.Option(min=0, help="Stop before so many tokens.")] = None,
    only_unreliable: Annotated[
        bool, typer.Option("--only-unreliable", help="Only features whose label does not hold.")
    ] = False,
    answers: Annotated[
        Path | None, typer.Option(help="File that keeps the answers; what is in it is not asked for again.")
    ] = None,
) -> None:
    """Ask an OpenAI-compatible endpoint for labels, and take those that do better.

    REFRACT_LABELLER_URL, REFRACT_LABELLER_MODEL and REFRACT_LABELLER_KEY say whom. Passages of the collection
    are sent there. Stopped for whatever reason, the next run goes on where this one was.
    """
    from api import label_commands

    label_commands.ask_endpoint(
        collection,
        requests=budget_requests,
        tokens=budget_tokens,
        only_unreliable=only_unreliable,
        answers=answers,
    )


@labels.command()
def edit(
    feature: Annotated[int, typer.Argument(help="Number of the feature.")],
    text: Annotated[str | None, typer.Argument(help="Its label, at most 80 characters.")] = None,
    collection: Collection = "default",
    clear: Annotated[
        bool, typer.Option("--clear", help="Take the label by hand away; `refract label` finds another.")
    ] = False,
) -> None:
    """Write a label by hand: it is shown whatever its score, and nothing replaces it."""
    from api import label_commands

    if clear == (text is not None):
        raise typer.BadParameter("give either a TEXT or --clear")
    label_commands.edit(feature, text, collection)
