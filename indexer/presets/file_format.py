"""A preset's file is a small JSON file that can be shared: its knobs, and enough of the dictionary they
belong to for finding its features in another one.

    {"format": "refract-preset", "version": 1, "name": "…", "description": "…", "model": "…",
     "dictionary": {"sha256": "…", "origin": "…", "features": 4096, "width": 384},
     "knobs": [{"strength": 1.5, "feature": 12, "label": "enzyme kinetics", "direction": "…"},
               {"strength": 1, "family": 17, "label": "…", "direction": "…"},
               {"strength": -1, "concept": "astronomy"}, {"strength": 1, "like": ["A"], "unlike": ["C"]}]}

`direction` is a feature's decoder row, or the weighted mean of those of a family, as float16 (little-endian)
in base64. `sha256` is that of the dictionary's weights, `origin` that of the dictionary it was adapted from.
Strengths need no scale: 1 means "as strongly as texts that are really about it" everywhere.
"""

import base64
import binascii
import json
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, field_validator, model_validator

from indexer.presets.store import get_preset
from search.db.models import DictionaryRow
from search.dictionary.families import Family
from search.engine.reader import Reader
from search.errors import InvalidRequest, InvalidSteering, RefractError
from search.index.snapshot import Snapshot
from search.query.presets import MAX_DESCRIPTION, clean_name
from search.query.remapping import is_numbered
from search.query.sent import Sent
from search.query.steering import (
    MAX_EXAMPLES,
    MAX_KNOBS,
    ConceptTarget,
    FamilyTarget,
    FeatureTarget,
    Knob,
    Steering,
    flat,
    target_of,
)
from search.responses.search import SteeringTerm

MAX_WIDTH = 8192
MAX_LABEL = 500
MAX_FILE = 4 << 20

FloatArray = NDArray[np.float32]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class FileDictionary(Sent):
    """Names the dictionary whose numbers the knobs carry."""

    sha256: Sha256
    origin: Sha256
    features: int = Field(ge=1, le=1 << 24)
    width: int = Field(ge=1, le=MAX_WIDTH)


class FileKnob(Sent):
    """Holds one knob; a feature and a family come with their direction."""

    strength: float | Literal["off"]
    feature: int | None = None
    family: int | None = None
    concept: str | None = None
    like: list[str] = Field(default=[], max_length=MAX_EXAMPLES)
    unlike: list[str] = Field(default=[], max_length=MAX_EXAMPLES)
    label: str = Field(default="", max_length=MAX_LABEL)
    direction: str = Field(default="", max_length=MAX_WIDTH * 3)

    @model_validator(mode="after")
    def _check(self) -> "FileKnob":
        try:
            knob = self.knob()
        except RefractError as error:
            raise ValueError(str(error)) from None
        if bool(self.direction) != is_numbered(knob):
            raise ValueError("a feature or a family has a direction, and nothing else has")
        return self

    def knob(self) -> Knob:
        """Makes the engine's knob, in the numbers of the file's dictionary.

        Raises:
            InvalidSteering: not one feature or concept, or its strength is out of range.
        """
        return Knob(self.strength, target_of(self))

    def unit(self) -> FloatArray:
        """Decodes its direction (D,), of length 1."""
        direction_D = _decoded(self.direction)
        unit_D: FloatArray = direction_D / np.linalg.norm(direction_D)
        return unit_D


class PresetFile(Sent):
    """Holds all of the file."""

    format: Literal["refract-preset"]
    version: Literal[1]
    name: str
    description: str = Field(default="", max_length=MAX_DESCRIPTION)
    model: str = Field(min_length=1, max_length=500)
    dictionary: FileDictionary
    knobs: list[FileKnob] = Field(min_length=1, max_length=MAX_KNOBS)

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        try:
            return clean_name(name)
        except InvalidRequest as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _check(self) -> "PresetFile":
        for number, knob in enumerate(self.knobs):
            if knob.direction and len(_decoded(knob.direction)) != self.dictionary.width:
                raise ValueError(f"the direction of knob {number} is not {self.dictionary.width} wide")
        try:
            Steering(tuple(knob.knob() for knob in self.knobs))
        except RefractError as error:
            raise ValueError(str(error)) from None
        return self


