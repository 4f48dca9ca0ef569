"""Clients send these records, and get the one envelope of every error. (What else they get is in
`search.responses`.)"""

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.v1 import examples
from search.errors import InvalidFilter
from search.explain.analyze import MAX_ANALYSED
from search.explain.editing import MAX_EDITED
from search.presentation.facets import MOST_LISTED, SHOWN_VALUES
from search.query.filters import FORM as FILTER_FORM
from search.query.filters import bounded, checked, parse_filter
from search.query.limits import MAX_LIMIT, MAX_QUERY, USUAL_MODE, WAYS
from search.query.parser import Condition
from search.query.request import SearchRequest
from search.query.sent import Listed, Sent
from search.query.steering import MAX_STRENGTH, Knob, Steering, target_of

OF_DICTIONARY = "The dictionary that features of steering and filters are numbered in, where not the live one"
FACETS = "Count what the answers can be narrowed down to"
VALUES_OF = f"Fields of which facets list up to {MOST_LISTED} values, not {SHOWN_VALUES}"
AS_TYPED = (
    "Search for the question as it is, though none of its words is anywhere and others are near to them"
)
COLLAPSE = "Show results whose passages say the same once; the others are the `copies` of that one"
MIN_SCORE = "Leave out what scores less"

OF_PRESET = (
    "Name of a preset, whose knobs are turned too; those of `steer` go before them. Without it and without "
    "`steer` the collection's default preset is taken, if it has one; none: no preset"
)


class KnobIn(Sent):
    """One knob: a feature or a concept (a phrase, a family, documents), and how strongly it is turned ("off"
    takes a feature out)."""

    strength: float | Literal["off"] = Field(description=f"-{MAX_STRENGTH:g} to {MAX_STRENGTH:g}, or off")
    feature: int | None = None
    concept: str | None = Field(default=None, description="A phrase")
    family: int | None = Field(default=None, description="A family of features, see /v1/concepts")
    like: Listed[str] = Field(default=[], description="Documents by id: more like these")
    unlike: Listed[str] = Field(default=[], description="With `like`: not like these")

    def knob(self) -> Knob:
        """Makes the engine's knob.

        Raises:
            InvalidSteering: not one feature or concept, or its strength is out of range.
        """
        return Knob(self.strength, target_of(self))


class FilterIn(Sent):
    """What the results must be, or (`without`) must not be: a field that is one of some values, or lies
    between two; or a feature that fires on the passage. (The text form will do as well.)"""

    field: str | None = Field(default=None, description="A field of the metadata, or title")
    values: Listed[str | int | float | bool] = Field(default=[])
    least: str | int | float | None = None
    most: str | int | float | None = None
    feature: int | None = Field(default=None, ge=0)
    without: bool = False

    def condition(self) -> Condition:
        """Makes the engine's condition.

        Raises:
            InvalidFilter: not one thing to filter by, or nothing to compare it with.
        """
        if (self.field is None) == (self.feature is None):
            raise InvalidFilter("A filter is on one field or one feature.", hint=FILTER_FORM)
        return checked(
            Condition(
                self.field or "",
                tuple(map(_text, self.values)),
                _text(self.least),
                _text(self.most),
                negated=self.without,
                feature=self.feature,
            )
        )


def _text(value: str | float | bool | None) -> str:
    """Writes a value as filters write it."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


class SearchIn(Sent):
    """A search as JSON."""

    model_config = ConfigDict(json_schema_extra={"examples": examples.SEARCHES})

    q: str = Field(description=f"The question, at most {MAX_QUERY} characters")
    steer: Listed[KnobIn] = Field(default=[])
    dictionary: int | None = Field(default=None, description=OF_DICTIONARY)
    preset: str = Field(default="", description=OF_PRESET)
    mode: str = Field(default=USUAL_MODE, description=WAYS)
    filter: Listed[FilterIn | str] = Field(default=[], description=FILTER_FORM)
    as_typed: bool = Field(default=False, description=AS_TYPED)
    facets: bool = Field(default=False, description=FACETS)
    values_of: Listed[str] = Field(default=[], description=VALUES_OF)
    collapse: bool = Field(default=True, description=COLLAPSE)
    min_score: float | None = Field(default=None, allow_inf_nan=False, description=MIN_SCORE)
    collection: str = ""
    limit: int = Field(default=10, description=f"1 to {MAX_LIMIT}")
    offset: int = 0

    def steering(self) -> Steering:
        """Makes the engine's steering of the knobs.

        Raises:
            InvalidSteering: a knob is not one feature or concept, or its strength is out of range.
        """
        return Steering(tuple(knob.knob() for knob in self.steer))

    def request(self) -> SearchRequest:
        """Makes the engine's request.

        Raises:
            InvalidSteering: a knob is not one feature or concept, or its strength is out of range.
            InvalidFilter: a filter is not of its form, or there are too many.
        """
        given = (parse_filter(each) if isinstance(each, str) else each.condition() for each in self.filter)
        return SearchRequest(
            query=self.q,
            steering=self.steering(),
            dictionary=self.dictionary,
            preset=self.preset or None,
            mode=self.mode,
            filters=bounded(given),
            as_typed=self.as_typed,
        )


class AnalyzeIn(Sent):
    """A text to analyse."""

    model_config = ConfigDict(json_schema_extra={"examples": examples.ANALYSES})

    text: str = Field(description=f"The first {MAX_ANALYSED:,} characters are analysed")
    collection: str = ""
    limit: int = Field(default=20, description=f"How many features of the whole text: 1 to {MAX_LIMIT}")


class EditIn(Sent):
    """A text to be rewritten along a feature."""

    text: str = Field(description=f"At most {MAX_EDITED:,} characters")
    feature: int = Field(description="The feature there should be more or less of, by its number")
    way: Literal["more", "less"] = Field(description="Which of both")
    collection: str = ""


class RefineIn(Sent):
    """Documents one likes, and others."""

    model_config = ConfigDict(json_schema_extra={"examples": examples.REFINEMENTS})

    like: Listed[str] = Field(description="Documents by id, as results carry it")
    unlike: Listed[str] = Field(default=[], description="Without these, liked ones are compared with others")
    q: str = Field(default="", description="A question, to compare with its answers instead of all passages")
    collection: str = ""


class ErrorBody(BaseModel):
    code: str = Field(description="A word that stays the same from version to version")
    message: str = Field(description="What is wrong, naming the value")
    hint: str = Field(description="What to do about it")
    request_id: str | None = Field(
        default=None, description="The request's id, as in the header X-Request-Id and in the server's log"
    )


class ErrorEnvelope(BaseModel):
    """Every error looks like this."""

    model_config = ConfigDict(json_schema_extra={"examples": examples.ERRORS})

    error: ErrorBody


MEANINGS = {
    400: "The request's own words are wrong",
    401: "A key is needed, and there is none that holds",
    403: "The key's scope does not reach this far",
    404: "There is no such collection, document, feature, preset, generation, job or webhook",
    409: "Something else is at it",
    408: "The body of the request did not come in time",
    413: "The request is too large",
    429: "This key or address has asked for too much; Retry-After says when it may again",
    503: "Nothing is indexed yet, the database does not answer, an answer would take too long, or too many "
    "wait (then Retry-After says when to ask again)",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describes the errors of these statuses for the API's description."""
    return {status: {"model": ErrorEnvelope, "description": MEANINGS[status]} for status in statuses}
