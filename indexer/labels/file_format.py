"""Labels are kept in files of JSON lines like {"name": "enzyme", "label": "enzyme kinetics"}.

A line says which feature it is about by the name that the feature was made from, which is the same one in any
collection, or else by its number ("feature"), which is that of one dictionary alone.
"""

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.errors import LabelError

LONGEST = 80
JOINERS = "\u200c\u200d"  # words of some scripts need them
LIKE = 'A line is like {"name": "enzyme", "label": "enzyme kinetics"}.'


@dataclass(frozen=True)
class LabelLine:
    """Holds a label for the feature of a name, or of a number; `where` is file and line."""

    where: str
    feature: str | int
    label: str


class _Refused(ValueError):
    """Says why a value cannot be used."""


def label_line(feature: int, name: str, label: str) -> str:
    """Writes one line of a file; `name` is empty if the feature was made from none."""
    fields = {"feature": feature, **({"name": name} if name else {}), "label": label}
    return json.dumps(fields, ensure_ascii=False) + "\n"


def read_label_lines(path: Path) -> list[LabelLine]:
    """Reads a file of labels.

    Raises:
        LabelError: it cannot be read, or one of its lines cannot be used.
    """
    return [_label_line(f"{path}, line {number}", raw) for number, raw in _lines(path)]


def clean_label(label: object) -> str:
    """Strips the white space around a label.

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


def _label_line(where: str, raw: bytes) -> LabelLine:
    try:
        fields = _fields(raw)
        feature = _text(fields["name"], "name") if "name" in fields else _number(fields)
        if "label" not in fields:
            raise _Refused('there is no "label"')
        return LabelLine(where, feature, _text(fields["label"], "label"))
    except _Refused as reason:
        raise LabelError(f"{where}: {reason}.", hint=LIKE) from None


def _fields(raw: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _Refused(f"it is not UTF-8 (byte {error.start + 1})") from None
    except (ValueError, RecursionError):
        raise _Refused("it is not JSON") from None
    if not isinstance(fields, dict):
        raise _Refused("it is no JSON object")
    return fields


def _number(fields: dict[str, Any]) -> int:
    if "feature" not in fields:
        raise _Refused('there is neither a "name" nor a "feature"')
    feature = fields["feature"]
    if not isinstance(feature, int) or isinstance(feature, bool):
        raise _Refused(f'"feature" is to be a whole number, not {_shown(feature)}')
    return feature


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
