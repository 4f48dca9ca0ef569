"""Importing a preset's file finds what its knobs are in another collection, and says what cannot be found
there.

Features are found again, in this order: by their number, in the same dictionary; by what became of them,
where it is an earlier one of this collection; by their number, where both dictionaries were adapted from one
and the feature kept its direction; else by their direction alone, one to one.

Shape suffixes: D embedding width, F features, K knobs, G families.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.dictionary.matching import LEAST
from indexer.presets.file_format import FileKnob, PresetFile, family_direction
from indexer.presets.store import save_preset
from search.db.models import DictionaryRow
from search.engine.effective_steering import example_documents, usable
from search.engine.engine import SearchEngine
from search.errors import InvalidRequest, InvalidSteering
from search.index.snapshot import Snapshot
from search.query.remapping import RemappedSteering, lost_knob, translate
from search.query.steering import ConceptTarget, FamilyTarget, FeatureTarget, Knob, Steering, Target
from search.responses.collections import PresetInfo
from search.responses.search import LostKnob

LEAST_COSINE = 0.6
"""Of the nearest features below it, more than one in five are not those that correlate most on passages
never seen; of those above, one in eight (`benchmarks.directions`: 14,726 features of dictionaries adapted to
or trained on other texts; docs/decisions/0008). The cosine foretells that correlation: .63 at .6 to .7, .73
at .7 to .8, .82 above. Adapted from one dictionary, all 2,422 that fired kept a cosine of .897 or more."""

LEAST_FAMILY_COSINE = 0.7
"""The same holds for the mean directions of families: 78% of those above are right, and what they hold
correlates by .52."""

NOT_ALIKE = "Nothing here is alike enough."

FloatArray = NDArray[np.float32]
How = Literal["same dictionary", "same name", "earlier dictionary", "same origin", "direction", "as it is"]


@dataclass(frozen=True)
class KnobMatch:
    """Describes a knob of a file that was found here: what it turned there (`was`) and what it turns here
    (`knob`), as steering is written; how sure that is (`confidence`, 0 to 1), and `how` it was found."""

    was: str
    knob: str
    label: str
    confidence: float
    how: How


@dataclass(frozen=True)
class ImportedPreset:
    """Says what became of a file: the preset that was saved, and where each of its knobs was found, or why
    not."""

    preset: PresetInfo
    matched: list[KnobMatch]
    lost: list[LostKnob]


@dataclass(frozen=True)
class _Found:
    number: int
    confidence: float
    how: How


@dataclass(frozen=True)
class _Home:
    """Holds where knobs are looked for: `dictionary` is the live one's row."""

    session: Session
    snapshot: Snapshot
    dictionary: DictionaryRow
    file: PresetFile

    @property
    def is_same(self) -> bool:
        return self.file.dictionary.sha256 == self.dictionary.card.sha256


def import_preset(
    engine: SearchEngine, collection: str, file: PresetFile, *, name: str | None = None
) -> ImportedPreset:
    """Saves a preset from a file, with those of its knobs that mean something here.

    Raises:
        InvalidRequest: none of them does, or there is a preset of that name.
        CollectionNotFound: there is no collection of that name.
        NotIndexed: it has no live generation.
    """
    with engine.reader(collection) as reader:
        dictionary = reader.snapshot.dictionary_id
        row = reader.session.get_one(DictionaryRow, dictionary)
        steering, matched, lost = _matched(_Home(reader.session, reader.snapshot, row, file))
    if not steering.knobs:
        reasons = " ".join(dict.fromkeys(each.reason for each in lost))
        raise InvalidRequest(
            f"None of the knobs of {file.name!r} means anything in {collection!r}. {reasons}",
            hint="Steer by phrases: they mean the same everywhere.",
        )
    preset = save_preset(
        engine,
        collection,
        name or file.name,
        steering,
        dictionary=dictionary,
        description=file.description,
        replace=False,
    )
    return ImportedPreset(preset, matched, lost)


def _matched(home: _Home) -> tuple[Steering, list[KnobMatch], list[LostKnob]]:
    """Finds the file's knobs in the numbers of this collection: first those found by number or direction,
    then phrases and examples."""
    reason = _other_model(home)
    found = _by_name(home)
    if not reason:
        found = {**_families(home), **_features(home, found)}
    knobs: list[Knob] = []
    matched: list[KnobMatch] = []
    lost: list[LostKnob] = []
    for given in home.file.knobs:
        knob = given.knob()
        place = found.get(knob.target)
        if place is not None:
            numbered = FamilyTarget if isinstance(knob.target, FamilyTarget) else FeatureTarget
            here = numbered(place.number)
            knobs.append(replace(knob, target=here))
            matched.append(
                KnobMatch(
                    was=str(knob.target),
                    knob=str(here),
                    label=given.label,
                    confidence=place.confidence,
                    how=place.how,
                )
            )
        elif given.direction:
            lost.append(lost_knob(knob, reason or NOT_ALIKE))
    as_they_are = Steering(tuple(given.knob() for given in home.file.knobs if not given.direction))
    found_here = example_documents(home.session, home.snapshot, [as_they_are])
    there = usable(home.snapshot, RemappedSteering(as_they_are, home.dictionary.id), found_here)
    labels = {given.knob().target: given.label for given in home.file.knobs}
    for knob in there.steering.knobs:
        target = knob.target
        label = target.phrase if isinstance(target, ConceptTarget) else labels.get(target, "")
        matched.append(
            KnobMatch(was=str(target), knob=str(target), label=label, confidence=1.0, how="as it is")
        )
    return Steering((*knobs, *there.steering.knobs)), matched, [*lost, *there.lost]


