"""Source code: Python by its functions and classes, other languages a file a document.

The grammars of others (tree-sitter-language-pack) come over the network when they are first used, which an
index must do without; a passage of a whole file holds one function or two anyway.
"""

import ast
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import BinaryIO

from indexer.sources.decoding import decode
from indexer.sources.document import MAX_BYTES, Note, Parsed, Part, UnreadableError

_ENDINGS = """
    bash c cc cfg clj cpp cs css cxx dart erl ex exs f90 fs go graphql groovy h hpp hs ini java jl js jsx
    kt kts lua m mjs ml mm nim php pl pm proto ps1 r rb rs scala scss sh sql svelte swift tf toml ts tsx
    vb vue yaml yml zig zsh
"""
MADE = (
    "package-lock.json",
    "npm-shrinkwrap.json",
    "composer.lock",
    "pnpm-lock.yaml",
    "*.min.js",
    "*.min.css",
    "*.min.mjs",
    "*.bundle.js",
    "*_pb2.py",
    "*.pb.go",
    "node_modules/",
    "__pycache__/",
)
"""Patterns of files that programs write for programs; `--exclude '!package-lock.json'` reads one."""

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def parse_code(data: bytes) -> Parsed:
    """A file of code as one document.

    Raises:
        UnreadableError: it is not text.
    """
    text, assumed = decode(data)
    return Parsed(text=text.strip("\n"), notes=(assumed,) if assumed else ())


def read_python(file: BinaryIO) -> Iterator[Part]:
    """The functions, methods and classes of a Python file, and what is outside them; the whole file where it
    is not of this Python's grammar. Where nothing is outside there is no document of that.

    Raises:
        UnreadableError: it is not text, or too large.
    """
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UnreadableError(f"it has more than {MAX_BYTES >> 20} MiB")
    whole = parse_code(data)
    try:
        parts = _Module(whole.text).parts()
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        yield replace(whole, notes=(*whole.notes, f"it is not divided into functions: {str(error)[:100]}"))
        return
    yield from (Note("", note) for note in whole.notes)
    for name, part in parts.items():
        if part.strip():
            yield Parsed(title=name, text=part.strip("\n"), name=name)


class _Module:
    """Cuts a module at its definitions, by lines: comments above one and its decorators belong to it."""

    def __init__(self, text: str) -> None:
        self._lines = [f"{line}\n" for line in text.split("\n")]
        self._tree = ast.parse(text)
        self._parts: dict[str, list[str]] = {}

    def parts(self) -> dict[str, str]:
        """The code by dotted names, the module's own under none; definitions of one name are together."""
        self._take("", self._tree.body, 0, len(self._lines))
        return {name: "\n".join(found) for name, found in self._parts.items()}

    def _take(self, name: str, body: list[ast.stmt], begin: int, end: int) -> None:
        """Writes down the lines of a class or module but for the definitions in it, then each of these."""
        own, at = list[str](), begin
        mine = self._parts.setdefault(name, [])
        for node in body:
            if not isinstance(node, _Definition):
                continue
            first, last = self._first(node, at), node.end_lineno or node.lineno
            own += self._lines[at:first]
            at = last
            inner = node.body if isinstance(node, ast.ClassDef) else []
            self._take(f"{name}.{node.name}" if name else node.name, inner, first, last)
        mine.append(textwrap.dedent("".join(own + self._lines[at:end])))

    def _first(self, node: _Definition, least: int) -> int:
        """The line that a definition begins on, comments above it included."""
        first = min([node.lineno, *(each.lineno for each in node.decorator_list)]) - 1
        while first > least and self._lines[first - 1].lstrip().startswith("#"):
            first -= 1
        return max(first, least)


CODE: dict[str, Callable[[bytes], Parsed]] = {f".{ending}": parse_code for ending in _ENDINGS.split()}
PYTHON: dict[str, Callable[[BinaryIO], Iterator[Part]]] = {".py": read_python, ".pyi": read_python}
