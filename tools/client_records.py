"""This makes the client's records out of the JSON API's description, for tools.reference: they have its
fields, its types and what it says of them."""

import inspect
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

ROOTS = (
    "SearchResponse",
    "Comparison",
    "WhyNot",
    "FeatureList",
    "FeatureDetail",
    "FeatureMap",
    "ConceptList",
    "Refinement",
    "DocumentDetail",
    "DocumentRef",
    "DocumentWords",
    "TextAnalysis",
    "Suggestions",
    "CollectionInfo",
    "PresetInfo",
    "JobInfo",
    "EventPage",
    "Written",
    "Deleted",
)
"""What the client's calls are answered with."""

HEAD = '''"""What comes back. Made by python -m tools.reference out of the server's OpenAPI description.

A server of a later version may say more than this client knows; that is left out.
"""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
'''
TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def records(described: Schema) -> str:
    """Writes the module of records, each behind those it is made of."""
    schemas: dict[str, Schema] = described["components"]["schemas"]
    ordered: dict[str, None] = {}

    def visit(name: str) -> None:
        for below in _named_in(schemas[name]):
            if below not in ordered:
                visit(below)
        if schemas[name].get("properties"):
            ordered[name] = None

    for root in ROOTS:
        visit(root)
    return "\n\n\n".join([HEAD.rstrip(), *(_record(name, schemas) for name in ordered)]) + "\n"


def _named_in(schema: Any) -> Iterator[str]:
    """Yields the names of the records that a schema refers to."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].rpartition("/")[2]
        for part in schema.values():
            yield from _named_in(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _named_in(part)


def _record(name: str, schemas: dict[str, Schema]) -> str:
    schema = schemas[name]
    lines = ["@dataclass(frozen=True, kw_only=True)", f"class {name}:"]
    if told := schema.get("description"):
        quoted = inspect.cleandoc(told).replace("\n", "\n    ").replace("\n    \n", "\n\n")
        lines += [f'    """{quoted}"""', ""]
    required = schema.get("required", [])
    for field, of in schema["properties"].items():
        default = "" if field in required else f" = {_default(of)}"
        lines.append(f"    {field}: {_type(of, schemas)}{default}")
    return "\n".join(lines)


def _default(of: Schema) -> str:
    kind = of.get("type")
    if kind in ("array", "object"):
        return f"dataclasses.field(default_factory={'list' if kind == 'array' else 'dict'})"
    value = of.get("default")
    return _quoted(value) if isinstance(value, str) else repr(value)


def _type(of: Schema, schemas: dict[str, Schema]) -> str:
    if "$ref" in of:
        name = of["$ref"].rpartition("/")[2]
        return name if schemas[name].get("properties") else "dict[str, Any]"
    if "anyOf" in of:
        return " | ".join(_type(each, schemas) for each in of["anyOf"])
    if "const" in of or "enum" in of:
        allowed = of.get("enum") or [of["const"]]
        return f"Literal[{', '.join(map(_quoted, allowed))}]"
    if of.get("format") == "date-time":
        return "datetime"
    if of.get("type") == "array":
        return f"list[{_type(of['items'], schemas)}]"
    return "dict[str, Any]" if of.get("type") == "object" else TYPES[of["type"]]


def _quoted(text: str) -> str:
    return f'"{text}"'