def _other_model(home: _Home) -> str:
    """Says why nothing with a number can be found here, or ""."""
    here, there = home.snapshot.dictionary, home.file
    if (here.card.model, here.width) == (there.model, there.dictionary.width):
        return ""
    return (
        f"It was made for the model {there.model!r}, this collection has {here.card.model!r}: features and "
        "families cannot be compared, only names and phrases."
    )


def _by_name(home: _Home) -> dict[Target, _Found]:
    """Finds the features here that are called the same, by target in the file: a name is no model's own."""
    names = home.snapshot.dictionary.names
    number = {name.casefold(): feature for feature, group in enumerate(names) for name in group[::-1]}
    return {
        FeatureTarget(knob.feature): _Found(number[knob.label.casefold()], 1.0, "same name")
        for knob in home.file.knobs
        if knob.feature is not None and knob.label.casefold() in number
    }


def _features(home: _Home, named: dict[Target, _Found]) -> dict[Target, _Found]:
    """Finds the features here, by target in the file; those that are `named` are where their names are,
    unless the dictionary is the same."""
    wanted = {knob.feature: knob for knob in home.file.knobs if knob.feature is not None}
    if not home.is_same:
        wanted = {number: knob for number, knob in wanted.items() if FeatureTarget(number) not in named}
    if not wanted:
        return named
    if home.is_same:
        places = {number: _Found(number, 1.0, "same dictionary") for number in wanted}
    elif (went := _from_earlier(home, wanted)) is not None:
        places = went
    elif home.file.dictionary.origin == home.dictionary.card.lineage:
        places = _by_number(home, wanted)
    else:
        nearest = _nearest(list(wanted.values()), home.snapshot.dictionary.w_dec_FD, LEAST_COSINE)
        places = {number: nearest[row] for row, number in enumerate(wanted) if row in nearest}
    features = home.snapshot.dictionary.features
    within = {number: found for number, found in places.items() if found.number < features}
    return named | {FeatureTarget(number): found for number, found in within.items()}


def _from_earlier(home: _Home, wanted: Mapping[int, FileKnob]) -> dict[int, _Found] | None:
    """Finds what became of the features, None if the file's dictionary is not known to be another one of this
    collection."""
    other = home.session.scalar(
        select(DictionaryRow.id)
        .where(
            DictionaryRow.collection_id == home.snapshot.collection_id,
            DictionaryRow.card["sha256"].as_string() == home.file.dictionary.sha256,
        )
        .limit(1)
    )
    if other is None:
        return None
    try:
        steering = Steering(tuple(knob.knob() for knob in wanted.values()))
        carried = translate(home.session, steering, other, home.dictionary.id).carried
    except InvalidSteering:
        return None
    return {came.was: _Found(new, came.confidence, "earlier dictionary") for new, came in carried.items()}


def _by_number(home: _Home, wanted: Mapping[int, FileKnob]) -> dict[int, _Found]:
    """Finds the features of the same number that point the same way."""
    w_dec_FD = home.snapshot.dictionary.w_dec_FD
    there = {number: knob for number, knob in wanted.items() if number < len(w_dec_FD)}
    cosines = {number: float(w_dec_FD[number] @ knob.unit()) for number, knob in there.items()}
    return {
        number: _Found(number, min(cosine, 1.0), "same origin")
        for number, cosine in cosines.items()
        if cosine >= LEAST
    }


def _families(home: _Home) -> dict[Target, _Found]:
    """Finds the families here that point the same way, by target in the file."""
    wanted = [knob for knob in home.file.knobs if knob.family is not None]
    here = home.snapshot.families
    if not (wanted and here):
        return {}
    w_dec_FD = home.snapshot.dictionary.w_dec_FD
    mean_GD = np.stack([family_direction(family, w_dec_FD) for family in here.values()])
    nearest = _nearest(wanted, mean_GD, LEAST_FAMILY_COSINE)
    numbers = list(here)
    return {
        wanted[row].knob().target: replace(found, number=numbers[found.number])
        for row, found in nearest.items()
    }


def _nearest(given: Sequence[FileKnob], there_XD: FloatArray, least: float) -> dict[int, _Found]:
    """Pairs each given knob with the direction that is most alike, none taken twice, so that all pairs
    together are as alike as can be; by row."""
    cosine_KX = np.stack([knob.unit() for knob in given]) @ there_XD.T
    cosine_KX[cosine_KX < least] = 0
    pairs = zip(*linear_sum_assignment(cosine_KX, maximize=True), strict=True)
    return {
        int(row): _Found(int(column), min(float(cosine_KX[row, column]), 1.0), "direction")
        for row, column in pairs
        if cosine_KX[row, column]
    }
