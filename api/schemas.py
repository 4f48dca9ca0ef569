"""What clients send, and the one envelope of every error. (What they get is in `search.results`.)"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from search.requests import MAX_LIMIT, MAX_QUERY, USUAL_MODE, WAYS
from search.steering import MAX_STRENGTH, Knob, Steering

OF_DICTIONARY = "The dictionary that `steer` takes its numbers of features from, where not the live one"

OF_PRESET = (
    "Name of a preset, whose knobs are turned too; those of `steer` go before them. Without it and without "
    "`steer` the collection's default preset is taken, if it has one; none: no preset"
)


class KnobIn(BaseModel):
    """One knob: a feature or a concept (a phrase, a family, documents), and how strongly it is turned ("off"
    takes a feature out)."""

    model_config = ConfigDict(extra="forbid")

    strength: float | Literal["off"] = Field(description=f"-{MAX_STRENGTH:g} to {MAX_STRENGTH:g}, or off")
    feature: int | None = None
    concept: str | None = Field(default=None, description="A phrase")
    family: int | None = Field(default=None, description="A family of features, see /v1/concepts")
    like: list[str] = Field(default=[], description="Documents by id: more like these")
    unlike: list[str] = Field(default=[], description="With `like`: not like these")

    def knob(self) -> Knob:
        """As the engine takes it.

        Raises:
            InvalidSteering: not one feature or concept, or its strength is out of range.
        """
        return Knob(
            self.strength, self.feature, self.concept, self.family, tuple(self.like), tuple(self.unlike)
        )


class SearchIn(BaseModel):
    """A search as JSON."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field(description=f"The question, at most {MAX_QUERY} characters")
    steer: list[KnobIn] = []
    dictionary: int | None = Field(default=None, description=OF_DICTIONARY)
    preset: str = Field(default="", description=OF_PRESET)
    mode: str = Field(default=USUAL_MODE, description=WAYS)
    collection: str = ""
    limit: int = Field(default=10, description=f"1 to {MAX_LIMIT}")
    offset: int = 0

    def steering(self) -> Steering:
        """The knobs as the engine takes them.

        Raises:
            InvalidSteering: a knob is not one feature or concept, or its strength is out of range.
        """
        return Steering(tuple(knob.knob() for knob in self.steer))


class RefineIn(BaseModel):
    """Documents one likes, and others."""

    model_config = ConfigDict(extra="forbid")

    like: list[str] = Field(description="Documents by id, as results carry it")
    unlike: list[str] = Field(default=[], description="Without these, liked ones are compared with others")
    q: str = Field(default="", description="A question, to compare with its answers instead of all passages")
    collection: str = ""


class ErrorBody(BaseModel):
    code: str = Field(description="A word that stays the same from version to version")
    message: str = Field(description="What is wrong, naming the value")
    hint: str = Field(description="What to do about it")


class ErrorEnvelope(BaseModel):
    """Every error looks like this."""

    error: ErrorBody


MEANINGS = {
    400: "The request's own words are wrong",
    401: "A key is needed, and there is none that holds",
    403: "The key's scope does not reach this far",
    404: "There is no such collection, document, feature, preset, generation or job",
    409: "Something else is at it",
    413: "The request is too large",
    503: "Nothing is indexed yet, or the database does not answer",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the API's description says of these statuses."""
    return {status: {"model": ErrorEnvelope, "description": MEANINGS[status]} for status in statuses}
