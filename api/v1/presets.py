"""Presets by the JSON API: reading them is open like a search, writing takes a key of scope write."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from api.auth.guards import require
from api.dependencies import CollectionDep, EngineDep
from api.v1.schemas import OF_DICTIONARY, KnobIn, errors
from indexer.presets.file_format import PresetFile, export_preset, file_name
from indexer.presets.importer import ImportedPreset, import_preset
from indexer.presets.store import delete_preset, get_preset, list_presets, save_preset
from search.query.presets import MAX_DESCRIPTION
from search.query.sent import Listed, Sent
from search.query.steering import Steering
from search.responses.collections import PresetInfo

WRITING = [Depends(require("write"))]

router = APIRouter(prefix="/v1/presets", responses=errors(400, 401, 403, 404, 413, 503), tags=["presets"])


class PresetIn(Sent):
    """What a preset turns."""

    steer: Listed[KnobIn]
    dictionary: int | None = Field(default=None, description=OF_DICTIONARY)
    description: str = Field(default="", description=f"One line of at most {MAX_DESCRIPTION} characters")
    default: bool | None = Field(
        default=None,
        description="Whether it steers searches that name neither a preset nor steering; null: as it was",
    )


class DeletedPreset(BaseModel):
    deleted: str


@router.get("")
def get_presets(engine: EngineDep, collection: CollectionDep) -> list[PresetInfo]:
    """A collection's presets by name, as they steer now."""
    with engine.reader(collection) as reader:
        return list_presets(reader)


@router.post("/import", dependencies=WRITING)
def post_import(
    engine: EngineDep,
    collection: CollectionDep,
    body: PresetFile,
    name: Annotated[str, Query(description="Another name than that of the file")] = "",
) -> ImportedPreset:
    """Takes in a file that another collection exported; says which of its knobs were found here, how surely,
    and which were not."""
    return import_preset(engine, collection, body, name=name or None)


@router.get("/{name}")
def get_one_preset(engine: EngineDep, collection: CollectionDep, name: str) -> PresetInfo:
    """One preset, as it steers now."""
    with engine.reader(collection) as reader:
        return get_preset(reader, name)


@router.put("/{name}", dependencies=WRITING)
def put_preset(engine: EngineDep, collection: CollectionDep, name: str, body: PresetIn) -> PresetInfo:
    """Saves steering under a name; a preset of that name is replaced."""
    return save_preset(
        engine,
        collection,
        name,
        Steering(tuple(knob.knob() for knob in body.steer)),
        dictionary=body.dictionary,
        description=body.description,
        default=body.default,
    )


@router.delete("/{name}", dependencies=WRITING)
def delete_one_preset(engine: EngineDep, collection: CollectionDep, name: str) -> DeletedPreset:
    """Deletes a preset."""
    delete_preset(engine, collection, name)
    return DeletedPreset(deleted=name)


@router.get("/{name}/file", response_model_exclude_defaults=True)
def get_preset_file(
    engine: EngineDep, collection: CollectionDep, name: str, response: Response
) -> PresetFile:
    """The preset as a file that can be imported elsewhere."""
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name(name)}"'
    with engine.reader(collection) as reader:
        return export_preset(reader, name)
