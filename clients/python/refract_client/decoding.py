"""Records are made of JSON: fields that they do not know are left out."""

import dataclasses
import functools
from datetime import datetime
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


def decode(kind: Any, value: Any) -> Any:
    """Makes a value of this type out of JSON. What is no record, list or time stays as it is.

    Raises:
        TypeError, ValueError, AttributeError: it has not the form of that type.
    """
    if value is None:
        return None
    if get_origin(kind) in (Union, UnionType):
        known = [each for each in get_args(kind) if _is_made(each)]
        return decode(known[0], value) if known else value
    if get_origin(kind) is list:
        (entry,) = get_args(kind)
        return [decode(entry, each) for each in value] if _is_made(entry) else value
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        types = _types(kind)
        return kind(**{name: decode(types[name], part) for name, part in value.items() if name in types})
    return datetime.fromisoformat(value) if kind is datetime else value


def _is_made(kind: Any) -> bool:
    return kind is datetime or dataclasses.is_dataclass(kind) or get_origin(kind) is list


@functools.cache
def _types(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
