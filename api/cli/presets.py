"""The commands below `refract presets`."""

from pathlib import Path
from typing import Annotated

import typer

presets = typer.Typer(help="Keep steering under a name, and share it.", no_args_is_help=True)

Collection = Annotated[str, typer.Option(help="Name of the collection.")]
Name = Annotated[str, typer.Argument(help="Name of the preset.")]


@presets.command("list")
def list_(collection: Collection = "default") -> None:
    """List the collection's presets."""
    from api.cli import preset_commands

    preset_commands.show_all(collection)


@presets.command()
def show(name: Name, collection: Collection = "default") -> None:
    """Show what a preset turns, and what of it means nothing any more."""
    from api.cli import preset_commands

    preset_commands.show(collection, name)


@presets.command()
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
    from api.cli import preset_commands

    preset_commands.save(collection, name, steer, description, dictionary, default=default)


@presets.command()
def delete(name: Name, collection: Collection = "default") -> None:
    """Delete a preset."""
    from api.cli import preset_commands

    preset_commands.delete(collection, name)


@presets.command()
def default(
    name: Annotated[str, typer.Argument(help="Name of the preset, or none.")],
    collection: Collection = "default",
) -> None:
    """Steer by a preset whatever search names neither a preset nor steering; none: by nothing."""
    from api.cli import preset_commands

    preset_commands.set_default(collection, name)


@presets.command()
def export(
    name: Name,
    collection: Collection = "default",
    output: Annotated[Path | None, typer.Option(help="File to write; without it, standard output.")] = None,
) -> None:
    """Write a preset as a small JSON file that other collections can import."""
    from api.cli import preset_commands

    preset_commands.export(collection, name, output)


@presets.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A file that refract presets export wrote.")],
    collection: Collection = "default",
    name: Annotated[str | None, typer.Option(help="Another name than that of the file.")] = None,
) -> None:
    """Take in a preset: its features are found again by what they are, and what cannot be found is said."""
    from api.cli import preset_commands

    preset_commands.import_file(collection, file, name)