def read_preset_file(content: bytes | str) -> PresetFile:
    """Reads a preset from the file's content.

    Raises:
        InvalidRequest: it is no preset's file, or cut off; it says where.
    """
    if len(content) > MAX_FILE:
        raise InvalidRequest(f"A preset's file has at most {MAX_FILE >> 20} MiB.", hint="Is it another file?")
    try:
        read = json.loads(content)
    except json.JSONDecodeError as error:
        raise InvalidRequest(
            f"This is no preset's file: it is not JSON from line {error.lineno}, column {error.colno} on.",
            hint="It may be cut off: export it again.",
        ) from None
    except (ValueError, RecursionError):  # not UTF-8, a number of thousands of digits, too deep
        raise InvalidRequest("This is no preset's file: it is not JSON.", hint="Export one.") from None
    try:
        return PresetFile.model_validate(read)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidRequest(
            f"This is no preset's file that can be read: {where + ': ' if where else ''}{first['msg']}.",
            hint="Export it again, with this version of Refract.",
        ) from None


def export_preset(reader: Reader, name: str) -> PresetFile:
    """Makes the file of a preset, as it steers now.

    Raises:
        PresetNotFound: there is none of that name.
        InvalidSteering: nothing is left of it.
    """
    snapshot, preset = reader.snapshot, get_preset(reader, name)
    if not preset.steering:
        raise InvalidSteering(f"Nothing is left of the preset {name!r}.", hint="Save it anew.")
    card = reader.session.get_one(DictionaryRow, snapshot.dictionary_id).card
    return PresetFile(
        format="refract-preset",
        version=1,
        name=preset.name,
        description=preset.description,
        model=snapshot.dictionary.card.model,
        dictionary=FileDictionary(
            sha256=card.sha256,
            origin=card.lineage,
            features=snapshot.dictionary.features,
            width=snapshot.dictionary.width,
        ),
        knobs=[_knob(snapshot, term) for term in preset.steering],
    )


def file_name(name: str) -> str:
    """Makes the name of a preset's file: letters, digits and - alone."""
    plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower())
    return f"{'-'.join(filter(None, plain.split('-'))) or 'preset'}.refract-preset.json"


def family_direction(family: Family, w_dec_FD: FloatArray) -> FloatArray:
    """Computes the weighted mean (D,) of the decoder rows of a family's features, of length 1."""
    mean_D = family.weights_C.astype(np.float32) @ w_dec_FD[family.features]
    unit_D: FloatArray = mean_D / np.linalg.norm(mean_D)
    return unit_D


def _knob(snapshot: Snapshot, term: SteeringTerm) -> FileKnob:
    label, direction = term.label[:MAX_LABEL], ""
    w_dec_FD = snapshot.dictionary.w_dec_FD
    target = target_of(term)
    match target:
        case FeatureTarget(feature):
            direction = _encoded(w_dec_FD[feature])
        case FamilyTarget(family):
            direction = _encoded(family_direction(snapshot.families[family], w_dec_FD))
        case ConceptTarget():
            label = ""
    return FileKnob(strength=term.strength, **flat(target), label=label, direction=direction)


def _encoded(direction_D: FloatArray) -> str:
    return base64.b64encode(direction_D.astype("<f2").tobytes()).decode()


def _decoded(direction: str) -> FloatArray:
    try:
        values_D = np.frombuffer(base64.b64decode(direction, validate=True), dtype="<f2").astype(np.float32)
    except (binascii.Error, ValueError):
        raise ValueError("a direction is no float16 in base64") from None
    if not (np.isfinite(values_D).all() and 0.5 < np.linalg.norm(values_D) < 2):
        raise ValueError("a direction is not of length 1")
    return values_D
