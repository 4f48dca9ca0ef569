"""Reads and writes steering: what a user turns up or down, as text and as knobs.

The text form, used in URLs and on the command line, is a list of knobs separated by commas:

    123:1.5                   feature 123 as strongly as 1.5 texts that are really about it
    45:off                    feature 45 taken out of the question
    concept:astronomy:-1      away from texts about astronomy (phrases are percent-encoded)
    family:17:1               towards texts that fire the features of family 17
    like:A~B!C:1              towards texts like the documents A and B, not like C (ids are percent-encoded)
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypedDict
from urllib.parse import quote, unquote

from search.errors import InvalidSteering
from search.query.limits import MAX_ID, is_text

MAX_STRENGTH = 5.0
MAX_KNOBS = 50
MAX_PHRASE = 200
MAX_EXAMPLES = 20
CONCEPT, FAMILY, LIKE = "concept", "family", "like"
OFF = "off"
FORM = (
    "Write knobs as FEATURE:STRENGTH, concept:PHRASE:STRENGTH, family:NUMBER:STRENGTH or "
    "like:ID~ID!ID:STRENGTH, separated by commas, like 123:1.5,45:off."
)

Strength = float | Literal["off"]


_ENCODED = re.compile(r"(?:%[0-9A-F]{2})+")


@dataclass(frozen=True)
class FeatureTarget:
    """Means one feature of the dictionary."""

    feature: int

    def __post_init__(self) -> None:
        _check_number("feature", self.feature)

    def __str__(self) -> str:
        return str(self.feature)


@dataclass(frozen=True)
class ConceptTarget:
    """Means what a phrase is about."""

    phrase: str

    def __post_init__(self) -> None:
        _check_phrase(self.phrase)

    def __str__(self) -> str:
        return f"{CONCEPT}:{quote(self.phrase, safe='')}"


@dataclass(frozen=True)
class FamilyTarget:
    """Means a family of features, by its number."""

    family: int

    def __post_init__(self) -> None:
        _check_number(FAMILY, self.family)

    def __str__(self) -> str:
        return f"{FAMILY}:{self.family}"


@dataclass(frozen=True)
class ExamplesTarget:
    """Means what documents are about, by their ids: `like` some and `unlike` others."""

    like: tuple[str, ...]
    unlike: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_examples(self.like, self.unlike)

    def __str__(self) -> str:
        unlike = "".join(f"!{_quoted_id(document)}" for document in self.unlike)
        return f"{LIKE}:" + "~".join(map(_quoted_id, self.like)) + unlike


FittedTarget = ConceptTarget | FamilyTarget | ExamplesTarget
"""Means a concept that is fitted on the collection's passages."""

Target = FeatureTarget | FittedTarget
"""Names what a knob turns; as text it reads the way that steering names it: `123`, `concept:astronomy`,
`like:A!B`.

Raises InvalidSteering where it cannot be one: a number below 0, an empty phrase, no document to be like."""


class FlatTarget(Protocol):
    """Names a target as JSON does, in five fields of which one is given."""

    @property
    def feature(self) -> int | None: ...
    @property
    def concept(self) -> str | None: ...
    @property
    def family(self) -> int | None: ...
    @property
    def like(self) -> Sequence[str]: ...
    @property
    def unlike(self) -> Sequence[str]: ...


class TargetFields(TypedDict):
    """Holds the five fields of a `FlatTarget`."""

    feature: int | None
    concept: str | None
    family: int | None
    like: list[str]
    unlike: list[str]


def flat(target: Target) -> TargetFields:
    """Gives the fields that name a target in JSON."""
    fields: TargetFields = {"feature": None, "concept": None, "family": None, "like": [], "unlike": []}
    match target:
        case FeatureTarget(feature):
            return {**fields, "feature": feature}
        case ConceptTarget(phrase):
            return {**fields, "concept": phrase}
        case FamilyTarget(family):
            return {**fields, "family": family}
        case ExamplesTarget(like, unlike):
            return {**fields, "like": list(like), "unlike": list(unlike)}


def target_of(record: FlatTarget) -> Target:
    """Makes the target that the fields of a record name: `target_of` undoes `flat`.

    Raises:
        InvalidSteering: they name none, more than one, or one that cannot be.
    """
    like, unlike = tuple(record.like), tuple(record.unlike)
    match record.feature, record.concept, record.family, bool(like or unlike):
        case int(feature), None, None, False:
            return FeatureTarget(feature)
        case None, str(phrase), None, False:
            return ConceptTarget(phrase)
        case None, None, int(family), False:
            return FamilyTarget(family)
        case None, None, None, True:
            return ExamplesTarget(like, unlike)
    raise InvalidSteering("A knob turns one feature or one concept.", hint=FORM)


