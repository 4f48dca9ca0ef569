"""Files of labels: JSON lines like {"feature": 12, "label": "enzyme kinetics", "origin": "anna"}.

A line like {"dictionary": SHA256} says whose features the numbers are; an export begins with one. Where it
names another dictionary, nothing of the file is taken. Other fields are for people, and not read.
"""

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search.errors import LabelError

LONGEST = 80
IMPORTED, HAND, OFFLINE = "import", "hand", "offline"
RESERVED = (HAND, "shipped")
JOINERS = "\u200c\u200d"  # words of some scripts need them


@dataclass(frozen=True)
class Proposal:
    """A label somebody proposes for a feature."""

    feature: int
    label: str
    origin: str


@dataclass(frozen=True)
class Refusal:
    """A line (counted from 1) that cannot be used, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class LabelFile:
    """What a file holds: `proposals` in order, each once, and the lines that were refused."""

    proposals: list[Proposal] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


class _Refused(ValueError):
    """Why a line cannot be used."""


def header(dictionary: str) -> str:
    """The line that says whose features a file is about."""
    return json.dumps({"dictionary": dictionary}) + "\n"


def read_label_file(path: Path, features: int, dictionary: str) -> LabelFile:
    """Reads a file of labels for the dictionary of that SHA-256 (see `material.lineage`) and size.

    Raises:
        LabelError: the file cannot be read, or it is of another dictionary.
    """
    proposals: dict[Proposal, None] = {}
    refused: list[Refusal] = []
    for number, raw in _lines(path):
        try:
            fields = _fields(raw)
            _check_dictionary(path, number, fields, dictionary)
            if "dictionary" not in fields or "feature" in fields:
                proposals[_proposal(fields, features)] = None
        except _Refused as reason:
            refused.append(Refusal(number, str(reason)))
    return LabelFile(list(proposals), refused)


def clean_label(label: object) -> str:
    """A label without white space around it.

    Raises:
        LabelError: it is no text, empty, too long, or holds control characters.
    """
    try:
        return _text(label, "label")
    except _Refused as reason:
        raise LabelError(f"This cannot be a label: {reason}.", hint="Write a short phrase.") from None


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
                if line.strip():
                    yield number, line
    except OSError as error:
        raise LabelError(f"{path}: {error.strerror or error}.", hint="Name a file of JSON lines.") from None


def _fields(raw: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _Refused(f"it is not UTF-8 (byte {error.start + 1})") from None
    except (ValueError, RecursionError):
        raise _Refused("it is not JSON") from None
    if not isinstance(fields, dict):
        raise _Refused('it is no JSON object like {"feature": 12, "label": "enzyme kinetics"}')
    return fields


def _check_dictionary(path: Path, number: int, fields: dict[str, Any], dictionary: str) -> None:
    named = fields.get("dictionary", dictionary)
    if named != dictionary:
        raise LabelError(
            f"{path}, line {number}: these labels are for the dictionary {str(named)[:12]!r}, the collection "
            f"has {dictionary[:12]!r}: the same numbers are other features.",
            hint="Export the evidence of this collection and label that.",
        )


def _proposal(fields: dict[str, Any], features: int) -> Proposal:
    feature = fields.get("feature")
    if not isinstance(feature, int) or isinstance(feature, bool):
        raise _Refused(f'"feature" is to be a whole number, not {_shown(feature)}')
    if not 0 <= feature < features:
        raise _Refused(f"there is no feature {_shown(feature)}; they are numbered 0 to {features - 1}")
    if "label" not in fields:
        raise _Refused('there is no "label"')
    origin = _text(fields.get("origin", IMPORTED), "origin")
    if origin in RESERVED:
        raise _Refused(f"the origin {origin!r} is not for imports; name who wrote the label")
    return Proposal(feature, _text(fields["label"], "label"), origin)


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise _Refused(f"the {name} is to be text, not {_shown(value)}")
    text = value.strip()
    bad = next((character for character in text if _is_control(character)), None)
    if bad is not None:
        raise _Refused(f"the {name} holds the control character U+{ord(bad):04X}")
    if not text:
        raise _Refused(f"the {name} is empty")
    if len(text) > LONGEST:
        raise _Refused(f"the {name} has {len(text)} characters, {LONGEST} are the most: {text[:40]!r}…")
    return text


def _is_control(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in JOINERS


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
