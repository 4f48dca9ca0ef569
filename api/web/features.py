"""These pages show features."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.auth.callers import SignedIn
from api.auth.scopes import reaches
from api.dependencies import CollectionDep, EngineDep
from api.views.page_state import PageState, page_state
from api.views.rendering import Page, render
from api.web.live_state import in_live_numbers
from search.browse.collections import CollectionName, collection_names
from search.browse.concepts import concept_detail, find_concepts
from search.browse.features import feature_detail, find_features
from search.errors import FeatureNotFound
from search.query.limits import MAX_LIMIT
from search.responses.features import ConceptSummary, FeatureDetail, FeatureList
from search.responses.search import LostKnob

router = APIRouter(include_in_schema=False)

LISTED = 24
TOPICS = 12


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
class FeaturePage(Page):
    """Shows one feature. `may_edit`: whoever looks may write its label."""

    template = "feature.html"

    state: PageState
    detail: FeatureDetail
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
    return render(request, FeaturePage(state=state, detail=detail, lost=remapped.lost, may_edit=may_edit))


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
