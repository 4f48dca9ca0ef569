"""This page shows a document."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.dependencies import CollectionDep, EngineDep
from api.views import charts, document_map
from api.views.excerpts import Stretch
from api.views.page_state import PageState, page_state
from api.views.reading import Reading
from api.views.rendering import Page, render
from api.web.features import read_number
from api.web.live_state import in_live_numbers
from search.browse.documents import document_detail, standing_of
from search.engine.reader import Reader
from search.errors import InvalidFilter, InvalidQuery
from search.explain.word_attribution import document_words, name_features
from search.query.request import SearchRequest
from search.responses.documents import DocumentDetail, Standing
from search.responses.search import LostKnob
from search.responses.words import DocumentWords, NamedFeature

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class DocumentPage(Page):
    """Shows a document in `parts`, a passage each or a gap between; `shown` are the blocks of each part with
    its words lit, and `later` the passages whose words are asked for when they are scrolled to. `place` is
    that among the results of the question."""

    template = "document.html"

    state: PageState
    document: DocumentDetail
    features: list[int]
    tracks: list[document_map.Track]
    parts: list[charts.Stretch]
    lost: Sequence[LostKnob]
    later: set[int]
    shown: list[list[Stretch]]
    place: Standing | None


@dataclass(frozen=True)
class PassagePage(DocumentPage):
    """Shows one passage of the document, which `parts` then is."""

    blocks = ("passages",)


@router.get("/document")
@router.get("/documents/{document_id:any}")
def document_page(
    document_id: str, request: Request, engine: EngineDep, collection: CollectionDep
) -> Response:
    """Shows a whole document, with the words lit that made the first `?feature=` fire or match the question,
    and every feature as a track of its map; or to htmx one passage."""
    numbers = [read_number(asked) for asked in request.query_params.getlist("feature") if asked]
    one = read_number(asked, "passage") if (asked := request.query_params.get("passage")) else None
    lights = bool(numbers) or bool(request.query_params.get("q", "").strip())
    with engine.reader(collection, dear=lights) as reader:
        state, remapped = in_live_numbers(reader, page_state(request.query_params, collection))
        document = document_detail(reader, document_id)
        features = name_features(reader.snapshot, numbers)
        parts = charts.stretches(document, features)
        lighting = document_map.to_light(parts, feature=bool(features)) if lights else []
        wanted = lighting[: document_map.AT_ONCE] if one is None else [one]
        words = _words(reader, document_id, state, features, wanted)
        place = _place(reader, document_id, state) if one is None and state.q.strip() else None
    tracks = document_map.tracks(document.id, state, features, parts)
    parts = parts if one is None else [part for part in parts if part.passage == one]
    reading = Reading.of(document.text)
    page = (DocumentPage if one is None else PassagePage)(
        state=state,
        document=document,
        features=[feature.feature for feature in features],
        tracks=tracks,
        parts=parts,
        lost=remapped.lost,
        later=set(lighting) - set(wanted),
        shown=[reading.between(part.start, part.end, document_map.marks_of(part, words)) for part in parts],
        place=place,
    )
    return render(request, page)


def _place(reader: Reader, document_id: str, state: PageState) -> Standing | None:
    """Finds the document's place among the results; of a question that cannot be asked there are none."""
    try:
        return standing_of(reader, state.request(), document_id)
    except (InvalidQuery, InvalidFilter):
        return None


def _words(
    reader: Reader,
    document_id: str,
    state: PageState,
    features: list[NamedFeature],
    passages: list[int],
) -> DocumentWords | None:
    """Finds the words of some passages for the first feature or, without one, for the question."""
    if not passages:
        return None
    request = SearchRequest("" if features else state.q, state.steering)
    lit = [feature.feature for feature in features[:1]]
    return document_words(reader, document_id, request, features=lit, passages=passages)
