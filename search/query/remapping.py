"""Translates steering that was saved with another dictionary into the numbers of the live one.

Numbers of features and families mean something in one dictionary only. Where a feature went when a new
dictionary was made is in the table `feature_matches`, also for dictionaries that are long gone; a dictionary
that only added names to earlier ones lists these on its card. Phrases and documents need no translation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session, load_only

from search.db.card import Alias, StoredCard
from search.db.models import DictionaryRow, FamilyRow, FeatureMatchRow
from search.errors import InvalidFilter, InvalidSteering
from search.query.parser import Condition
from search.query.steering import FamilyTarget, FeatureTarget, Knob, Steering, flat
from search.responses.search import LostKnob, SteeringTerm

NO_COUNTERPART = "No feature of the live dictionary is alike enough."
NO_FAMILIES = "Families are not carried over to another dictionary."


@dataclass(frozen=True)
class Carried:
    """Says what a feature was called in the earlier dictionary, and how surely (0 to 1) it is the same
    one."""

    was: int
    confidence: float


@dataclass(frozen=True)
class RemappedSteering:
    """Holds steering and filters in the numbers of `dictionary`, the live one: `carried` by the new number,
    `lost` left out; the name of the `preset` that is in it, if one is."""

    steering: Steering
    dictionary: int
    carried: Mapping[int, Carried] = field(default_factory=dict)
    lost: tuple[LostKnob, ...] = ()
    preset: str | None = None
    filters: tuple[Condition, ...] = ()


def is_numbered(knob: Knob) -> bool:
    """Whether a knob means something in one dictionary only."""
    return isinstance(knob.target, FeatureTarget | FamilyTarget)


def translate(session: Session, steering: Steering, dictionary: int | None, live: int) -> RemappedSteering:
    """Translates steering of a dictionary (None: the live one) into the numbers of the live dictionary.

    Raises:
        InvalidSteering: nothing is known of that dictionary, or it had no such feature.
    """
    if dictionary is None or dictionary == live or not any(map(is_numbered, steering.knobs)):
        return RemappedSteering(steering, live)
    families = [knob.target.family for knob in steering.knobs if isinstance(knob.target, FamilyTarget)]
    went = _went(session, steering.features, dictionary, live)
    stayed = _families_that_stayed(session, families, dictionary, live)

    def why_lost(knob: Knob) -> str:
        match knob.target:
            case FeatureTarget(feature) if feature not in went:
                return NO_COUNTERPART
            case FamilyTarget(family) if family not in stayed:
                return NO_FAMILIES
        return ""

    there = lose(RemappedSteering(steering, live), why_lost)
    knobs = [
        replace(knob, target=FeatureTarget(went[knob.target.feature][0]))
        if isinstance(knob.target, FeatureTarget)
        else knob
        for knob in there.steering.knobs
    ]
    carried = {feature: Carried(was, confidence) for was, (feature, confidence) in went.items()}
    return replace(there, steering=Steering(tuple(knobs)), carried=carried)


def translate_filters(
    session: Session, filters: tuple[Condition, ...], dictionary: int | None, live: int
) -> tuple[Condition, ...]:
    """Translates filters on features of a dictionary (None: the live one) into the numbers of the live
    dictionary.

    Raises:
        InvalidSteering: nothing is known of that dictionary, or it had no such feature.
        InvalidFilter: a feature has no counterpart: a filter cannot be left out.
    """
    features = [condition.feature for condition in filters if condition.feature is not None]
    if dictionary is None or dictionary == live or not features:
        return filters
    went = _went(session, features, dictionary, live)
    for feature in features:
        if feature not in went:
            raise InvalidFilter(
                f"Feature {feature} of dictionary {dictionary} cannot be filtered by: {NO_COUNTERPART}",
                hint="Leave the filter out, or choose a feature of the live dictionary.",
            )
    return tuple(
        condition if condition.feature is None else replace(condition, feature=went[condition.feature][0])
        for condition in filters
    )


def lose(translation: RemappedSteering, why: Callable[[Knob], str]) -> RemappedSteering:
    """Leaves out the knobs for which there is a reason, which is told with each."""
    lost = [(knob, reason) for knob in translation.steering.knobs if (reason := why(knob))]
    gone = {knob.target for knob, _ in lost}
    kept = tuple(knob for knob in translation.steering.knobs if knob.target not in gone)
    return replace(
        translation,
        steering=Steering(kept),
        lost=(*translation.lost, *(lost_knob(knob, reason) for knob, reason in lost)),
    )


def lost_knob(knob: Knob, reason: str) -> LostKnob:
    """Makes the record of a knob that was left out."""
    return LostKnob(knob.strength, reason, **flat(knob.target))


def marked(terms: list[SteeringTerm], translation: RemappedSteering) -> list[SteeringTerm]:
    """Marks the knobs of an answer with what those that were carried over were before."""
    return [
        replace(term, was=came.was, confidence=came.confidence) if came else term
        for term in terms
        for came in [None if term.feature is None else translation.carried.get(term.feature)]
    ]


def _went(session: Session, asked: list[int], dictionary: int, live: int) -> dict[int, tuple[int, float]]:
    """Finds where features of another dictionary went, and how surely: an earlier one, or after going back a
    later one, whose matches are read the other way round."""
    features, same = _known(session, dictionary, live)
    if features is None:
        raise InvalidSteering(
            f"Nothing is known of dictionary {dictionary} in this collection.",
            hint=f"The live one is dictionary {live}: steer by its features, or leave the dictionary out.",
        )
    for feature in asked:
        if feature >= features:
            raise InvalidSteering(
                f"There was no feature {feature} in dictionary {dictionary}.",
                hint=f"Its features were numbered 0 to {features - 1}.",
            )
    if same is not None and same.dictionary == live:
        return {feature: (feature, 1.0) for feature in asked if feature < same.features}
    number = dictionary if same is None else same.dictionary
    old, new = FeatureMatchRow.old_feature, FeatureMatchRow.feature
    forth = select(old, new, FeatureMatchRow.confidence).where(*_pair(number, live), old.in_(asked))
    back = select(new, old, FeatureMatchRow.confidence).where(*_pair(live, number), new.in_(asked))
    rows = session.execute(forth).all() or session.execute(back).all()
    return {
        was: (feature, confidence)
        for was, feature, confidence in rows
        if was is not None and feature is not None
    }


def _families_that_stayed(session: Session, families: list[int], dictionary: int, live: int) -> set[int]:
    """Finds the families of another dictionary that the live one has under the same numbers: where one only
    added names to the other, and the live one has that family already (it may be the earlier one)."""
    if not families:
        return set()
    _, same = _known(session, dictionary, live)
    if same is None or same.dictionary != live:
        return set()
    here = _families(session, live).intersection(families)
    gone = session.get(DictionaryRow, dictionary, options=[load_only(DictionaryRow.id)]) is None
    return here if gone else here & _families(session, dictionary)


def _families(session: Session, dictionary: int) -> set[int]:
    return set(session.scalars(select(FamilyRow.family).where(FamilyRow.dictionary_id == dictionary)))


def _known(session: Session, dictionary: int, live: int) -> tuple[int | None, Alias | None]:
    """Says how many features a dictionary had (None: nothing is known of how it relates to the live one), and
    whose numbers its own are, if they are another's: a later dictionary's go as far as the live one's."""
    if not 0 < dictionary < 2**63:  # what the column holds
        return None, None
    both = select(DictionaryRow.id, DictionaryRow.card).where(DictionaryRow.id.in_((dictionary, live)))
    cards: dict[int, StoredCard] = {row.id: row.card for row in session.execute(both)}
    if live in cards and (alias := cards[live].aliases.get(dictionary)):
        return alias.features, alias
    if dictionary in cards:
        later = cards[dictionary].aliases.get(live)
        if later is not None and later.dictionary == dictionary:
            return cards[dictionary].features, Alias(dictionary=live, features=later.features)
    last = session.scalar(select(func.max(FeatureMatchRow.old_feature)).where(*_pair(dictionary, live)))
    if last is not None:
        return last + 1, None
    if dictionary in cards and session.scalar(select(exists().where(*_pair(live, dictionary)))):
        return cards[dictionary].features, None
    return None, None


def _pair(old: int, new: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return FeatureMatchRow.old_dictionary == old, FeatureMatchRow.dictionary_id == new
