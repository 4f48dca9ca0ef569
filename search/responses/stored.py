"""JSON documents that are stored and given out as they are."""

from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


class StoredJson(BaseModel):
    """A JSON document that is written as it was given.

    Other versions' documents are read as well: what is missing has its default and is not written, what is
    unknown stays. So a document of an earlier version goes through this one unchanged.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    @model_serializer(mode="wrap")
    def _as_given(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = serialize(self)
        return {name: value for name, value in written.items() if name in self.model_fields_set}
