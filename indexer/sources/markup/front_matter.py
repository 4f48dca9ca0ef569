"""What a Markdown file says about itself in its first lines: YAML between rules, TOML between plus signs."""

import datetime
import re
import tomllib
from typing import Any, NamedTuple

import yaml

MAX_FRONT = 16 * 1024
"""Longest front matter: tags and dates need a tenth of it, and on odd input readers of YAML and TOML
are slow with its square."""

MAX_VALUES = 2_000
"""Values of a front matter; aliases of aliases make millions of a few lines."""

MAX_DEPTH = 20
"""Lists in lists; one that holds itself has no end."""

_FENCED = re.compile(r"(---|\+\+\+)[ \t]*\n")
_CLOSING = {
    "---": re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE),
    "+++": re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE),
}
_PAIR = re.compile(r"([A-Za-z_][\w .-]{0,60}):(?:[ \t]+(.*))?")
_MANY = ("tags", "keywords", "categories")


class FrontMatter(NamedTuple):
    """The title, empty where none is given; the other values, as JSON has them; the text after it; a note."""

    title: str
    meta: dict[str, Any]
    text: str
    note: str | None = None


def split_front_matter(text: str) -> FrontMatter:
    """Front matter and text apart. Text that stands between rules stays text: only a block of names and
    values, or an empty one, is front matter, and one that begins with a blank line is not."""
    whole = FrontMatter("", {}, text)
    fence = _FENCED.match(text)
    closing = fence and _CLOSING[fence[1]].search(text, fence.end(), fence.end() + MAX_FRONT)
    if not fence or not closing:
        return whole
    block, rest = text[fence.end() : closing.start()], text[closing.end() :].removeprefix("\n")
    if block.strip() and not block.split("\n", 1)[0].strip():
        return whole
    note = None
    try:
        found = tomllib.loads(block) if fence[1] == "+++" else yaml.load(block, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        found, note = _by_line(block), f"its front matter cannot be read: {_first_line(error)}"
        if found is None:
            return whole._replace(note=f"{note}; it is kept as text")
        note = f"{note}; read line by line"
    if found is None and not block.strip():
        return whole._replace(text=rest)
    if not isinstance(found, dict):  # nor are comments alone: they are headings
        return whole
    try:
        meta = _Plain().of(found)
    except _TooMuchError:
        return whole._replace(
            note="its front matter has too many values, or holds itself; it is kept as text"
        )
    return _named(meta, rest, note)


def _named(meta: dict[str, Any], text: str, note: str | None) -> FrontMatter:
    name = next((name for name in meta if name.lower() == "title"), None)
    title = meta.pop(name) if name and isinstance(meta[name], str | int | float) else ""
    for name, value in meta.items():
        if name.lower() in _MANY and isinstance(value, str) and "," in value:
            meta[name] = [part.strip() for part in value.split(",") if part.strip()]
    return FrontMatter(" ".join(str(title).split()), meta, text, note)


def _by_line(block: str) -> dict[str, Any] | None:
    """The names and values of a block that is almost YAML (`title: Whales: a life`); None where a line is
    neither a pair, nor part of one, nor a comment."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in block.splitlines():
        if pair := _PAIR.fullmatch(line):
            lines = found.setdefault(pair[1], [])
            lines.append(pair[2] or "")
        elif line.startswith((" ", "\t", "- ")) and found:
            lines.append(line)
        elif line.strip() and not line.startswith("#"):
            return None
    return {name: _value(lines) for name, lines in found.items()} or None


def _value(lines: list[str]) -> Any:
    written = "\n".join(lines).strip().strip("\"'")
    try:
        found = yaml.load("\n".join(lines), _Loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return written
    return written if isinstance(found, dict) and lines[0] else found


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    if isinstance(error, yaml.MarkedYAMLError) and mark is not None:
        return f"{error.problem} in line {mark.line + 2}"
    return str(error).split("\n", 1)[0]


class _TooMuchError(Exception):
    """Raised for more values than anybody writes by hand."""


class _Plain:
    """Makes JSON of what YAML and TOML know: dates as ISO strings, other keys than strings as strings."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def of(self, value: Any, depth: int = 0) -> Any:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise _TooMuchError
        match value:
            case dict():
                return {_key(key): self.of(inner, depth + 1) for key, inner in value.items()}
            case list() | tuple() | set():
                return [self.of(inner, depth + 1) for inner in value]
            case datetime.date() | datetime.time():
                return value.isoformat()
            case None | bool() | int() | float() | str():
                return value
        return str(value)


def _key(key: Any) -> str:
    return key.isoformat() if isinstance(key, datetime.date) else str(key)


class _Loader(yaml.SafeLoader):
    """YAML as people mean it: `no` and `on` are words, `01234` and `1:30` are not numbers, a date that
    does not exist and a tag that nobody knows are text."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # as the base class has it
        first: [(tag, shape) for tag, shape in resolvers if not tag.endswith((":bool", ":int", ":float"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def _date(self, node: yaml.ScalarNode) -> Any:
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            return node.value

    def _any(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return self.construct_sequence(node, deep=True)
        return node.value


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("(?:true|True|TRUE|false|False|FALSE)$"), [*"tTfF"]
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"[-+]?(?:0|[1-9]\d{0,14})$"), [*"-+0123456789"]
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(?:0|[1-9]\d{0,14})\.\d{1,20}$"), [*"-+0123456789"]
)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader._date)
_Loader.add_constructor(None, _Loader._any)
