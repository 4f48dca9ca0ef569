"""Steering that was saved with an earlier dictionary, in the numbers of the live one.

Numbers of features and families mean something in one dictionary only. Where a feature went when a new
dictionary was made is in the table `feature_matches`, also for dictionaries that are long gone; phrases and
documents need no translation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from search.errors import InvalidFilter, InvalidSteering
from search.models import FeatureMatch
from search.results import LostKnob, SteeringTerm
from search.steering import Knob, Steering
from search.syntax import Condition

NO_COUNTERPART = "No feature of the live dictionary is alike enough."
NO_FAMILIES = "Families are not carried over to another dictionary."


@dataclass(frozen=True)
class Carried:
    """What a feature was called in the earlier dictionary, and how surely it is the same one (0 to 1)."""

    was: int
    confidence: float


@dataclass(frozen=True)
class Translation:
    """Steering and filters in the numbers of `dictionary`, the live one: `carried` by the new number, `lost`
    left out."""

    steering: Steering
    filters: tuple[Condition, ...]
    dictionary: int
    carried: Mapping[int, Carried] = field(default_factory=dict)
    lost: tuple[LostKnob, ...] = ()


def is_numbered(knob: Knob) -> bool:
    """Whether a knob means something in one dictionary only."""
    return knob.feature is not None or knob.family is not None


def translate(
    session: Session, steering: Steering, filters: tuple[Condition, ...], dictionary: int | None, live: int
) -> Translation:
    """Steering and filters of a dictionary (None: the live one), in the numbers of the live dictionary.

    Raises:
        InvalidSteering: nothing is known of that dictionary, or it had no such feature.
        InvalidFilter: a feature that is filtered by has no counterpart.
    """
    if dictionary is None or dictionary == live:
        return Translation(steering, filters, live)
    filters = _translated(session, filters, dictionary, live)
    if not any(map(is_numbered, steering.knobs)):
        return Translation(steering, filters, live)
    features = [knob.feature for knob in steering.knobs if knob.feature is not None]
    matches = _matches(session, features, dictionary, live)
    knobs: list[Knob] = []
    carried: dict[int, Carried] = {}
    lost: list[LostKnob] = []
    for knob in steering.knobs:
        went = None if knob.feature is None else matches[knob.feature]
        if not is_numbered(knob):
            knobs.append(knob)
        elif went is None or went.feature is None:
            reason = NO_FAMILIES if knob.feature is None else NO_COUNTERPART
            lost.append(LostKnob(knob.strength, reason, feature=knob.feature, family=knob.family))
        else:
            knobs.append(replace(knob, feature=went.feature))
            carried[went.feature] = Carried(went.old_feature, went.confidence)
    return Translation(Steering(tuple(knobs)), filters, live, carried, tuple(lost))


def marked(terms: list[SteeringTerm], translation: Translation) -> list[SteeringTerm]:
    """The knobs of an answer, with what those that were carried over were before."""
    return [
        replace(term, was=came.was, confidence=came.confidence) if came else term
        for term in terms
        for came in [None if term.feature is None else translation.carried.get(term.feature)]
    ]


def _translated(
    session: Session, filters: tuple[Condition, ...], dictionary: int, live: int
) -> tuple[Condition, ...]:
    """Filters in the numbers of the live dictionary; one that means nothing there cannot be left out."""
    features = [condition.feature for condition in filters if condition.feature is not None]
    if not features:
        return filters
    matches = _matches(session, features, dictionary, live)
    for feature in features:
        if matches[feature].feature is None:
            raise InvalidFilter(
                f"Feature {feature} of dictionary {dictionary} cannot be filtered by: {NO_COUNTERPART}",
                hint="Leave the filter out, or choose a feature of the live dictionary.",
            )
    return tuple(
        condition
        if condition.feature is None
        else replace(condition, feature=matches[condition.feature].feature)
        for condition in filters
    )


def _matches(session: Session, asked: list[int], dictionary: int, live: int) -> dict[int, FeatureMatch]:
    """Where features of an earlier dictionary went."""
    pair = (FeatureMatch.dictionary_id == live, FeatureMatch.old_dictionary == dictionary)
    known = 0 < dictionary < 2**63  # what the column holds
    last = session.scalar(select(func.max(FeatureMatch.old_feature)).where(*pair)) if known else None
    if last is None:
        raise InvalidSteering(
            f"Nothing is known of dictionary {dictionary} in this collection.",
            hint=f"The live one is dictionary {live}: steer by its features, or leave the dictionary out.",
        )
    for feature in asked:
        if feature > last:
            raise InvalidSteering(
                f"There was no feature {feature} in dictionary {dictionary}.",
                hint=f"Its features were numbered 0 to {last}.",
            )
    found = session.scalars(select(FeatureMatch).where(*pair, FeatureMatch.old_feature.in_(asked)))
    return {row.old_feature: row for row in found}
