"""The commands that ask: search, compare, why-not, analyze, refine."""

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from api.cli.terminal.context import Collection, opened_reader, read_text
from search.errors import InvalidRequest
from search.query.limits import USUAL_MODE, WAYS

if TYPE_CHECKING:
    from search.engine.reader import Reader
    from search.query.request import SearchRequest

app = typer.Typer()

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

Answer = TypeVar("Answer")


@app.command()
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
    values_of: Annotated[list[str] | None, typer.Option(help="A field of which --facets lists many.")] = None,
    as_typed: Annotated[bool, typer.Option("--as-typed", help="No word is mistyped.")] = False,
    collapse: Annotated[bool, typer.Option(help="Show results that say the same once.")] = True,
    min_score: Annotated[float | None, typer.Option(help="Leave out what scores less.")] = None,
    words: Annotated[bool, typer.Option("--words", help="Mark the words that matched most, *so*.")] = False,
    as_json: AsJson = False,
) -> None:
    """Search a collection and show what each score is made of."""
    from api.cli.terminal.tables import print_results
    from search.presentation.for_people import ForPeople

    request = _request(query, steer, dictionary, preset, mode, filter, as_typed=as_typed)
    _print(
        collection,
        lambda reader: reader.search(
            request,
            limit=limit,
            offset=offset,
            collapse=collapse,
            min_score=min_score,
            facets=facets,
            values_of=values_of or (),
            for_people=ForPeople() if words else None,
        ),
        print_results,
        as_json=as_json,
    )


@app.command()
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
    from api.cli.terminal.tables import print_comparison
    from search.explain.compare import compare

    request = _request(query, steer, dictionary, preset, mode, filter)
    _print(
        collection,
        lambda reader: compare(reader, request, first, second),
        print_comparison,
        as_json=as_json,
    )


@app.command()
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
    from api.cli.terminal.tables import print_absence
    from search.explain.why_not import why_not

    request = _request(query, steer, dictionary, preset, mode, filter)
    _print(
        collection,
        lambda reader: why_not(reader, request, document),
        print_absence,
        as_json=as_json,
    )


@app.command()
def analyze(
    path: Annotated[Path | None, typer.Argument(help="A file; standard input when left out or -.")] = None,
    text: Annotated[str | None, typer.Option(help="The text itself, instead of a file.")] = None,
    collection: Collection = "default",
    limit: Annotated[int, typer.Option(help="How many features of the whole text.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the features of any text, and of its sentences, as knobs to search with."""
    from api.cli.terminal.tables import print_analysis
    from search.explain.analyze import analyze

    if text is not None and path is not None:
        raise InvalidRequest("Both --text and a file are given.", hint="Leave one of them out.")
    if text is None:
        text = sys.stdin.read() if path is None or path == Path("-") else read_text(path)
    given = text
    _print(
        collection,
        lambda reader: analyze(reader, given, limit=limit),
        lambda found: print_analysis(found, given),
        as_json=as_json,
    )


@app.command()
def refine(
    like: Annotated[list[str], typer.Option(help="Id of a document to be like; again for more.")],
    unlike: Annotated[list[str] | None, typer.Option(help="Id of one not to be like.")] = None,
    query: Annotated[str, typer.Option(help="Compare with the answers to this, not with all passages.")] = "",
    collection: Collection = "default",
    as_json: AsJson = False,
) -> None:
    """Show the features that tell liked documents from others, and the steering that says the same."""
    from api.cli.terminal.tables import print_refinement
    from search.explain.relevance_feedback import refine

    _print(
        collection,
        lambda reader: refine(reader, like, unlike or [], query=query),
        print_refinement,
        as_json=as_json,
    )


def _request(
    query: str,
    steer: str,
    dictionary: int | None,
    preset: str | None,
    mode: str,
    filters: list[str] | None,
    *,
    as_typed: bool = False,
) -> "SearchRequest":
    from search.query.filters import parse_filters
    from search.query.request import SearchRequest
    from search.query.steering import parse

    return SearchRequest(
        query=query,
        steering=parse(steer),
        dictionary=dictionary,
        preset=preset,
        mode=mode,
        filters=parse_filters(filters or []),
        as_typed=as_typed,
    )


def _print(
    collection: str, ask: "Callable[[Reader], Answer]", show: Callable[[Answer], None], *, as_json: bool
) -> None:
    """Prints an answer as tables or as the API's JSON."""
    with opened_reader(collection) as reader:
        answer: Any = ask(reader)
        if as_json:
            print(json.dumps(dataclasses.asdict(answer), indent=2, ensure_ascii=False))
        else:
            show(answer)
