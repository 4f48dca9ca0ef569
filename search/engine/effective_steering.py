"""Works out what a search is steered by: a preset, and knobs of its own that go before it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlalchemy.orm import Session

from search.db.models import DocumentRow
from search.engine.concept_resolver import concept_name, find_documents
from search.engine.response import named_terms
from search.index.snapshot import Snapshot
from search.query.presets import NONE, Preset, find_preset
from search.query.remapping import RemappedSteering, lose, marked
from search.query.steering import (
    ExamplesTarget,
    FamilyTarget,
    FeatureTarget,
    Knob,
    Steering,
    format_steering,
)
from search.responses.collections import PresetInfo
from search.responses.search import LostKnob

NO_FAMILY = "There is no such family."
NO_DOCUMENT = "There is no such document with text."


def with_preset_knobs(
    session: Session, snapshot: Snapshot, own: RemappedSteering, asked: str | None
) -> RemappedSteering:
    """Puts the knobs of a preset together with those of a search, which go before those of the same target.

    `asked`: the preset's name, "none" for none, None for the collection's default one if it has one.

    Raises:
        PresetNotFound: there is no preset of that name.
        InvalidSteering: together they are too many.
    """
    preset = _preset(snapshot, asked)
    if preset is None:
        return own
    found = example_documents(session, snapshot, [preset.translation.steering])
    there = usable(snapshot, preset.translation, found)
    steering = there.steering
    for knob in own.steering.knobs:
        steering = steering.with_knob(knob)
    turned = own.steering.features
    carried = {feature: came for feature, came in there.carried.items() if feature not in turned}
    return RemappedSteering(
        steering=steering,
        dictionary=own.dictionary,
        carried={**carried, **own.carried},
        lost=(*there.lost, *own.lost),
        preset=preset.name,
    )


def usable(
    snapshot: Snapshot, translation: RemappedSteering, found: Mapping[str, DocumentRow]
) -> RemappedSteering:
    """Keeps what is left of saved steering where a family or a document is not there any more; `found` are
    the documents that are. (Of a search's own steering that is an error.)"""

    def why_lost(knob: Knob) -> str:
        match knob.target:
            case FamilyTarget(family) if family not in snapshot.families:
                return NO_FAMILY
        return ""

    there = lose(translation, why_lost)
    knobs, lost = [], []
    for knob in there.steering.knobs:
        kept, gone = _examples_left(knob, found)
        knobs += [kept] if kept else []
        lost += [gone] if gone else []
    return replace(there, steering=Steering(tuple(knobs)), lost=(*there.lost, *lost))


def describe(session: Session, snapshot: Snapshot, presets: Iterable[Preset]) -> list[PresetInfo]:
    """Describes presets as they look to the outside."""
    presets = list(presets)
    found = example_documents(session, snapshot, [preset.translation.steering for preset in presets])
    return [_info(snapshot, preset, found) for preset in presets]


def _preset(snapshot: Snapshot, asked: str | None) -> Preset | None:
    if asked is None:
        return next((preset for preset in snapshot.presets.values() if preset.is_default), None)
    return None if asked == NONE else find_preset(snapshot.presets, asked, snapshot.collection)


def _info(snapshot: Snapshot, preset: Preset, found: Mapping[str, DocumentRow]) -> PresetInfo:
    there = usable(snapshot, preset.translation, found)
    names = {
        knob.target: concept_name(snapshot, knob.target, found)
        for knob in there.steering.knobs
        if not isinstance(knob.target, FeatureTarget)
    }
    return PresetInfo(
        name=preset.name,
        description=preset.description,
        collection=snapshot.collection,
        default=preset.is_default,
        dictionary=snapshot.dictionary_id,
        steer=format_steering(there.steering),
        steering=marked(named_terms(snapshot, there.steering, names), there),
        steering_lost=list(there.lost),
        updated_at=preset.updated_at,
    )


def example_documents(
    session: Session, snapshot: Snapshot, steerings: Iterable[Steering]
) -> dict[str, DocumentRow]:
    """Finds the documents that knobs take as examples, those that are there, by id: one look-up for all."""
    targets = [knob.target for steering in steerings for knob in steering.knobs]
    examples = [target for target in targets if isinstance(target, ExamplesTarget)]
    ids = [document for target in examples for document in (*target.like, *target.unlike)]
    return find_documents(snapshot, ids, session) if ids else {}


def _examples_left(knob: Knob, found: Mapping[str, DocumentRow]) -> tuple[Knob | None, LostKnob | None]:
    """Splits a knob into what is left of it and what is not: examples that are not there, or all of it
    without one."""
    if not isinstance(knob.target, ExamplesTarget):
        return knob, None
    given = knob.target.like, knob.target.unlike
    like, unlike = (tuple(id for id in ids if id in found) for ids in given)
    if (like, unlike) == given:
        return knob, None
    gone = [[id for id in ids if id not in found] for ids in given]
    lost = LostKnob(knob.strength, NO_DOCUMENT, like=gone[0], unlike=gone[1])
    return replace(knob, target=ExamplesTarget(like, unlike)) if like else None, lost
