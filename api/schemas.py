"""What clients send, and the one envelope of every error. (What they get is in `search.results`.)"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from search.requests import MAX_LIMIT, MAX_QUERY
from search.steering import MAX_STRENGTH, Knob, Steering


class KnobIn(BaseModel):
    """One knob: a feature or a concept, and how strongly it is turned ("off" takes a feature out)."""

    model_config = ConfigDict(extra="forbid")

    strength: float | Literal["off"] = Field(description=f"-{MAX_STRENGTH:g} to {MAX_STRENGTH:g}, or off")
    feature: int | None = None
    concept: str | None = None


class SearchIn(BaseModel):
    """A search as JSON."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field(description=f"The question, at most {MAX_QUERY} characters")
    steer: list[KnobIn] = []
    mode: str = "semantic"
    collection: str = ""
    limit: int = Field(default=10, description=f"1 to {MAX_LIMIT}")
    offset: int = 0

    def steering(self) -> Steering:
        """The knobs as the engine takes them.

        Raises:
            InvalidSteering: a knob is not one feature or concept, or its strength is out of range.
        """
        return Steering(tuple(Knob(knob.strength, knob.feature, knob.concept) for knob in self.steer))


class ErrorBody(BaseModel):
    code: str = Field(description="A word that stays the same from version to version")
    message: str = Field(description="What is wrong, naming the value")
    hint: str = Field(description="What to do about it")


class ErrorEnvelope(BaseModel):
    """Every error looks like this."""

    error: ErrorBody
