"""This makes what follows from the program: of docs/reference the commands, the JSON API (as a page and as
OpenAPI), settings and errors; the records of the client.

python -m tools.reference             writes them; refuses what would break clients of the JSON API
python -m tools.reference --breaking  writes that, too
python -m tools.reference --check     says which are not what would be written; exit status 1 if any
"""

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import typer
from pydantic.fields import FieldInfo
from sqlalchemy import create_engine
from typer.core import TyperGroup

from api.app import create_app
from api.cli.main import app as cli
from api.cli.terminal.lazy_group import LazyGroup
from search import errors
from search.engine.engine import SearchEngine
from search.settings import Settings
from tools.api_changes import Changes, changes
from tools.client_records import records

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
OPENAPI = "openapi.json"
RECORDS = "../../clients/python/refract_client/records.py"
MADE = "<!-- Made by python -m tools.reference. Change what it is made from, then run it again. -->"

COMMANDS = """# Command line

`refract COMMAND --help` says the same, `refract --version` which version it is. The
[settings](settings.md) name the data folder and the database of all commands. Exit status: 0 done; 1 it
could not be done, and standard error says why; 2 the command itself is wrong; 130 stopped by Ctrl-C."""

API = """# JSON API

The same as OpenAPI is at `/v1/openapi.json` of a running server. Bodies and answers are JSON in UTF-8. An
error is `{"error": {"code", "message", "hint"}}` with one of the [codes](errors.md). What needs a key takes
`Authorization: Bearer KEY` ([keys](../guide/keys.md)). Fields may be added to answers at any time; none goes
or changes its meaning within `/v1` ([what is stable](versions.md))."""

SETTINGS = """# Settings

Settings are environment variables. A value that cannot be used ends a command with a line that names it. An
option of a command goes before its variable."""

ERRORS = """# Errors

Every error that Refract raises on purpose is one of these. Over HTTP it is
`{"error": {"code", "message", "hint"}}` with its status, on the command line a line on standard error and
exit status 1. `message` names the value at fault and `hint` the remedy; both are for people and may change.
Clients may rely on `code` and status. A status without a line here (405, say) has the code `http`; what
nobody foresaw is 500 with the code `error`, and the server's log says more."""

Schema = dict[str, Any]


def commands() -> str:
    """Describes the command line, from its own help."""
    program = typer.main.get_command(cli)
    assert isinstance(program, TyperGroup)
    found = _leaves(program, typer.Context(program, info_name="refract"))
    return _page([COMMANDS, *(part for context in found for part in _command(context))])


def _leaves(group: TyperGroup, context: typer.Context) -> Iterator[typer.Context]:
    """Yields the commands below a group, each as the context that it would run in."""
    for name in group.list_commands(context):
        command = group.load(name) if isinstance(group, LazyGroup) else group.get_command(context, name)
        assert command is not None
        below = typer.Context(command, info_name=name, parent=context)
        if isinstance(command, TyperGroup):
            yield from _leaves(command, below)
        elif not command.hidden:
            yield below


def _command(context: typer.Context) -> list[str]:
    command = context.command
    path, usage = context.command_path, " ".join(command.collect_usage_pieces(context))
    records = [each.get_help_record(context) for each in command.get_params(context) if each.name != "help"]
    rows = [(f"`{name.replace('|', '/')}`", _text(what)) for name, what in filter(None, records)]
    parts = [f"## {path}", _text(command.help), f"```text\n{path} {usage}\n```"]
    return [*parts, _table(("", "what"), rows)] if rows else parts


def api() -> str:
    """Describes the JSON API, from its OpenAPI description."""
    described = described_api()
    parts = [API, "## Addresses"]
    found = [(path, method, entry) for path, of in described["paths"].items() for method, entry in of.items()]
    rows = [
        (f"[`{method.upper()} {path}`](#{_anchor(f'{method} {path}')})", _first_sentence(entry))
        for path, method, entry in found
    ]
    parts.append(_table(("address", "what"), rows))
    for path, method, entry in found:
        parts += _operation(path, method, entry)
    parts.append("## Records")
    for name, schema in sorted(described["components"]["schemas"].items()):
        if not name.endswith("ValidationError"):
            parts += _record(name, schema)
    return _page(parts)


def described_api() -> Schema:
    """Gives the OpenAPI description, as the server does."""
    application = create_app(
        SearchEngine(create_engine("postgresql+psycopg://"), Path())
    )  # no connection is made
    return application.openapi()


