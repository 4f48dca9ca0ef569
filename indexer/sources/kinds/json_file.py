"""A JSON file as one document: a line for each value, led by its name."""

import json
from collections.abc import Iterator
from typing import Any

from indexer.sources.decoding import decode
from indexer.sources.document import Parsed, UnreadableError


def parse_json(data: bytes) -> Parsed:
    """Title (a field called title or name) and text of a `.json` file.

    Raises:
        UnreadableError: it is not JSON, or nested too deeply.
    """
    text, assumed = decode(data)
    try:
        value = json.loads(text)
        lines = list(_lines("", value))
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"it is not JSON: {str(error)[:100]}") from None
    names = (value.get("title"), value.get("name")) if isinstance(value, dict) else ()
    title = next((name for name in names if isinstance(name, str)), "")
    return Parsed(title, "\n".join(lines), notes=(assumed,) if assumed else ())


def _lines(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _lines(str(key), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _lines(name, inner)
    elif value is not None and value != "":
        yield f"{name}: {value}" if name else str(value)
