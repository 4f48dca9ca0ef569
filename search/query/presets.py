"""Reads presets: steering under a name, as a collection holds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from search.db.models import PresetRow
from search.errors import InvalidRequest, InvalidSteering, PresetNotFound
from search.query.limits import is_text
from search.query.remapping import RemappedSteering, is_numbered, lose, translate
from search.query.steering import parse

NONE = "none"
"""A search names this if it wants no preset, not even the default one."""

MAX_NAME = 60
MAX_DESCRIPTION = 200
FORGOTTEN = "Nothing is known any more of the dictionary that it was saved with."


@dataclass(frozen=True)
class Preset:
    """Holds a preset, with what its knobs are in the numbers of the live dictionary."""

    name: str
    description: str
    is_default: bool
    translation: RemappedSteering
    updated_at: datetime


def read_presets(session: Session, collection: int, live: int) -> dict[str, Preset]:
    """Reads the presets of a collection (its row id) by name, in the numbers of its live dictionary."""
    rows = session.scalars(
        select(PresetRow).where(PresetRow.collection_id == collection).order_by(PresetRow.name)
    )
    return {
        row.name: Preset(
            name=row.name,
            description=row.description,
            is_default=row.is_default,
            translation=_translated(session, row, live),
            updated_at=row.updated_at,
        )
        for row in rows
    }


def find_preset(presets: Mapping[str, Preset], name: str, collection: str) -> Preset:
    """Finds the preset of that name.

    Raises:
        PresetNotFound: there is none; the hint names those there are.
    """
    found = presets.get(name)
    if found is None:
        known = ", ".join(presets)
        raise PresetNotFound(
            f"There is no preset {name[:100]!r} in {collection!r}.",
            hint=f"There is: {known[:500]}." if known else "It has none yet.",
        )
    return found


def clean_name(name: str) -> str:
    """Takes the white space around a preset's name away.

    Raises:
        InvalidRequest: it is empty, too long, not printable, "none", or cannot stand in an address.
    """
    name = name.strip()
    usable = name.isprintable() and any(map(str.isalnum, name)) and not set(name) & set("/\\")
    if not (usable and len(name) <= MAX_NAME and name.casefold() != NONE):
        raise InvalidRequest(
            f"A preset cannot be named {name[:80]!r}.",
            hint=f"Use up to {MAX_NAME} characters with a letter or digit, no / or \\, and not {NONE!r}.",
        )
    return name


def clean_description(text: str) -> str:
    """Puts a preset's description on one line.

    Raises:
        InvalidRequest: it is too long, or not text.
    """
    line = " ".join(text.split())
    if len(line) > MAX_DESCRIPTION or not is_text(line):
        raise InvalidRequest(
            f"The description {line[:40]!r}… cannot be used.",
            hint=f"Use at most {MAX_DESCRIPTION} characters of text.",
        )
    return line


def _translated(session: Session, row: PresetRow, live: int) -> RemappedSteering:
    steering = parse(row.steering)
    try:
        return translate(session, steering, row.dictionary, live)
    except InvalidSteering:  # that dictionary is gone: what has no number is left
        return lose(RemappedSteering(steering, live), lambda knob: FORGOTTEN if is_numbered(knob) else "")
