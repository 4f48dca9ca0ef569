"""A column of JSON holds a pydantic model."""

from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy import Dialect, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB

Model = TypeVar("Model", bound=BaseModel)


class JsonColumn(TypeDecorator[Model], Generic[Model]):
    """Keeps a model as JSON, validated where it is read; SQL asks for its parts by name."""

    impl = JSONB
    cache_ok = True

    def __init__(self, model: type[Model]) -> None:
        super().__init__()
        self.model = model

    def process_bind_param(self, value: Model | None, _: Dialect) -> dict[str, Any] | None:
        return None if value is None else value.model_dump(mode="json")

    def process_result_value(self, value: dict[str, Any] | None, _: Dialect) -> Model | None:
        return None if value is None else self.model.model_validate(value)
