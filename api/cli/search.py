"""The commands that ask: search, compare, why-not, analyze, refine."""

from pathlib import Path
from typing import Annotated

import typer

from search.query.limits import USUAL_MODE, WAYS

Collection = Annotated[str, typer.Option(help="Name of the collection.")]
Steer = Annotated[str, typer.Option(help="Knobs, like 123:1.5,45:off,concept:astronomy:-1.")]
OfDictionary = Annotated[
    int | None, typer.Option(help="The dictionary that --steer was saved with, if not the live one.")
]
Preset = Annotated[
    str | None,
    typer.Option(help="A preset, whose knobs are turned too; none: not the default one either."),
]
Mode = Annotated[str, typer.Option(help=f"How to search: {WAYS}.")]
Filter = Annotated[
    list[str] | None,
    typer.Option(help="What results must be: lang:en, year:1990..2000, feature:123; -lang:en: must not."),
]
AsJson = Annotated[bool, typer.Option("--json", help="The API's JSON instead of tables.")]


def add_commands(app: typer.Typer) -> None:
    """Adds these commands to those of the program."""
    for command in (search, compare, why_not, analyze, refine):
        app.command(command.__name__.replace("_", "-"))(command)


def search(
    query: str,
    collection: Collection = "default",
    steer: Steer = "",
    dictionary: OfDictionary = None,
    preset: Preset = None,
    mode: Mode = USUAL_MODE,
    filter: Filter = None,
    limit: Annotated[int, typer.Option(help="How many documents.")] = 10,
    offset: Annotated[int, typer.Option(help="How many to skip.")] = 0,
    facets: Annotated[bool, typer.Option(help="Count what the answers can be narrowed down to.")] = False,
    words: Annotated[bool, typer.Option("--words", help="Mark the words that matched most, *so*.")] = False,
    as_json: AsJson = False,
) -> None:
    """Search a collection and show what each score is made of."""
    from api.cli import search_commands

    request = search_commands.request(query, steer, dictionary, preset, mode, filter)
    page = {"limit": limit, "offset": offset}
    search_commands.search(request, collection, **page, facets=facets, words=words, as_json=as_json)


def compare(
    query: str,
    first: Annotated[str, typer.Argument(help="A document by its id.")],
    second: Annotated[str, typer.Argument(help="Another one.")],
    collection: Collection = "default",
    steer: Steer = "",
    dictionary: OfDictionary = None,
    preset: Preset = None,
    mode: Mode = USUAL_MODE,
    filter: Filter = None,
    as_json: AsJson = False,
) -> None:
    """Show why one document stands before another, term by term."""
    from api.cli import search_commands

    request = search_commands.request(query, steer, dictionary, preset, mode, filter)
    search_commands.compare_two(request, first, second, collection, as_json=as_json)


def why_not(
    query: str,
    document: Annotated[str, typer.Argument(help="A document by its id.")],
    collection: Collection = "default",
    steer: Steer = "",
    dictionary: OfDictionary = None,
    preset: Preset = None,
    mode: Mode = USUAL_MODE,
    filter: Filter = None,
    as_json: AsJson = False,
) -> None:
    """Show where a document stands, what it lacks, and the smallest steering that brings it up."""
    from api.cli import search_commands

    request = search_commands.request(query, steer, dictionary, preset, mode, filter)
    search_commands.explain_absence(request, document, collection, as_json=as_json)


def analyze(
    path: Annotated[Path | None, typer.Argument(help="A file; standard input when left out or -.")] = None,
    text: Annotated[str | None, typer.Option(help="The text itself, instead of a file.")] = None,
    collection: Collection = "default",
    limit: Annotated[int, typer.Option(help="How many features of the whole text.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the features of any text, and of its sentences, as knobs to search with."""
    from api.cli import search_commands

    search_commands.analyze_text(path, text, collection, limit, as_json=as_json)


def refine(
    like: Annotated[list[str], typer.Option(help="Id of a document to be like; again for more.")],
    unlike: Annotated[list[str] | None, typer.Option(help="Id of one not to be like.")] = None,
    query: Annotated[str, typer.Option(help="Compare with the answers to this, not with all passages.")] = "",
    collection: Collection = "default",
    as_json: AsJson = False,
) -> None:
    """Show the features that tell liked documents from others, and the steering that says the same."""
    from api.cli import search_commands

    search_commands.refine_by_example(collection, like, unlike or [], query, as_json=as_json)
