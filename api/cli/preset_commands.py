"""What the commands below `refract presets` do."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from api.cli.context import opened
from api.cli.output import console, output
from api.cli.tables import print_lost
from indexer.presets.file_format import export_preset, read_preset_file
from indexer.presets.importer import import_preset
from indexer.presets.store import delete_preset, get_preset, list_presets, save_preset, set_default_preset
from search.engine.engine import SearchEngine
from search.errors import ConfigurationError, SourceError
from search.query.presets import NONE
from search.query.steering import format_strength, parse
from search.responses.collections import PresetInfo


def show_all(collection: str) -> None:
    """Prints a table of all presets."""
    table = Table(header_style="bold")
    for heading in ("name", "turns", "description"):
        table.add_column(heading, overflow="fold")
    with _engine() as engine:
        for preset in list_presets(engine, collection):
            name = f"{preset.name} (default)" if preset.default else preset.name
            turns = ", ".join(term.label for term in preset.steering)
            table.add_row(escape(name), escape(turns), escape(preset.description))
    output.print(table)


def show(collection: str, name: str) -> None:
    """Prints the knobs of one preset."""
    with _engine() as engine:
        _print(get_preset(engine, collection, name))


def save(
    collection: str, name: str, steer: str, description: str, dictionary: int | None, *, default: bool
) -> None:
    """Saves steering under a name."""
    with _engine() as engine:
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


def delete(collection: str, name: str) -> None:
    """Deletes a preset."""
    with _engine() as engine:
        delete_preset(engine, collection, name)
    console.print(f"{name} is deleted.", markup=False)


def set_default(collection: str, name: str) -> None:
    """Makes a preset the default one, or none."""
    with _engine() as engine:
        set_default_preset(engine, collection, None if name == NONE else name)
    told = "steered by nothing" if name == NONE else f"steered by {name}"
    console.print(
        f"Searches of {collection} that name neither a preset nor steering are {told}.", markup=False
    )


def export(collection: str, name: str, path: Path | None) -> None:
    """Writes a preset's file."""
    with _engine() as engine:
        content = export_preset(engine, collection, name).model_dump_json(indent=1, exclude_defaults=True)
    if path is None:
        print(content)
        return
    try:
        path.write_text(content + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror or error}.") from None


def import_file(collection: str, path: Path, name: str | None) -> None:
    """Takes in a preset's file, and says what of it was found."""
    try:
        file = read_preset_file(path.read_bytes())
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from None
    with _engine() as engine:
        taken = import_preset(engine, collection, file, name=name)
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


@contextlib.contextmanager
def _engine() -> Iterator[SearchEngine]:
    with opened() as (settings, database):
        yield SearchEngine(database, settings.data)


def _print(preset: PresetInfo) -> None:
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
