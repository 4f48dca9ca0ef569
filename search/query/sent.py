"""What clients send as JSON: fields that are known and no others, lists of a bounded length, and each mistake
told once, however often it is made."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, FailFast, Field, model_validator
from pydantic_core import PydanticCustomError

MAX_ITEMS = 1000
"""Items of a list; what there may be fewer of is told by who reads it."""

MAX_FIELDS = 100
"""Fields of an object: a schema has far fewer."""

Item = TypeVar("Item")

Listed = Annotated[list[Item], FailFast(), Field(max_length=MAX_ITEMS)]
"""A list of which the first mistake is told and no more."""


class Sent(BaseModel):
    """An object with these fields and no others."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _has_few_fields(cls, given: Any) -> Any:
        """Counts first: of each unknown field an error is made."""
        if isinstance(given, dict) and len(given) > MAX_FIELDS:
            known = ", ".join(cls.model_fields)
            raise PydanticCustomError("too_many_fields", "The fields are {known}", {"known": known})
        return given
