"""Describes collections and their presets to the outside."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from search.responses.search import LostKnob, SteeringTerm
from search.responses.stored import StoredJson


class Progress(StoredJson):
    """Says where a build is: `done` of `total` in a step, by so many `workers`; seconds left are None until a
    rate is known. Before the first step it is empty."""

    step: str = ""
    done: int = 0
    total: int = 0
    rate: float | None = None
    seconds_left: float | None = None
    workers: int = 1


class Explained(StoredJson):
    """Says what explanations account for: shares of the score of each question's first results, summed over
    questions. `carried` + `baseline` + `remainder` = 1; `shared` is the part of `carried` whose features are
    active in the result, too; `ordered` the share of pairs among the first ten that feature terms alone put
    in the order of the scores."""

    carried: float = 0.0
    shared: float = 0.0
    baseline: float = 0.0
    remainder: float = 0.0
    ordered: float = 0.0


class Scorecard(StoredJson):
    """Says how good a dictionary is on some `rows`: how many `names`, of them the collection's `own`; how
    many are near a row (`l0`); the share that no row is near (`dead`); the variance that the nearest names
    leave unexplained when they are fitted together (`fvu`). `names` is None if that was not measured."""

    rows: int = 0
    names: int | None = None
    own: int = 0
    fvu: float = 0.0
    l0: float = 0.0
    dead: float = 0.0
    explained: Explained | None = None


@dataclass(frozen=True)
class CollectionInfo:
    """Describes a collection, which is "live" (searchable), "building" (its first index is under way) or
    "empty". `title` is what people read instead of its name, empty where it has none. `default`: requests
    that name none go there. A `private` one is there only for those who send a key or are signed in."""

    name: str
    state: Literal["live", "building", "empty"]
    documents: int
    passages: int
    generation: int | None = None
    progress: Progress | None = None
    scorecard: Scorecard | None = None
    title: str = ""
    description: str = ""
    default: bool = False
    private: bool = False


@dataclass(frozen=True)
class PresetInfo:
    """Describes a preset as it steers now: its knobs as text (`steer`) and one by one, numbered in
    `dictionary`, the live one; `steering_lost` is what of it means nothing any more. `default`: searches that
    name neither a preset nor steering are steered by it."""

    name: str
    description: str
    collection: str
    default: bool
    dictionary: int
    steer: str
    steering: list[SteeringTerm]
    steering_lost: list[LostKnob]
    updated_at: datetime
