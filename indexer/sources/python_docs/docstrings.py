"""Docstrings as text for a reader: without markup, ruled lines, and sections that are mostly numbers."""

import inspect
import re
from collections.abc import Iterator

_RULE = re.compile(r"^([-=~*^])\1{2,}[ \t]*$")
_TABLE_RULE = re.compile(r"^[ \t]*[-=+|][-=+| \t]{6,}$")
_BACKENDS = re.compile(r"\*\*Array API Standard Support\*\*.*?(?=^[^\n]+\n---|\Z)", re.DOTALL | re.MULTILINE)
_ADDRESS = re.compile(r"<[^<>]* at 0x[0-9a-f]+>")  # another one on every run
_CITATION = re.compile(r"(\[\w+\])_")
_DROPPED = {
    *("Attributes", "Example", "Examples", "Methods", "Other Parameters", "Parameters", "Raises"),
    *("References", "Returns", "See Also", "See also"),
}
"""Sections of numpy's style that list names, numbers and citations: much the same everywhere."""

_ROLE = re.compile(r":(?:\w+:)?\w+:`[~!]?(?:([^`<]+?)\s*<[^`>]*>|([^`]+))`")
_QUOTED = re.compile(r"``([^`]+)``|`~?([^`'\n]+)'|`~?([^`]+)`_{0,2}")
_DIRECTIVE = re.compile(r"^(\s*)\.\. *(?:_[^:\n]*:.*|(\w[\w:-]*)::[ \t]*(.*))$", re.MULTILINE)
_NOTED = {
    "versionadded": "Added in version",
    "versionchanged": "Changed in version",
    "deprecated": "Deprecated since version",
}
_SIGNATURE = re.compile(r"^[\w.]+\([^\n]*\)[^\n]*(?:\n|$)")


def clean_docstring(doc: str) -> str:
    """The docstring without indentation and markup, its paragraphs kept."""
    text = _BACKENDS.sub("", _ADDRESS.sub("...", inspect.cleandoc(doc)))
    text = _CITATION.sub(r"\1", _DIRECTIVE.sub(_directive, text))
    text = _ROLE.sub(lambda match: match[1] or match[2], text)
    text = _QUOTED.sub(lambda match: match[1] or match[2] or match[3], text)
    text = "\n".join(_without_dropped(text.splitlines()))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def summary(text: str) -> str:
    """The first sentence's line of a cleaned docstring, without a signature that stands before it."""
    first = _SIGNATURE.sub("", text, count=1).lstrip().partition("\n\n")[0]
    line = " ".join(first.split())
    return (line.partition(". ")[0] if ". " in line else line).removesuffix(".")


def _directive(match: re.Match[str]) -> str:
    phrase = _NOTED.get(match[2] or "")
    return f"{match[1]}{phrase} {match[3]}" if phrase else match[1]


def _without_dropped(lines: list[str]) -> Iterator[str]:
    """Lines of all sections but the dropped and the empty ones; a section's entries become paragraphs."""
    dropping = in_section = False
    heading: list[str] = []
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if _RULE.match(line) or _TABLE_RULE.match(line):
            continue
        if line and _RULE.match(below):
            dropping, in_section = line.strip() in _DROPPED, True
            heading = ["", line, ""]
        elif not dropping and (line.strip() or not heading):
            yield from heading
            heading = []
            if in_section and line[:1].strip() and below[:1].isspace():
                yield ""
            yield line.rstrip()
