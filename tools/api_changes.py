"""Tells additions to the JSON API from changes that break its clients, between two OpenAPI descriptions.

The rule is that of docs/reference/versions.md: answers may say more, requests may be given more. What a
client sends today must be taken tomorrow, and what it reads must be there. So the same change of a record can
be either: a value that is added to an enumeration is new in a request, and unheard of in an answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]

SENT, READ = "sent", "read"
BOUNDS = {"maxLength": 1, "maxItems": 1, "maximum": 1, "minLength": -1, "minItems": -1, "minimum": -1}
"""Bounds of what is sent, and in which direction each grows wider."""


@dataclass(frozen=True)
class Changes:
    """Says in a line each what was added and what breaks."""

    added: list[str]
    breaking: list[str]


def changes(before: Schema, after: Schema) -> Changes:
    """Compares two descriptions."""
    found = list(_Comparison(before, after).walk())
    return Changes(
        added=sorted({line for breaks, line in found if not breaks}),
        breaking=sorted({line for breaks, line in found if breaks}),
    )


Found = Iterator[tuple[bool, str]]


class _Comparison:
    """Walks through two descriptions at once, from each operation to the records it sends and reads."""

    def __init__(self, before: Schema, after: Schema) -> None:
        self.before, self.after = before, after
        self.seen: set[tuple[str, str, str]] = set()

    def walk(self) -> Found:
        """Yields whether a change breaks clients, with a line that says what it is."""
        ours, theirs = _operations(self.before), _operations(self.after)
        for name in ours.keys() - theirs.keys():
            yield True, f"{name} is gone"
        for name in theirs.keys() - ours.keys():
            yield False, f"{name} is new"
        for name in ours.keys() & theirs.keys():
            yield from self._operation(name, ours[name], theirs[name])

    def _operation(self, name: str, before: Schema, after: Schema) -> Found:
        ours = {each["name"]: each for each in before.get("parameters", [])}
        theirs = {each["name"]: each for each in after.get("parameters", [])}
        yield from _names(f"{name} parameter", ours.keys(), theirs.keys(), _required(theirs), READ)
        for each in ours.keys() & theirs.keys():
            where = f"{name} parameter {each}"
            if theirs[each].get("required") and not ours[each].get("required"):
                yield True, f"{where} is required now"
            yield from self._schema(where, ours[each]["schema"], theirs[each]["schema"], SENT)
        old, new = before.get("requestBody"), after.get("requestBody")
        if old and new:
            yield from self._content(f"{name} body", old, new, SENT)
        elif old or new:
            yield True, f"{name} {'takes no body any more' if old else 'needs a body now'}"
        for status, answer in before["responses"].items():
            if status not in after["responses"]:
                yield status.startswith("2"), f"{name} never answers {status} any more"
            else:
                yield from self._content(f"{name} {status}", answer, after["responses"][status], READ)

    def _content(self, where: str, before: Schema, after: Schema, way: str) -> Found:
        for kind, old in before.get("content", {}).items():
            new = after.get("content", {}).get(kind)
            if new is None:
                yield True, f"{where} is no {kind} any more"
            else:
                yield from self._schema(where, old.get("schema", {}), new.get("schema", {}), way)

    def _schema(self, where: str, before: Schema, after: Schema, way: str) -> Found:
        old, new = before.get("$ref", ""), after.get("$ref", "")
        if old and new:
            if (old, new, way) in self.seen:
                return
            self.seen.add((old, new, way))
            where = new.rpartition("/")[2] + f" ({way})"
        before, after = _resolved(self.before, before), _resolved(self.after, after)
        yield from self._kinds(where, before, after, way)
        yield from _bounds(where, before, after, way)
        ours, theirs = before.get("properties", {}), after.get("properties", {})
        yield from _names(f"{where} field", ours.keys(), theirs.keys(), set(after.get("required", [])), way)
        for name in ours.keys() & theirs.keys():
            field = f"{where} field {name}"
            was, now = (name in schema.get("required", []) for schema in (before, after))
            if was != now:
                told = "is required now" if now else "may be left out now"
                yield now == (way == SENT), f"{field} {told}"
            yield from self._schema(field, ours[name], theirs[name], way)
        if "items" in before and "items" in after:
            yield from self._schema(f"{where} entry", before["items"], after["items"], way)

    def _kinds(self, where: str, before: Schema, after: Schema, way: str) -> Found:
        """Compares what values there may be: more may be sent, fewer read."""
        ours, theirs = set(_kinds(before)), set(_kinds(after))
        for kind in ours - theirs:
            yield way == SENT, f"{where} is never {kind} any more"
        for kind in theirs - ours:
            yield way == READ, f"{where} may be {kind} now"
        for choice in ("anyOf", "oneOf"):
            new = {_name(each): each for each in after.get(choice, [])}
            for each in before.get(choice, []):
                if _name(each) in new:
                    yield from self._schema(where, each, new[_name(each)], way)


def _operations(described: Schema) -> dict[str, Schema]:
    return {
        f"{method.upper()} {path}": entry
        for path, of in described["paths"].items()
        for method, entry in of.items()
    }


def _required(parameters: dict[str, Schema]) -> set[str]:
    return {name for name, each in parameters.items() if each.get("required")}


def _names(what: str, before: Any, after: Any, required: set[str], way: str) -> Found:
    for name in before - after:
        yield True, f"{what} {name} is gone"
    for name in after - before:
        needed = name in required and (way == SENT or "parameter" in what)
        yield needed, f"{what} {name} is new{' and required' if needed else ''}"


def _bounds(where: str, before: Schema, after: Schema, way: str) -> Found:
    if way == SENT:
        for name, wider in BOUNDS.items():
            old, new = before.get(name), after.get(name)
            if new is not None and (old is None or (new - old) * wider < 0):
                yield True, f"{where} has {name} {new} now"


def _resolved(described: Schema, schema: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found: Schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _kinds(schema: Schema) -> Iterator[str]:
    """Names what a value may be."""
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            for each in schema[choice]:
                yield from [_name(each)] if "$ref" in each else _kinds(each)
            return
    if "enum" in schema or "const" in schema:
        yield from map(repr, schema.get("enum") or [schema["const"]])
    elif "type" in schema:
        yield schema["type"]


def _name(schema: Schema) -> str:
    return str(schema.get("$ref", "").rpartition("/")[2] or schema.get("type", "anything"))
