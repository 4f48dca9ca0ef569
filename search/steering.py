"""Steering: what a user turns up or down, as text, as numbers, as a changed question.

Shape suffixes: D embedding width, M knobs on features.

The text form, used in URLs and on the command line, is a list of knobs separated by commas:

    123:1.5                   feature 123 as strongly as 1.5 texts that are really about it
    45:off                    feature 45 taken out of the question
    concept:astronomy:-1      away from texts about astronomy (phrases are percent-encoded)
"""

import math
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from search.errors import InvalidSteering
from search.requests import is_text

FloatArray = NDArray[np.float32]

MAX_STRENGTH = 5.0
MAX_KNOBS = 50
MAX_PHRASE = 200
CONCEPT = "concept"
OFF = "off"
FORM = "Write knobs as FEATURE:STRENGTH or concept:PHRASE:STRENGTH, separated by commas, like 123:1.5,45:off."

Strength = float | Literal["off"]


@dataclass(frozen=True)
class Knob:
    """One feature or one concept, and how strongly it is turned. Only a feature can be "off".

    Raises:
        InvalidSteering: the strength is not a number within ±5, or the target is not one thing.
    """

    strength: Strength
    feature: int | None = None
    concept: str | None = None

    def __post_init__(self) -> None:
        if (self.feature is None) == (self.concept is None):
            raise InvalidSteering("A knob turns one feature or one concept.", hint=FORM)
        if self.feature is not None and self.feature < 0:
            raise InvalidSteering(
                f"There is no feature {self.feature}.", hint="Features are numbered from 0."
            )
        if self.concept is not None and not (self.concept.strip() and len(self.concept) <= MAX_PHRASE):
            raise InvalidSteering(
                f"A concept is a phrase of 1 to {MAX_PHRASE} characters, not {len(self.concept)}.", hint=FORM
            )
        if self.concept is not None and not is_text(self.concept):
            raise InvalidSteering("A concept cannot hold NUL or lone surrogates.", hint="Remove them.")
        if isinstance(self.strength, str):
            if self.feature is None:
                raise InvalidSteering("Only a feature can be turned off.", hint="Use a negative strength.")
        elif not math.isfinite(self.strength) or abs(self.strength) > MAX_STRENGTH:
            raise InvalidSteering(
                f"Strength {self.strength} of {self.target} is out of range.",
                hint=f"Use a number from -{MAX_STRENGTH:g} to {MAX_STRENGTH:g}.",
            )

    @property
    def target(self) -> str:
        """What the knob turns, as the text form names it: `123` or `concept:astronomy`."""
        return str(self.feature) if self.concept is None else f"{CONCEPT}:{quote(self.concept, safe='')}"


@dataclass(frozen=True)
class Steering:
    """The knobs of one search, each target at most once.

    Raises:
        InvalidSteering: a target appears twice, or there are more than 50 knobs.
    """

    knobs: tuple[Knob, ...] = ()

    def __post_init__(self) -> None:
        if len(self.knobs) > MAX_KNOBS:
            raise InvalidSteering(f"{len(self.knobs)} knobs are too many.", hint=f"Use at most {MAX_KNOBS}.")
        targets = [knob.target for knob in self.knobs]
        for target in targets:
            if targets.count(target) > 1:
                raise InvalidSteering(f"{target} is steered twice.", hint="Keep one of the two.")

    def with_knob(self, knob: Knob) -> "Steering":
        """The same with one knob set, in its old place if it was there."""
        if knob.target in (other.target for other in self.knobs):
            return Steering(tuple(knob if other.target == knob.target else other for other in self.knobs))
        return Steering((*self.knobs, knob))

    def without(self, knob: Knob) -> "Steering":
        """The same without the knob of that target."""
        return Steering(tuple(other for other in self.knobs if other.target != knob.target))

    def strength_of(self, target: str) -> Strength | None:
        """How strongly a target is turned, None if it is not."""
        return next((knob.strength for knob in self.knobs if knob.target == target), None)


