"""Lets a reader search as if a repair were saved."""

from dataclasses import replace
from datetime import UTC, datetime

from search.engine.reader import Reader
from search.index.snapshot import Snapshot, View
from search.query.presets import Preset
from search.query.remapping import RemappedSteering
from search.query.repairs import Repair, rows_of
from search.query.steering import UNSTEERED, FeatureTarget, Knob, Steering

PRESET = "repairs"
"""Where a collection has no default preset, knobs make one of this name."""


def with_repair(reader: Reader, repair: Repair) -> Reader:
    """Gives a reader of the same snapshot with a repair more, which was checked."""
    snapshot = reader.snapshot
    if repair.kind == "knob":
        name, preset = default_preset(snapshot)
        turned = turned_by(preset, repair)
        made = _preset(name, preset, turned, snapshot.dictionary_id)
        presets = {**{key: replace(each, is_default=False) for key, each in snapshot.presets.items()}}
        return replace(reader, snapshot=replace(snapshot, presets={**presets, name: made}))
    named = {repair.document} if repair.document else set()
    saved = snapshot.saved_repairs.with_one(repair, rows_of(reader.session, snapshot.collection_id, named))
    return replace(reader, snapshot=replace(snapshot, saved_repairs=saved, view=View()))


def default_preset(snapshot: Snapshot) -> tuple[str, Preset | None]:
    """Names the preset that knobs of repairs go into: the default one, else one for repairs."""
    default = next((preset for preset in snapshot.presets.values() if preset.is_default), None)
    return (default.name, default) if default else (PRESET, snapshot.presets.get(PRESET))


def turned_by(preset: Preset | None, repair: Repair) -> Steering:
    """Gives the steering of a preset with the knob of a repair."""
    assert repair.feature is not None
    assert repair.strength is not None
    before = UNSTEERED if preset is None else preset.translation.steering
    return before.with_knob(Knob(repair.strength, FeatureTarget(repair.feature)))


def _preset(name: str, preset: Preset | None, steering: Steering, dictionary: int) -> Preset:
    if preset is None:
        translation = RemappedSteering(steering, dictionary)
        return Preset(name, "", True, translation, datetime.now(UTC))
    return replace(preset, is_default=True, translation=replace(preset.translation, steering=steering))
