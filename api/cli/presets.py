"""The commands below `refract presets`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from api.cli.terminal.context import Collection, opened_engine, opened_reader
from api.cli.terminal.output import console, output
from search.errors import ConfigurationError, SourceError
from search.query.steering import format_strength, parse

if TYPE_CHECKING:
    from search.responses.collections import PresetInfo

app = typer.Typer(help="Keep steering under a name, and share it.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the preset.")]


@app.command("list")
def list_(collection: Collection = "default") -> None:
    """List the collection's presets."""
    from indexer.presets.store import list_presets

    table = Table(header_style="bold")
    for heading in ("name", "turns", "description"):
        table.add_column(heading, overflow="fold")
    with opened_reader(collection) as reader:
        for preset in list_presets(reader):
            name = f"{preset.name} (default)" if preset.default else preset.name
            turns = ", ".join(term.label for term in preset.steering)
            table.add_row(escape(name), escape(turns), escape(preset.description))
    output.print(table)


@app.command()
def show(name: Name, collection: Collection = "default") -> None:
    """Show what a preset turns, and what of it means nothing any more."""
    from indexer.presets.store import get_preset

    with opened_reader(collection) as reader:
        _print(get_preset(reader, name))


@app.command()
def save(
    name: Name,
    steer: Annotated[str, typer.Option(help="Knobs, like 123:1.5,45:off,concept:astronomy:-1.")],
    collection: Collection = "default",
    description: Annotated[str, typer.Option(help="What it is for, in a line.")] = "",
    dictionary: Annotated[
        int | None, typer.Option(help="The dictionary that --steer was saved with, if not the live one.")
    ] = None,
    default: Annotated[
        bool, typer.Option("--default", help="Steer by it whatever search names nothing else.")
    ] = False,
) -> None:
    """Save steering under a name; a preset of that name is replaced."""
    from indexer.presets.store import save_preset

    with opened_engine() as engine:
        _print(
            save_preset(
                engine,
                collection,
                name,
                parse(steer),
                dictionary=dictionary,
                description=description,
                default=default or None,
            )
        )


@app.command()
def delete(name: Name, collection: Collection = "default") -> None:
    """Delete a preset."""
    from indexer.presets.store import delete_preset

    with opened_engine() as engine:
        delete_preset(engine, collection, name)
    console.print(f"{name} is deleted.", markup=False)


@app.command()
def default(
    name: Annotated[str, typer.Argument(help="Name of the preset, or none.")],
    collection: Collection = "default",
) -> None:
    """Steer by a preset whatever search names neither a preset nor steering; none: by nothing."""
    from indexer.presets.store import set_default_preset
    from search.query.presets import NONE

    with opened_engine() as engine:
        set_default_preset(engine, collection, None if name == NONE else name)
    told = "steered by nothing" if name == NONE else f"steered by {name}"
    console.print(
        f"Searches of {collection} that name neither a preset nor steering are {told}.", markup=False
    )


@app.command()
def export(
    name: Name,
    collection: Collection = "default",
    output: Annotated[Path | None, typer.Option(help="File to write; without it, standard output.")] = None,
) -> None:
    """Write a preset as a small JSON file that other collections can import."""
    from indexer.presets.file_format import export_preset

    with opened_reader(collection) as reader:
        content = export_preset(reader, name).model_dump_json(indent=1, exclude_defaults=True)
    if output is None:
        print(content)
        return
    try:
        output.write_text(content + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{output} cannot be written: {error.strerror or error}.") from None


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A file that refract presets export wrote.")],
    collection: Collection = "default",
    name: Annotated[str | None, typer.Option(help="Another name than that of the file.")] = None,
) -> None:
    """Take in a preset: its features are found again by what they are, and what cannot be found is said."""
    from api.cli.terminal.tables import print_lost
    from indexer.presets.file_format import read_preset_file
    from indexer.presets.importer import import_preset

    try:
        content = read_preset_file(file.read_bytes())
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror or error}.") from None
    with opened_engine() as engine:
        taken = import_preset(engine, collection, content, name=name)
    table = Table(header_style="bold")
    for heading in ("there", "label there", "here", "alike", "found by"):
        table.add_column(heading, overflow="fold")
    for match in taken.matched:
        table.add_row(
            escape(match.was), escape(match.label), escape(match.knob), f"{match.confidence:.2f}", match.how
        )
    output.print(table)
    print_lost(taken.lost)
    console.print(f"Saved as {taken.preset.name} in {collection}.", markup=False)


def _print(preset: "PresetInfo") -> None:
    from api.cli.terminal.tables import print_lost

    table = Table(header_style="bold", title=escape(preset.name), title_justify="left")
    for heading in ("turned", "strength"):
        table.add_column(heading, overflow="fold")
    for term in preset.steering:
        table.add_row(escape(term.label), format_strength(term.strength))
    output.print(table)
    if preset.description:
        output.print(preset.description, markup=False)
    output.print(f"--steer {preset.steer}", markup=False, soft_wrap=True)
    print_lost(preset.steering_lost)
