"""Stored JSON documents are kept, and given out, as they are."""

from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class StoredJson(BaseModel):
    """Holds a JSON document that is written as it was given.

    Other versions' documents are read as well: what is missing has its default and is not written, what is
    unknown stays. So a document of an earlier version goes through this one unchanged.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    @model_serializer(mode="wrap")
    def _as_given(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = serialize(self)
        return {name: value for name, value in written.items() if name in self.model_fields_set}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describes the fields, none of them required, which the serializer would hide."""
        fields: Any = {name: part for name, part in schema.items() if name != "serialization"}
        return handler(fields)
