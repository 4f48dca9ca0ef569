"""What the commands that ask do."""

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from api.cli.commands import read_text
from api.cli.context import opened
from api.cli.tables import (
    print_absence,
    print_analysis,
    print_comparison,
    print_refinement,
    print_results,
)
from search.engine.engine import SearchEngine
from search.errors import InvalidRequest
from search.explain.analyze import analyze
from search.explain.compare import compare
from search.explain.relevance_feedback import refine
from search.explain.why_not import why_not
from search.query.filters import parse_filters
from search.query.request import SearchRequest
from search.query.steering import parse

Answer = TypeVar("Answer")


def request(
    query: str,
    steer: str,
    dictionary: int | None,
    preset: str | None,
    mode: str,
    filters: list[str] | None,
) -> SearchRequest:
    """What the options of a command ask."""
    return SearchRequest(query, parse(steer), dictionary, preset, mode, parse_filters(filters or []))


def search(
    asked: SearchRequest,
    collection: str,
    *,
    limit: int,
    offset: int,
    facets: bool,
    words: bool,
    as_json: bool,
) -> None:
    """Prints a search as a table or as the API's JSON, with the words marked that matched if so asked."""

    def ask(engine: SearchEngine) -> Any:
        page = {"limit": limit, "offset": offset}
        return engine.search(asked, collection=collection, **page, facets=facets, for_people=words)

    _print(ask, print_results, as_json=as_json)


def compare_two(asked: SearchRequest, first: str, second: str, collection: str, *, as_json: bool) -> None:
    """Prints why one document stands before another."""
    _print(
        lambda engine: compare(engine, asked, first, second, collection=collection),
        print_comparison,
        as_json=as_json,
    )


def explain_absence(asked: SearchRequest, document: str, collection: str, *, as_json: bool) -> None:
    """Prints why a document is not among the first."""
    _print(
        lambda engine: why_not(engine, asked, document, collection=collection),
        print_absence,
        as_json=as_json,
    )


def analyze_text(path: Path | None, text: str | None, collection: str, limit: int, *, as_json: bool) -> None:
    """Prints the features of a text, as tables or as the API's JSON."""
    if text is not None and path is not None:
        raise InvalidRequest("Both --text and a file are given.", hint="Leave one of them out.")
    if text is None:
        text = sys.stdin.read() if path is None or path == Path("-") else read_text(path)
    given = text
    _print(
        lambda engine: analyze(engine, given, collection=collection, limit=limit),
        lambda found: print_analysis(found, given),
        as_json=as_json,
    )


def refine_by_example(
    collection: str, like: list[str], unlike: list[str], query: str, *, as_json: bool
) -> None:
    """Prints what tells documents from others."""
    _print(
        lambda engine: refine(engine, like, unlike, collection=collection, query=query),
        print_refinement,
        as_json=as_json,
    )


def _print(ask: Callable[[SearchEngine], Answer], show: Callable[[Answer], None], *, as_json: bool) -> None:
    with opened() as (settings, database):
        answer: Any = ask(SearchEngine(database, settings.data))
        if as_json:
            print(json.dumps(dataclasses.asdict(answer), indent=2, ensure_ascii=False))
        else:
            show(answer)
