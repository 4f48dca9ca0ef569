"""The JSON API."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from api.deps import CollectionDep, EngineDep
from api.schemas import OF_DICTIONARY, OF_PRESET, RefineIn, SearchIn, errors
from search import catalog, concept_list, features
from search.descriptions import (
    CollectionInfo,
    ConceptList,
    DocumentDetail,
    FeatureDetail,
    FeatureList,
    Refinement,
)
from search.refining import refine
from search.requests import MAX_LIMIT, MAX_QUERY, USUAL_MODE, WAYS
from search.results import SearchResponse
from search.steering import FORM, parse

router = APIRouter(prefix="/v1", responses=errors(400, 401, 403, 404, 503), tags=["v1"])

Limit = Annotated[int, Query(description=f"1 to {MAX_LIMIT}")]
Offset = Annotated[int, Query(description="How many to skip")]


@router.get("/search")
def search(
    engine: EngineDep,
    collection: CollectionDep,
    q: Annotated[str, Query(description=f"The question, at most {MAX_QUERY} characters")],
    steer: Annotated[str, Query(description=FORM)] = "",
    dictionary: Annotated[int | None, Query(description=OF_DICTIONARY)] = None,
    preset: Annotated[str, Query(description=OF_PRESET)] = "",
    mode: Annotated[str, Query(description=WAYS)] = USUAL_MODE,
    limit: Limit = 10,
    offset: Offset = 0,
) -> SearchResponse:
    """The documents nearest to a steered question. The values of a result's terms sum to its score.

    Steering saved with an earlier dictionary is carried over where its features have counterparts.
    """
    return engine.search(
        q,
        steering=parse(steer),
        collection=collection,
        dictionary=dictionary,
        preset=preset or None,
        mode=mode,
        limit=limit,
        offset=offset,
    )


@router.post("/search")
def post_search(engine: EngineDep, body: SearchIn) -> SearchResponse:
    """The same search, asked as JSON."""
    return engine.search(
        body.q,
        steering=body.steering(),
        collection=body.collection or catalog.default_collection(engine),
        dictionary=body.dictionary,
        preset=body.preset or None,
        mode=body.mode,
        limit=body.limit,
        offset=body.offset,
    )


@router.get("/features")
def list_features(
    engine: EngineDep,
    collection: CollectionDep,
    q: Annotated[str, Query(description="What the features should be about")] = "",
    limit: Limit = 20,
    offset: Offset = 0,
) -> FeatureList:
    """Features for a text; without one, the most frequent features."""
    return features.find_features(engine, q, collection=collection, limit=limit, offset=offset)


@router.get("/features/{feature}")
def get_feature(engine: EngineDep, collection: CollectionDep, feature: int) -> FeatureDetail:
    """One feature: its label and how well it holds, its activations, examples, neighbours."""
    return features.feature_detail(engine, feature, collection=collection)


@router.get("/concepts")
def list_concepts(
    engine: EngineDep,
    collection: CollectionDep,
    q: Annotated[str, Query(description="What the concepts should be about")] = "",
    limit: Limit = 20,
    offset: Offset = 0,
) -> ConceptList:
    """Families of features to steer by, those nearest to a text; without one, the largest first."""
    return concept_list.find_concepts(engine, q, collection=collection, limit=limit, offset=offset)


@router.post("/refine")
def post_refine(engine: EngineDep, body: RefineIn) -> Refinement:
    """The features that tell liked documents from unliked ones, and the steering that says the same."""
    return refine(
        engine,
        body.like,
        body.unlike,
        collection=body.collection or catalog.default_collection(engine),
        query=body.q,
    )


@router.get("/documents/{document:path}")
def get_document(engine: EngineDep, collection: CollectionDep, document: str) -> DocumentDetail:
    """A document by the id its user gave, with the features of each passage."""
    return features.document_detail(engine, document, collection=collection)


@router.get("/collections")
def list_collections(engine: EngineDep) -> list[CollectionInfo]:
    """All collections, their sizes, and builds under way."""
    return catalog.collections(engine)


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request) -> JSONResponse:
    """The description of this API."""
    return JSONResponse(request.app.openapi())
