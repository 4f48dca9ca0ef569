"""The JSON API."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from api.auth.guards import require
from api.dependencies import CollectionDep, EngineDep, QuestionsDep
from api.middleware.proxy import at
from api.v1 import examples
from api.v1.schemas import (
    AS_TYPED,
    COLLAPSE,
    FACETS,
    MIN_SCORE,
    OF_DICTIONARY,
    OF_PRESET,
    VALUES_OF,
    AnalyzeIn,
    EditIn,
    RefineIn,
    SearchIn,
    errors,
)
from search.browse import collections, concepts, documents, features
from search.browse.feature_map import feature_map
from search.browse.suggestions import MOST as MOST_SUGGESTED
from search.browse.suggestions import suggest
from search.explain import word_attribution
from search.explain.analyze import analyze
from search.explain.compare import compare
from search.explain.editing import edit
from search.explain.relevance_feedback import refine
from search.explain.why_not import why_not
from search.query.filters import FORM as FILTER_FORM
from search.query.filters import parse_filters
from search.query.limits import MAX_LIMIT, MAX_QUERY, USUAL_MODE, WAYS, check_page
from search.query.request import SearchRequest
from search.query.steering import FORM, parse
from search.responses.collections import CollectionInfo
from search.responses.documents import DocumentDetail
from search.responses.explanations import Comparison, WhyNot
from search.responses.features import ConceptList, FeatureDetail, FeatureList, FeatureMap, Refinement
from search.responses.search import DocumentRef, SearchResponse
from search.responses.suggestions import Suggestions
from search.responses.words import DocumentWords, EditedText, TextAnalysis

router = APIRouter(prefix="/v1", responses=errors(400, 401, 403, 404, 503), tags=["v1"])

Limit = Annotated[int, Query(description=f"1 to {MAX_LIMIT}")]
Offset = Annotated[int, Query(description="How many to skip")]


def get_request(
    q: Annotated[
        str, Query(description=f"The question, at most {MAX_QUERY} characters", examples=examples.QUESTIONS)
    ],
    steer: Annotated[str, Query(description=FORM, examples=examples.STEERING)] = "",
    dictionary: Annotated[int | None, Query(description=OF_DICTIONARY)] = None,
    preset: Annotated[str, Query(description=OF_PRESET)] = "",
    mode: Annotated[str, Query(description=WAYS)] = USUAL_MODE,
    filter: Annotated[  # FastAPI copies the default
        list[str], Query(description=FILTER_FORM, examples=examples.FILTERS)
    ] = [],  # noqa: B006
    as_typed: Annotated[bool, Query(description=AS_TYPED)] = False,
) -> SearchRequest:
    """Reads a steered question, as all addresses that answer one take it."""
    return SearchRequest(
        query=q,
        steering=parse(steer),
        dictionary=dictionary,
        preset=preset or None,
        mode=mode,
        filters=parse_filters(filter),
        as_typed=as_typed,
    )


RequestDep = Annotated[SearchRequest, Depends(get_request)]


@router.get("/search", responses=examples.SEARCH_ANSWER)
def search(
    engine: EngineDep,
    questions: QuestionsDep,
    collection: CollectionDep,
    request: RequestDep,
    facets: Annotated[bool, Query(description=FACETS)] = False,
    values_of: Annotated[list[str], Query(description=VALUES_OF)] = [],  # noqa: B006
    collapse: Annotated[bool, Query(description=COLLAPSE)] = True,
    min_score: Annotated[float | None, Query(allow_inf_nan=False, description=MIN_SCORE)] = None,
    limit: Limit = 10,
    offset: Offset = 0,
) -> SearchResponse:
    """The documents nearest to a steered question. The values of a result's terms sum to its score.

    Steering saved with an earlier dictionary is carried over where its features have counterparts.
    """
    answer = engine.search(
        request,
        collection=collection,
        facets=facets,
        values_of=values_of,
        collapse=collapse,
        min_score=min_score,
        limit=limit,
        offset=offset,
    )
    questions.note(answer)
    return answer


@router.post("/search", responses=examples.SEARCH_ANSWER)
def post_search(engine: EngineDep, questions: QuestionsDep, body: SearchIn) -> SearchResponse:
    """The same search, asked as JSON."""
    answer = engine.search(
        body.request(),
        collection=engine.chosen(body.collection),
        facets=body.facets,
        values_of=body.values_of,
        collapse=body.collapse,
        min_score=body.min_score,
        limit=body.limit,
        offset=body.offset,
    )
    questions.note(answer)
    return answer


@router.get("/compare")
def get_comparison(
    engine: EngineDep,
    collection: CollectionDep,
    request: RequestDep,
    first: Annotated[str, Query(description="A document by its id")],
    second: Annotated[str, Query(description="Another one")],
) -> Comparison:
    """Why one document stands before another: what each term adds to both scores. The margins of the terms
    sum to the margin of the scores."""
    with engine.reader(collection, dear=True) as reader:
        return compare(reader, request, first, second)


@router.get("/why-not")
def get_why_not(
    engine: EngineDep,
    collection: CollectionDep,
    request: RequestDep,
    document: Annotated[str, Query(description="A document by its id")],
) -> WhyNot:
    """Where a document stands in a search, what it lacks, and the smallest steering that brings it among the
    first ten."""
    with engine.reader(collection, dear=True) as reader:
        return why_not(reader, request, document)


@router.get("/features")
def list_features(
    engine: EngineDep,
    collection: CollectionDep,
    q: Annotated[str, Query(description="What the features should be about")] = "",
    limit: Limit = 20,
    offset: Offset = 0,
) -> FeatureList:
    """Features for a text; without one, the most frequent features."""
    with engine.reader(collection) as reader:
        return features.find_features(reader, q, limit=limit, offset=offset)


@router.get("/features/{feature}")
def get_feature(engine: EngineDep, collection: CollectionDep, feature: int) -> FeatureDetail:
    """One feature: its label and how well it holds, its activations, examples, neighbours."""
    with engine.reader(collection) as reader:
        return features.feature_detail(reader, feature)


@router.get("/map")
def get_map(engine: EngineDep, collection: CollectionDep) -> FeatureMap:
    """The most distinctive features on a map where near meanings lie near each other, the same until the
    collection is reindexed."""
    with engine.reader(collection) as reader:
        return feature_map(reader)


@router.get("/concepts")
def list_concepts(
    engine: EngineDep,
    collection: CollectionDep,
    q: Annotated[str, Query(description="What the concepts should be about")] = "",
    limit: Limit = 20,
    offset: Offset = 0,
) -> ConceptList:
    """Families of features to steer by, those nearest to a text; without one, the largest first."""
    with engine.reader(collection) as reader:
        return concepts.find_concepts(reader, q, limit=limit, offset=offset)


@router.get("/documents")
def list_documents(
    engine: EngineDep,
    collection: CollectionDep,
    request: Request,
    response: Response,
    q: Annotated[str, Query(description="An id, or words of an id or a title; left out: all documents")] = "",
    after: Annotated[str, Query(description="Without q: only documents whose id comes after this one")] = "",
    limit: Limit = 10,
) -> list[DocumentRef]:
    """Documents by their id, or by words of their id or title. Without q all documents in the order of their
    ids, a page at a time: while there are more, the header Link has the address of the next page, which is
    this one with the last id as `after`."""
    with engine.reader(collection) as reader:
        if q:
            return documents.find_by_name(reader, q, limit=limit)
        found = documents.list_documents(reader, after=after, limit=limit)
    if len(found) == limit:
        response.headers["Link"] = next_page(request, found[-1].id)
    return found


@router.post("/refine")
def post_refine(engine: EngineDep, body: RefineIn) -> Refinement:
    """The features that tell liked documents from unliked ones, and the steering that says the same."""
    with engine.reader(engine.chosen(body.collection), dear=True) as reader:
        return refine(reader, body.like, body.unlike, query=body.q)


@router.get("/documents/{document:any}")
def get_document(engine: EngineDep, collection: CollectionDep, document: str) -> DocumentDetail:
    """A document by the id its user gave, with the features of each passage."""
    with engine.reader(collection) as reader:
        return documents.document_detail(reader, document)


@router.get("/words")
def get_words(
    engine: EngineDep,
    collection: CollectionDep,
    document: Annotated[str, Query(description="A document by the id its user gave")],
    q: Annotated[str, Query(description=f"A question, at most {MAX_QUERY} characters")] = "",
    feature: Annotated[
        tuple[int, ...], Query(description=f"Features, at most {word_attribution.MAX_FEATURES}")
    ] = (),
    passage: Annotated[tuple[int, ...], Query(description="Some passages alone, by their numbers")] = (),
    steer: Annotated[str, Query(description=f"Turns q. {FORM}")] = "",
    dictionary: Annotated[int | None, Query(description=OF_DICTIONARY)] = None,
    limit: Limit = 10,
    offset: Offset = 0,
) -> DocumentWords:
    """Which words of a document's passages match a steered question, and which make features fire.

    What the words of a passage add, and what is elsewhere, sums to the total. What rounding left of
    them counts as elsewhere.
    """
    request = SearchRequest(q, parse(steer), dictionary)
    with engine.reader(collection, dear=True) as reader:
        return word_attribution.document_words(
            reader, document, request, features=feature, passages=passage, limit=limit, offset=offset
        )


@router.post("/analyze")
def analyze_text(engine: EngineDep, body: AnalyzeIn) -> TextAnalysis:
    """The features of any text, with the strength that a knob is turned to for as much of each; by passage,
    by sentence, and down to its words. Of a long text, the beginning."""
    with engine.reader(engine.chosen(body.collection), dear=True) as reader:
        return analyze(reader, body.text, limit=body.limit)


@router.post("/edit", dependencies=[Depends(require("write"))])
def edit_text(engine: EngineDep, body: EditIn) -> EditedText:
    """A text rewritten by the editor that the owner configured, with more or less of a feature; and, with
    both texts read anew, whether the feature moved and what moved besides. Nothing is kept."""
    return edit(engine, engine.chosen(body.collection), body.text, body.feature, body.way)


@router.get("/suggest")
def get_suggestions(
    engine: EngineDep,
    collection: CollectionDep,
    q: Annotated[str, Query(description="What was typed so far")] = "",
    limit: Annotated[int, Query(description=f"1 to {MOST_SUGGESTED}")] = MOST_SUGGESTED,
) -> Suggestions:
    """What may be meant by the beginning of a question: names of topics and titles of documents that begin
    so, or have a word that does. It is answered from memory, without the model."""
    with engine.reader(collection) as reader:
        return suggest(reader, q, limit=limit)


@router.get("/collections")
def list_collections(
    engine: EngineDep,
    request: Request,
    response: Response,
    after: Annotated[str, Query(description="Only collections whose name comes after this one")] = "",
    limit: Limit = MAX_LIMIT,
) -> list[CollectionInfo]:
    """Collections by name, their sizes, and builds under way; while there are more, the header Link has the
    address of the next page."""
    check_page(limit, 0)
    found = collections.collections(engine, after=after, limit=limit)
    if len(found) == limit:
        response.headers["Link"] = next_page(request, found[-1].name)
    return found


def next_page(request: Request, last: str) -> str:
    """The header that leads to the page behind the last entry of this one."""
    query = urlencode(
        [
            *((key, value) for key, value in request.query_params.multi_items() if key != "after"),
            ("after", last),
        ]
    )
    return f'<{at(request.url.path)}?{query}>; rel="next"'


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request) -> JSONResponse:
    """The description of this API."""
    return JSONResponse({**request.app.openapi(), "servers": [{"url": at("/")}]})