def parse(text: str) -> Steering:
    """Reads the text form; the empty text is no steering.

    Raises:
        InvalidSteering: the text is not of that form; the message quotes the part at fault.
    """
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    return Steering(tuple(_parse_knob(part) for part in parts))


def format_steering(steering: Steering) -> str:
    """Writes the text form: `parse(format_steering(s)) == s`."""
    return ",".join(f"{knob.target}:{format_strength(knob.strength)}" for knob in steering.knobs)


def format_strength(strength: Strength) -> str:
    """The shortest text that reads back as the same strength."""
    if isinstance(strength, str):
        return strength
    return str(int(strength)) if float(strength).is_integer() else repr(float(strength))


def _parse_knob(part: str) -> Knob:
    target, colon, number = part.rpartition(":")
    if not colon:
        raise InvalidSteering(f"{_shown(part)} is not a knob.", hint=FORM)
    strength = parse_strength(number, part)
    if target.startswith(f"{CONCEPT}:"):
        return Knob(strength, concept=unquote(target.removeprefix(f"{CONCEPT}:")))
    if not (target.isascii() and target.isdigit() and len(target) <= 9):
        raise InvalidSteering(f"{_shown(target)} is not a feature's number.", hint=FORM)
    return Knob(strength, feature=int(target))


def parse_strength(number: str, part: str) -> Strength:
    """A strength from its text; `part` is quoted when it is none."""
    if number.strip() == OFF:
        return "off"
    try:
        return float(number)
    except ValueError:
        raise InvalidSteering(f"{_shown(number)} in {_shown(part)} is not a strength.", hint=FORM) from None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


@dataclass(frozen=True, eq=False)
class SteeredQuery:
    """A question after steering: q' = (q + sum_m delta_m w_m) / norm.

    `features` (M,) and `delta_M` are the knobs on features; `norm` is the length before normalising, so that
    `norm * <q', x>` is the unnormalised score. `vector_D` has length 1.
    """

    vector_D: FloatArray
    norm: float
    features: list[int]
    delta_M: FloatArray


def steer(q_D: FloatArray, w_dec_FD: FloatArray, deltas: dict[int, float]) -> SteeredQuery:
    """Edits a question (unit vector q_D) by adding `delta * w_f` for each {feature: delta}.

    With no deltas the question is returned as it is, bit for bit.

    Raises:
        InvalidSteering: the edit cancels the question.
    """
    features = list(deltas)
    delta_M = np.array([deltas[feature] for feature in features], dtype=np.float32)
    if not np.any(delta_M):
        return SteeredQuery(q_D, 1.0, features, delta_M)
    edited_D = q_D.astype(np.float64) + delta_M.astype(np.float64) @ w_dec_FD[features]
    norm = float(np.linalg.norm(edited_D))
    if norm < 1e-3:
        raise InvalidSteering("These knobs cancel the question.", hint="Turn them down.")
    return SteeredQuery((edited_D / norm).astype(np.float32), norm, features, delta_M)


def feature_deltas(steering: Steering, active: dict[int, float], scale_F: NDArray[Any]) -> dict[int, float]:
    """How far each steered feature is moved: strength * scale_f, or -a_f(q) where it is turned off.

    `scale_F` is each feature's 90th percentile activation in the collection: strength 1 means "as strongly as
    texts that are really about it". A feature that never fires in the collection has scale 0: turning it
    does nothing.

    Raises:
        InvalidSteering: a feature beyond the dictionary.
    """
    deltas = {}
    for knob in steering.knobs:
        if knob.feature is None:
            continue
        if knob.feature >= len(scale_F):
            raise InvalidSteering(
                f"There is no feature {knob.feature}.", hint=f"Features are numbered 0 to {len(scale_F) - 1}."
            )
        off = knob.strength == OFF
        deltas[knob.feature] = (
            -active.get(knob.feature, 0.0) if off else float(knob.strength) * float(scale_F[knob.feature])
        )
    return deltas
