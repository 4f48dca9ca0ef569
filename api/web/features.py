"""These pages show features."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.auth.callers import SignedIn
from api.auth.scopes import reaches
from api.dependencies import CollectionDep, EngineDep
from api.views.examples import spread_out
from api.views.map_chart import SCALES, MapChart, draw
from api.views.page_state import PageState, page_state
from api.views.rendering import Page, render
from api.web.live_state import in_live_numbers
from search.browse.collections import CollectionName, collection_names
from search.browse.concepts import concept_detail, find_concepts
from search.browse.feature_map import feature_map
from search.browse.features import feature_detail, feature_summary, find_features
from search.errors import FeatureNotFound
from search.query.limits import MAX_LIMIT
from search.responses.features import ConceptSummary, Example, FeatureDetail, FeatureList, FeatureSummary
from search.responses.search import LostKnob

router = APIRouter(include_in_schema=False)

LISTED = 24
TOPICS = 12
EXAMPLES = 6


@dataclass(frozen=True)
class FeaturesPage(Page):
    """Shows features `found`, those of a `family` if one is asked for, and families near the question."""

    template = "features.html"
    blocks = ("title", "list", "changed")

    state: PageState
    known: list[CollectionName]
    here: str
    lost: Sequence[LostKnob]
    family: ConceptSummary | None
    concepts: list[ConceptSummary]
    found: FeatureList


@dataclass(frozen=True)
class MapPage(Page):
    """Shows the map of features beside a list of those that are `found`, of those of a `family` if one is
    asked for, or of the most distinctive ones; and what the one is that was `chosen`. `address` is the query
    that a dot's own number follows."""

    template = "map.html"
    blocks = ("list", "changed")

    state: PageState
    known: list[CollectionName]
    here: str
    lost: Sequence[LostKnob]
    chart: MapChart
    scales: Sequence[float]
    address: str
    chosen: FeatureSummary | None
    family: ConceptSummary | None
    concepts: list[ConceptSummary]
    found: FeatureList


@dataclass(frozen=True)
class FeaturePage(Page):
    """Shows one feature: of its examples some `first`, and `more` when asked. `may_edit`: whoever looks may
    write its label."""

    template = "feature.html"

    state: PageState
    detail: FeatureDetail
    first: list[Example]
    more: list[Example]
    lost: Sequence[LostKnob]
    may_edit: bool


@router.get("/features")
def features_page(request: Request, engine: EngineDep, collection: CollectionDep) -> Response:
    """Shows features by their label or by a text that fires them, or those of `?family=`; without a question
    the most frequent ones."""
    number = request.query_params.get("family", "")
    with engine.reader(collection) as reader:
        state, remapped = in_live_numbers(reader, _state(request, collection, limit=LISTED))
        family = concept_detail(reader, read_number(number, "family")) if number else None
        found = find_features(
            reader,
            state.q,
            family=family.family if family else None,
            limit=MAX_LIMIT if family else state.limit,
            offset=state.offset,
        )
        page = FeaturesPage(
            state=state,
            known=collection_names(reader.session, reader.rights),
            here=collection,
            lost=remapped.lost,
            family=family,
            concepts=find_concepts(reader, state.q, limit=TOPICS).concepts,
            found=found,
        )
    return render(request, page)


@router.get("/features/map")
def map_page(request: Request, engine: EngineDep, collection: CollectionDep) -> Response:
    """Shows the features of a collection on a map: `?q=` marks those found, `?family=` goes nearer to a
    family, `?feature=` says what one is."""
    family_number, chosen_number = (request.query_params.get(name, "") for name in ("family", "feature"))
    with engine.reader(collection) as reader:
        state, remapped = in_live_numbers(reader, _state(request, collection))
        family = concept_detail(reader, read_number(family_number, "family")) if family_number else None
        chosen = feature_summary(reader, read_number(chosen_number)) if chosen_number else None
        found = find_features(
            reader,
            state.q,
            family=family.family if family else None,
            limit=MAX_LIMIT if family else LISTED,
            offset=state.offset,
        )
        address = urlsplit(state.map_url(feature=0)).query.removesuffix("0")
        page = MapPage(
            state=state,
            known=collection_names(reader.session, reader.rights),
            here=collection,
            lost=remapped.lost,
            chart=draw(
                feature_map(reader), address, [part.feature for part in family.features] if family else ()
            ),
            scales=SCALES,
            address=address,
            chosen=chosen,
            family=family,
            concepts=find_concepts(reader, state.q, limit=TOPICS).concepts,
            found=found,
        )
    return render(request, page)


@router.get("/features/{number}")
def feature_page(
    number: str, request: Request, engine: EngineDep, collection: CollectionDep, caller: SignedIn
) -> Response:
    """Shows one feature: what it is, where it fires, what is near it; for an admin, a form to edit its
    label."""
    with engine.reader(collection) as reader:
        state, remapped = in_live_numbers(reader, _state(request, collection))
        detail = feature_detail(reader, read_number(number))
    may_edit = caller is not None and reaches(caller.scope, "admin")
    first, more = spread_out(detail.examples, EXAMPLES)
    page = FeaturePage(
        state=state, detail=detail, first=first, more=more, lost=remapped.lost, may_edit=may_edit
    )
    return render(request, page)


def _state(request: Request, collection: str, *, limit: int | None = None) -> PageState:
    """Reads the address's state with the collection filled in."""
    state = page_state(request.query_params, collection)
    if limit is not None and "limit" not in request.query_params:
        return replace(state, limit=limit)
    return state


def read_number(text: str, what: str = "feature") -> int:
    """Reads a feature's or a family's number from an address.

    Raises:
        FeatureNotFound: it is none.
    """
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    raise FeatureNotFound(
        f"There is no {what} {text[:40]!r}.", hint="They have numbers; look for one by its label."
    )
