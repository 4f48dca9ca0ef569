"""What the engine says about collections and their presets."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from search.responses.search import LostKnob, SteeringTerm


@dataclass(frozen=True)
class Progress:
    """Where a build is: `done` of `total` in a step; seconds left are None until a rate is known."""

    step: str
    done: int
    total: int
    rate: float | None
    seconds_left: float | None


@dataclass(frozen=True)
class CollectionInfo:
    """A collection: "live" (searchable), "building" (its first index is under way) or "empty"."""

    name: str
    state: Literal["live", "building", "empty"]
    documents: int
    passages: int
    generation: int | None = None
    progress: Progress | None = None
    scorecard: dict[str, Any] | None = None
    description: str = ""


@dataclass(frozen=True)
class PresetInfo:
    """A preset as it steers now: its knobs as text (`steer`) and one by one, numbered in `dictionary`, the
    live one; `steering_lost` is what of it means nothing any more. `default`: searches that name neither a
    preset nor steering are steered by it."""

    name: str
    description: str
    collection: str
    default: bool
    dictionary: int
    steer: str
    steering: list[SteeringTerm]
    steering_lost: list[LostKnob]
    updated_at: datetime
