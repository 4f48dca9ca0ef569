"""The documentation of the running Python: its language, its standard library, its scientific packages.

This is the demo that needs no download. Modules are imported one after the other, only such as do nothing
but define things; what they print and warn is swallowed, and one that breaks is a `Failure`.
"""

import importlib
import inspect
import io
import re
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from types import ModuleType
from typing import Any, NamedTuple

from indexer.sources.document import Failure, SourceDocument
from indexer.sources.python_docs.docstrings import clean_docstring, summary
from indexer.sources.python_docs.pydoc_modules import (
    METHODS_IN_CLASS,
    online,
    scientific_modules,
    standard_modules,
)

ABOUT = {
    "title": "Python and its libraries",
    "description": "The documentation of this machine's Python: its language, its standard library and the "
    "scientific packages installed beside it. A document for each topic, module, class, function and method.",
}
"""What a collection made of it is called and about."""

MIN_CHARACTERS = 140
"""Docstrings below this say little more than the name they belong to, but for those of what is called."""

MIN_CALLED = 30
"""One line says all of `len` or `list.append`; still less is a name in other words."""

ENDED = (128 + signal.SIGTERM, 128 + signal.SIGHUP)
"""What a signal ends this process with, which is not the module's doing."""

_SAYS_NOTHING = ("Deprecated", "Scalar method identical", "Refer to `")
_HEADING = re.compile(r"^(\S.*)\n([*=~^-])\2{2,}\n", re.MULTILINE)
_LITERALS = (type(None), bool, int, float, str, bytes)


class _Entry(NamedTuple):
    """Something with a docstring, under the name by which it is used."""

    name: str
    kind: str
    thing: Any


def read() -> Iterator[SourceDocument | Failure]:
    """A document for each topic of the language, and for each module, class, function and method of the
    libraries that says something. A text that several names share comes once, under the first of them.

    Ids are qualified names. The order is the same on every run.
    """
    told: set[str] = set()
    yield from _topics(told)
    for name in (*standard_modules(), *scientific_modules()):
        yield from module_documents(name, told)


def _topics(told: set[str]) -> Iterator[SourceDocument]:
    """The language reference as `help()` has it, by section; the shorter topics are parts of the longer."""
    try:
        topics: dict[str, str] = importlib.import_module("pydoc_data.topics").topics
    except ModuleNotFoundError:  # some distributions leave it out
        return
    for topic in sorted(topics, key=lambda name: (len(topics[name]), name)):
        for number, (heading, section) in enumerate(_sections(topics[topic])):
            if _is_news(section, told, MIN_CHARACTERS):
                id = f"topics.{topic}.{number}" if number else f"topics.{topic}"
                yield SourceDocument(id, heading, section, meta={"package": "python", "kind": "topic"})


def _sections(topic: str) -> Iterator[tuple[str, str]]:
    headings = list(_HEADING.finditer(topic))
    ends = [heading.start() for heading in headings[1:]] + [len(topic)]
    for heading, end in zip(headings, ends, strict=False):
        yield heading[1].replace('"', ""), topic[heading.end() : end].strip()


def module_documents(name: str, told: set[str]) -> list[SourceDocument | Failure]:
    """The documents of a module whose texts are not in `told`; none if this Python is without the module."""
    try:
        with _quiet():
            module = importlib.import_module(name)
            documents = (_document(name, entry, told) for entry in _entries(name, module))
            return [document for document in documents if document]
    except ModuleNotFoundError:
        return []
    except (Exception, SystemExit) as error:
        if isinstance(error, SystemExit) and error.code in ENDED:
            raise
        return [Failure(name, f"it cannot be imported: {type(error).__name__}: {error}")]


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def _entries(name: str, module: ModuleType) -> Iterator[_Entry]:
    prefix = "" if name == "builtins" else f"{name}."
    yield _Entry(name, "module", module)
    things = {member: _member(module, member) for member in _public(module)}
    # An alias comes after the name it was made under.
    for member, thing in sorted(things.items(), key=lambda item: (_made_as(item[1]) != item[0], item[0])):
        if inspect.isclass(thing):
            yield _Entry(prefix + member, "class", thing)
            if name.partition(".")[0] not in METHODS_IN_CLASS:
                yield from _methods(prefix + member, thing)
        elif callable(thing) and not inspect.ismodule(thing):
            yield _Entry(prefix + member, "function", thing)


def _public(module: ModuleType) -> list[str]:
    """The names that a module gives out: those it declares, else those that were made in it."""
    declared = getattr(module, "__all__", None)
    if declared is not None:
        return [name for name in declared if not name.startswith("_")]
    made_in = {name: f"{getattr(thing, '__module__', '')}." for name, thing in vars(module).items()}
    home = f"{module.__name__}."
    return [name for name, made in made_in.items() if name[0] != "_" and made.lstrip("_").startswith(home)]


def _made_as(thing: Any) -> str:
    return str(getattr(thing, "__name__", ""))


def _member(module: ModuleType, name: str) -> Any:
    try:
        return getattr(module, name)
    except Exception:  # some are experimental and refuse until they are asked for
        return None


def _methods(name: str, cls: type) -> Iterator[_Entry]:
    for member, thing in sorted(vars(cls).items()):
        if not member.startswith("_") and (callable(thing) or hasattr(thing, "__get__")):
            yield _Entry(f"{name}.{member}", "method", getattr(thing, "__func__", thing))


def _document(module: str, entry: _Entry, told: set[str]) -> SourceDocument | None:
    doc = entry.thing.__doc__
    if not isinstance(doc, str) or doc.startswith(_SAYS_NOTHING) or ".. deprecated" in doc[:400]:
        return None
    text = clean_docstring(doc)
    is_called = entry.kind in ("function", "method") and callable(entry.thing)
    if not _is_news(text, told, MIN_CALLED if is_called else MIN_CHARACTERS):
        return None
    signature = "" if entry.kind == "module" else _signature(entry)
    if text.startswith(entry.name.rpartition(".")[2] + "("):
        signature = ""
    return SourceDocument(
        id=entry.name,
        title=_title(entry.name, summary(text)),
        text=f"{signature}\n\n{text}".strip(),
        url=online(module, entry.name, entry.kind),
        meta={"package": module.partition(".")[0], "kind": entry.kind},
    )


def _title(name: str, told: str) -> str:
    return f"{name} — {told}" if told not in ("", name, name.rpartition(".")[2]) else name


def _is_news(text: str, told: set[str], least: int) -> bool:
    """Whether the text is long enough to be worth a document, and has not been told before."""
    new = len(text) >= least and text not in told
    told.add(text)
    return new


def _signature(entry: _Entry) -> str:
    """The call with parameters and defaults; empty where Python does not know it."""
    try:
        signature = inspect.signature(entry.thing)
    except Exception:  # of compiled functions it is an expression, evaluated now
        return ""
    parameters = [
        parameter.replace(annotation=parameter.empty, default=_shown(parameter.default))
        for parameter in signature.parameters.values()
        if parameter.name != "self"
    ]
    return f"{entry.name}{signature.replace(parameters=parameters, return_annotation=signature.empty)}"


class _Dots:
    """A default that has no short literal; its own repr may hold an address, another one on every run."""

    def __repr__(self) -> str:
        return "..."


def _shown(default: Any) -> Any:
    literal = default is inspect.Parameter.empty or type(default) in _LITERALS
    return default if literal and len(repr(default)) <= 40 else _Dots()
