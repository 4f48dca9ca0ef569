"""Presets on the pages are listed beside a search, saved there, and looked after by an admin."""

from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.datastructures import QueryParams
from starlette.responses import Response

from api.auth.guards import AdminForm, WriterForm
from api.dependencies import CollectionDep, EngineDep
from api.middleware.proxy import at
from api.views.page_state import PageState, page_state, read_state
from api.views.rendering import Page, render
from api.web.live_state import preset_spelled_out
from api.web.login import local_path
from indexer.presets.file_format import read_preset_file
from indexer.presets.importer import ImportedPreset, import_preset
from indexer.presets.store import delete_preset, list_presets, save_preset, set_default_preset
from search.engine.reader import Reader
from search.query.steering import Steering, parse
from search.responses.collections import PresetInfo

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class PresetLink:
    """Links a preset beside a search: the search steered by it and nothing else, and whether that is this
    one."""

    info: PresetInfo
    url: str
    current: bool


@dataclass(frozen=True)
class ImportedPage(Page):
    """Shows what was taken in from a preset's file into the collection `name`; `here` are labels by
    target."""

    template = "preset_imported.html"

    taken: ImportedPreset
    name: str
    here: dict[str, str]


@dataclass(frozen=True)
class PresetsPage(Page):
    """Shows the presets of a collection with what they turn, and a way to search with each."""

    template = "presets.html"

    state: PageState
    here: str
    links: list[PresetLink]


def preset_links(reader: Reader, state: PageState) -> list[PresetLink]:
    """Lists the presets of the reader's collection, for a search in live numbers."""
    links = []
    for info in list_presets(reader):
        steering = parse(info.steer)
        url = state.url(steering=steering, offset=0, find="")
        links.append(PresetLink(info, url, _same(steering, state.steering)))
    return links


@router.get("/presets")
def presets_page(request: Request, engine: EngineDep, collection: CollectionDep) -> Response:
    """Lists the presets of a collection; links keep the question."""
    with engine.reader(collection) as reader:
        state, _ = preset_spelled_out(reader, page_state(request.query_params, collection))
        page = PresetsPage(state=state, here=reader.collection, links=preset_links(reader, state))
    return render(request, page)


@router.post("/presets")
def post_preset(engine: EngineDep, form: WriterForm) -> Response:
    """Saves the steering of the search page that the form is on, and goes back there."""
    state = read_state(QueryParams(form.multi_items()))
    save_preset(
        engine,
        engine.chosen(state.collection),
        form.get("as", ""),
        state.steering,
        dictionary=state.dictionary,
        description=form.get("description", ""),
        default=True if "default" in form else None,
    )
    return RedirectResponse(local_path(form.get("back", ""), at("/")), status_code=303)


@router.post("/admin/collections/{name}/presets")
def post_change(name: str, request: Request, engine: EngineDep, form: AdminForm) -> Response:
    """Deletes a preset, makes it the default one or not any more, or takes in a file and says what of it was
    found."""
    if "file" in form:
        file = read_preset_file(form["file"])
        taken = import_preset(engine, name, file, name=form.get("as", "").strip() or None)
        here = {
            knob: term.label for knob, term in zip(_targets(taken.preset), taken.preset.steering, strict=True)
        }
        return render(request, ImportedPage(taken=taken, name=name, here=here))
    if "delete" in form:
        delete_preset(engine, name, form["delete"])
    else:
        set_default_preset(engine, name, form.get("default") or None)
    return RedirectResponse(at(f"/admin/collections/{quote(name)}#presets"), status_code=303)


def _targets(info: PresetInfo) -> list[str]:
    return [str(knob.target) for knob in parse(info.steer).knobs]


def _same(one: Steering, other: Steering) -> bool:
    """Tells whether the same is turned as far, in whatever order."""
    return {knob.target: knob.strength for knob in one.knobs} == {
        knob.target: knob.strength for knob in other.knobs
    }