@dataclass(frozen=True)
class Knob:
    """Says how strongly one target is turned. Only a feature can be "off".

    Raises:
        InvalidSteering: the strength is not a number within ±5.
    """

    strength: Strength
    target: Target

    def __post_init__(self) -> None:
        if isinstance(self.strength, str):
            if not isinstance(self.target, FeatureTarget):
                raise InvalidSteering("Only a feature can be turned off.", hint="Use a negative strength.")
        elif not math.isfinite(self.strength) or abs(self.strength) > MAX_STRENGTH:
            raise InvalidSteering(
                f"Strength {self.strength} of {_shown(str(self.target))} is out of range.",
                hint=f"Use a number from -{MAX_STRENGTH:g} to {MAX_STRENGTH:g}.",
            )


@dataclass(frozen=True)
class Steering:
    """Holds the knobs of one search, each target at most once.

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

    @property
    def features(self) -> list[int]:
        """Lists the features that are turned, in the order of their knobs."""
        return [knob.target.feature for knob in self.knobs if isinstance(knob.target, FeatureTarget)]

    def with_knob(self, knob: Knob) -> "Steering":
        """Sets one knob, in its old place if it was there."""
        if knob.target in (other.target for other in self.knobs):
            return Steering(tuple(knob if other.target == knob.target else other for other in self.knobs))
        return Steering((*self.knobs, knob))

    def without(self, target: Target) -> "Steering":
        """Leaves out the knob of that target."""
        return Steering(tuple(knob for knob in self.knobs if knob.target != target))

    def strength_of(self, target: Target) -> Strength | None:
        """Says how strongly a target is turned, None if it is not."""
        return next((knob.strength for knob in self.knobs if knob.target == target), None)


UNSTEERED = Steering()


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


def format_for_address(steering: Steering) -> str:
    """Writes the text form for an address, which encodes what it holds by itself: within it only what the
    form has a use for is encoded, or nobody sees. It reads back as the same."""
    return _ENCODED.sub(lambda run: "".join(map(_plain, unquote(run[0]))), format_steering(steering))


def _plain(character: str) -> str:
    if character.isalnum() or character in " -_./":
        return character
    return "".join(f"%{byte:02X}" for byte in character.encode())


def format_strength(strength: Strength) -> str:
    """Writes the shortest text that reads back as the same strength."""
    if isinstance(strength, str):
        return strength
    return str(int(strength)) if float(strength).is_integer() else repr(float(strength))


def _parse_knob(part: str) -> Knob:
    target, colon, number = part.rpartition(":")
    if not colon:
        raise InvalidSteering(f"{_shown(part)} is not a knob.", hint=FORM)
    return Knob(parse_strength(number, part), _parse_target(target))


def _parse_target(text: str) -> Target:
    kind, colon, rest = text.partition(":")
    if colon and kind == CONCEPT:
        return ConceptTarget(unquote(rest))
    if colon and kind == FAMILY:
        return FamilyTarget(_number(rest, "a family's number"))
    if colon and kind == LIKE:
        ids = re.findall(r"([~!]?)([^~!]*)", f"~{rest}")[:-1]
        like, unlike = (
            tuple(unquote(document) for mark, document in ids if mark == sign) for sign in ("~", "!")
        )
        return ExamplesTarget(like, unlike)
    return FeatureTarget(_number(text, "a feature's number"))


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidSteering(f"{_shown(text)} is not {what}.", hint=FORM)
    return int(text)


def _check_number(what: str, number: int) -> None:
    if number < 0:
        raise InvalidSteering(f"There is no {what} {number}.", hint="They are numbered from 0.")


def _check_phrase(phrase: str) -> None:
    if not (phrase.strip() and len(phrase) <= MAX_PHRASE):
        raise InvalidSteering(
            f"A concept is a phrase of 1 to {MAX_PHRASE} characters, not {len(phrase)}.", hint=FORM
        )
    if not is_text(phrase):
        raise InvalidSteering("A concept cannot hold NUL or lone surrogates.", hint="Remove them.")


def _check_examples(like: tuple[str, ...], unlike: tuple[str, ...]) -> None:
    documents = [*like, *unlike]
    if not like:
        raise InvalidSteering(
            "Examples need a document to be like.", hint="For less of one, give it a negative strength."
        )
    if len(documents) > MAX_EXAMPLES:
        raise InvalidSteering(
            f"{len(documents)} examples are too many.", hint=f"Use at most {MAX_EXAMPLES} documents a knob."
        )
    for document in documents:
        if not (0 < len(document) <= MAX_ID and is_text(document)):
            raise InvalidSteering(f"{_shown(document)} is no document's id.", hint=FORM)
        if documents.count(document) > 1:
            raise InvalidSteering(f"{_shown(document)} is given twice as an example.", hint="Keep one.")


def _quoted_id(document: str) -> str:
    """Percent-encodes an id so that nothing in it can be taken for a part of the form."""
    return quote(document, safe="").replace("~", "%7E")


def parse_strength(number: str, part: str) -> Strength:
    """Reads a strength from its text; `part` is quoted when it is none."""
    if number.strip() == OFF:
        return "off"
    try:
        return float(number)
    except ValueError:
        raise InvalidSteering(f"{_shown(number)} in {_shown(part)} is not a strength.", hint=FORM) from None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