def openapi() -> str:
    """Writes the OpenAPI description, a line a value, so that its changes can be read."""
    return json.dumps(described_api(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def client_records() -> str:
    """Writes the client's records of answers."""
    return records(described_api())


def _operation(path: str, method: str, entry: Schema) -> list[str]:
    title = f"{method.upper()} {path}"
    parts = [f"### {title} {{ #{_anchor(f'{method} {path}')} }}", _text(entry.get("description"))]
    parameters = entry.get("parameters", [])
    if parameters:
        rows = [
            (f"`{each['name']}`", _kind(each["schema"]), _if_given(each), _text(each.get("description")))
            for each in parameters
        ]
        parts.append(_table(("parameter", "type", "default", "what"), rows))
    if body := entry.get("requestBody"):
        parts.append(f"Body: {_content(body)}.")
    answers = [(status, each) for status, each in entry["responses"].items() if status.startswith("2")]
    failing = sorted(
        status for status in entry["responses"] if not status.startswith("2") and status != "422"
    )
    told = "; ".join(f"{status}: {_content(each)}" for status, each in answers)
    parts.append(f"Answer: {told}." + (f" Errors: {', '.join(failing)}." if failing else ""))
    return parts


def _content(given: Schema) -> str:
    schemas = [each.get("schema", {}) for each in given.get("content", {}).values()]
    return ", ".join(map(_kind, schemas)) or "nothing"


def _record(name: str, schema: Schema) -> list[str]:
    parts = [f"### {name} {{ #{_anchor(name)} }}", _text(schema.get("description"))]
    needed = schema.get("required", [])
    fields = schema.get("properties", {})
    sent = schema.get("additionalProperties") is False or name.endswith("In")
    rows = [
        (
            f"`{field}`",
            _kind(of),
            "needed" if sent and field in needed else _if_given({"schema": of}) if sent else "",
            _text(of.get("description")),
        )
        for field, of in fields.items()
    ]
    if sent:
        return [*parts, _table(("field", "type", "default", "what"), rows)]
    kept = [(field, kind, what) for field, kind, _, what in rows]
    return [*parts, _table(("field", "type", "what"), kept)] if rows else parts


def _if_given(parameter: Schema) -> str:
    if parameter.get("required"):
        return "needed"
    value = parameter["schema"].get("default")
    return "" if value is None or value is False or value in ("", [], {}) else f"`{value}`"


def _kind(schema: Schema) -> str:
    """Names the kind of a value, in a few words; records by their name."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{_anchor(name)})"
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " or ".join(dict.fromkeys(_kind(each) for each in schema[choice]))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_kind(schema['additionalProperties'])}"
    return str(kind)


def settings() -> str:
    """Describes the settings, from their fields."""
    rows = [(f"`{variable(name)}`", _setting(field), _text(field.description)) for name, field in _fields()]
    return _page([SETTINGS, _table(("variable", "default", "what"), rows)])


def _fields() -> Iterable[tuple[str, FieldInfo]]:
    return Settings.model_fields.items()


def variable(name: str) -> str:
    """Names the environment variable of a field of the settings."""
    alias = Settings.model_fields[name].validation_alias
    return str(alias or f"REFRACT_{name.upper()}")


def _setting(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "see there"
    value = int(field.default) if isinstance(field.default, bool) else field.default
    return "none" if value is None or value == "" else f"`{value}`"


def error_tree() -> str:
    """Describes the errors, from their classes and the tree that their module's docstring draws."""
    meanings = drawn_meanings()
    rows = [
        (
            f"`{kind.code}`",
            str(kind.status),
            f"{_parents(kind)}{kind.__name__}",
            _text(meanings.get(kind.__name__)),
        )
        for kind in tree()
    ]
    return _page([ERRORS, _table(("code", "status", "error", "when"), rows)])


def tree() -> list[type[errors.RefractError]]:
    """Lists all errors, each before those below it, in the order in which they are defined."""

    def below(kind: type[errors.RefractError]) -> Iterator[type[errors.RefractError]]:
        yield kind
        for each in kind.__subclasses__():
            yield from below(each)

    return list(below(errors.RefractError))


def drawn_meanings() -> dict[str, str]:
    """Reads what the docstring of the errors' module says of each."""
    lines = inspect.cleandoc(errors.__doc__ or "").splitlines()
    drawn = [re.fullmatch(r"[│├└─ ]*(\w+)(?: +\d{3})?(?: {2,}(.*))?", line) for line in lines[2:]]
    return {each[1]: each[2] or "" for each in drawn if each and each[1][0].isupper()}


def _parents(kind: type[errors.RefractError]) -> str:
    return "&nbsp;&nbsp;" * (len(inspect.getmro(kind)) - len(inspect.getmro(errors.RefractError)))


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": commands,
    "json-api.md": api,
    "settings.md": settings,
    "errors.md": error_tree,
    OPENAPI: openapi,
    RECORDS: client_records,
}


def _page(parts: Iterable[str]) -> str:
    return "\n\n".join([*(part for part in parts if part), MADE]) + "\n"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "&#124;") for cell in line) + " |" for line in lines)


def _text(given: str | None) -> str:
    """Joins a docstring or description into paragraphs, without what only Python's readers need."""
    paragraphs = inspect.cleandoc(given or "").split("\n\n")
    kept = [" ".join(each.split()) for each in paragraphs if not each.lstrip().startswith("Raises")]
    return " ".join(kept).replace("<", "&lt;")


def _first_sentence(entry: Schema) -> str:
    return re.split(r"(?<=[.;]) ", _text(entry.get("description")), maxsplit=1)[0].rstrip(".;")


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def main() -> None:
    """Writes what is made, or checks it."""
    stale = [name for name, make in PAGES.items() if not _is_current(FOLDER / name, make())]
    if "--check" in sys.argv[1:]:
        if stale:
            sys.exit(f"docs/reference is not current: {', '.join(stale)}. Run python -m tools.reference.")
        return
    if (breaking := api_changes().breaking) and "--breaking" not in sys.argv[1:]:
        sys.exit("\n".join(["Clients of the JSON API would break; --breaking writes it:", *breaking]))
    for name in stale:
        (FOLDER / name).write_text(PAGES[name](), encoding="utf-8")
        print(f"docs/reference/{name} is written")


def api_changes() -> Changes:
    """Compares the JSON API with its description that is kept."""
    kept = FOLDER / OPENAPI
    now = described_api()
    return changes(json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else now, now)


def _is_current(path: Path, page: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == page


if __name__ == "__main__":
    main()
