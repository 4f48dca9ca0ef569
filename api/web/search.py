"""The search page shows the start, results, the steering panel, and an index that is being built.

The same address gives the whole page and, to htmx, the parts of it that changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from api.auth.callers import SignedIn
from api.auth.scopes import reaches
from api.auth.sessions import Caller
from api.dependencies import CollectionDep, EngineDep, QuestionsDep
from api.views import cards
from api.views.details import Details
from api.views.numbers import moved_words
from api.views.page_state import PageState, asked_or_default, is_sent_form, read_state
from api.views.rendering import Page, is_fragment, render
from api.web.live_state import preset_spelled_out, with_presses
from api.web.page_before import is_same, state_before
from api.web.presets import PresetLink, preset_links
from indexer.insights.log import QuestionLog
from indexer.judgements.listing import own_judgements
from search.browse.collections import CollectionName, about, collection_names, collections, is_growing
from search.browse.concepts import find_concepts
from search.browse.examples import start_examples
from search.browse.features import find_features, near_features
from search.engine.engine import SearchEngine
from search.engine.reader import Reader
from search.errors import CollectionNotFound, InvalidQuery, NotIndexed, RefractError
from search.explain.relevance_feedback import refine
from search.presentation.for_people import ForPeople
from search.query.filters import parse_filters
from search.query.parser import Condition
from search.query.remapping import Carried, RemappedSteering
from search.query.steering import ConceptTarget, ExamplesTarget, Knob, Target
from search.responses.collections import CollectionInfo
from search.responses.features import ConceptSummary, FeatureSummary, Refinement
from search.responses.search import LostKnob, SearchResponse, SteeringTerm

router = APIRouter(include_in_schema=False)

FEW = 20
FOUND = 8
FOUND_CONCEPTS = 4


@dataclass(frozen=True)
class BuildingPage(Page):
    """Shows how far the index of the collection `here` is, None if there is none."""

    template = "building.html"
    blocks = ("building",)

    state: PageState
    known: list[CollectionInfo]
    here: CollectionInfo | None


@dataclass(frozen=True)
class StartPage(Page):
    """Shows a search box, what the collection `here` is, whether it is `growing` at this moment, questions to
    begin with, and for how many days those that are asked are `kept`."""

    template = "start.html"

    state: PageState
    known: list[CollectionName]
    here: str
    title: str
    description: str
    lost: Sequence[LostKnob]
    passages: int
    documents: int
    growing: bool
    examples: list[str]
    kept: int | None


@dataclass(frozen=True)
class Topics:
    """Holds what the panel's "find a topic" box found, or the `problem`: why it cannot look for what is in
    it. With nothing looked for, it holds the topics `near` the question."""

    found: list[FeatureSummary]
    near: list[FeatureSummary]
    concepts: list[ConceptSummary]
    problem: str


@dataclass(frozen=True)
class TopicsPart(Page):
    """Shows the list below the "find a topic" box."""

    template = "search.html"
    blocks = ("found",)
    part = True

    state: PageState
    topics: Topics


@dataclass(frozen=True)
class _Answer(Page):
    """Holds what the results and the panel show of one response. `moved` says how far the question went,
    `effect` what steering did to the first answers; `details` what of them is there; `kept`: for how many
    days questions are kept here."""

    state: PageState
    here: str
    lost: Sequence[LostKnob]
    presets: list[PresetLink]
    may_save: bool
    judged: Mapping[str, int] | None
    kept: int | None
    response: SearchResponse
    details: Details
    cards: list[cards.Card]
    tones: dict[int, str]
    moved: str
    effect: str
    is_dragged: bool


@dataclass(frozen=True)
class MorePart(Page):
    """Shows more of an answer that is on the page: its details, each in its place."""

    template = "search.html"
    blocks = ("more",)
    part = True

    response: SearchResponse
    details: Details
    cards: list[cards.Card]


@dataclass(frozen=True)
class DraggedPart(_Answer):
    """Shows the results while a knob is dragged: the rest of the panel is left alone."""

    template = "search.html"
    blocks = ("title", "results", "moved", "status")
    part = True


@dataclass(frozen=True)
class SearchPage(_Answer):
    """Shows the results and the whole panel. `turned` are the knobs with what the response says of each,
    `carried` where features of an earlier dictionary went, `apart` what sets the examples of a knob apart, by
    its target; nothing here is about the phrases that are `foreign`, and those that are `called` as values of
    fields are can be filtered by instead."""

    template = "search.html"
    blocks = ("title", "results", "panel", "status")

    known: list[CollectionName]
    turned: list[tuple[Knob, SteeringTerm]]
    carried: Mapping[int, Carried]
    apart: Mapping[Target, Refinement]
    foreign: frozenset[Target]
    called: Mapping[Target, list[Condition]]
    topics: Topics


@router.get("/")
def search_page(
    request: Request,
    engine: EngineDep,
    collection: CollectionDep,
    caller: SignedIn,
    questions: QuestionsDep,
) -> Response:
    """Shows a search and its answer, or where to start; a sent form is first folded into its address."""
    params = request.query_params
    state = read_state(params)
    if is_sent_form(params) and not state.pressed and not is_fragment(request):
        return RedirectResponse(state.url(), status_code=303)
    try:
        dear = state.limit > FEW and "details" in params  # the words of each answer may be read
        with engine.reader(state.collection or collection, dear=dear) as reader:
            return _live(request, reader, state, caller, questions)
    except (CollectionNotFound, NotIndexed) as error:
        return _building(request, engine, state, collection, error)


def _building(
    request: Request, engine: SearchEngine, state: PageState, collection: str, error: RefractError
) -> Response:
    """Shows how far the index is, if there is none to be searched yet.

    Raises:
        CollectionNotFound: there is none of the name asked for.
        RefractError: the error that came, where there is an index since.
    """
    known = collections(engine)
    here = asked_or_default(known, state.collection, collection)
    if here is not None and here.state == "live":
        if not is_fragment(request):
            raise error
        return Response(headers={"HX-Refresh": "true"})
    status = 200 if is_fragment(request) else 503
    return render(request, BuildingPage(state=state, known=known, here=here), status=status)


def _live(
    request: Request, reader: Reader, state: PageState, caller: Caller | None, questions: QuestionLog
) -> Response:
    """Shows the page of a collection that can be searched: all of it is of one generation."""
    trigger = request.headers.get("HX-Trigger")
    if trigger == "building":  # it was, until now
        return Response(headers={"HX-Refresh": "true"})
    ranges = state.filters != parse_filters(request.query_params.getlist("filter"))
    state, remapped = preset_spelled_out(reader, state)
    if trigger == "find":
        return render(request, TopicsPart(state=state, topics=_topics(reader, state)))
    if ranges and is_fragment(request):  # the form itself keeps the filters, too
        return Response(headers={"HX-Redirect": state.url()})
    if state.pressed and trigger != "knobs":  # what is being typed beside a knob that is dragged waits
        state = with_presses(reader, state)
        if not is_fragment(request):
            return RedirectResponse(state.url(), status_code=303)
    state = state.within_room()
    if not state.q.strip():
        return _start(request, reader, state, remapped, questions.days(reader.collection))
    return _results(request, reader, state, remapped, caller, questions)


def _start(
    request: Request, reader: Reader, state: PageState, remapped: RemappedSteering, kept: int | None
) -> Response:
    if is_fragment(request):
        return Response(headers={"HX-Redirect": state.url()})
    title, description = about(reader)
    page = StartPage(
        state=state,
        known=collection_names(reader.session, reader.rights),
        here=reader.collection,
        title=title,
        description=description,
        lost=remapped.lost,
        passages=reader.snapshot.passages,
        documents=reader.snapshot.documents,
        growing=is_growing(reader),
        examples=start_examples(reader),
        kept=kept,
    )
    return render(request, page)


def _results(
    request: Request,
    reader: Reader,
    state: PageState,
    remapped: RemappedSteering,
    caller: Caller | None,
    questions: QuestionLog,
) -> Response:
    writer = caller.name if caller is not None and reaches(caller.scope, "write") else None
    asked = frozenset(request.query_params.getlist("details"))
    details = Details(state, reader.snapshot.generation, asked)
    shown = request.query_params.get("generation") if is_fragment(request) else None
    more = shown == str(details.generation)
    people = ForPeople(marks="all" if details.rest else "known", ranks=details.any_why, again=more)
    response = reader.search(
        state.request(),
        limit=state.limit,
        offset=state.offset,
        facets=details.counted,
        values_of=details.values_of,
        for_people=people,
    )
    if more:
        return render(request, MorePart(response, details, cards.build_cards(response)))
    _note(request, state, response, caller, questions)
    is_dragged = request.headers.get("HX-Trigger") == "knobs"
    answer = _Answer(
        state=state,
        here=reader.collection,
        lost=remapped.lost,
        presets=preset_links(reader, state),
        may_save=writer is not None,
        judged=_judged(reader, state, writer),
        kept=questions.days(reader.collection),
        response=response,
        details=details,
        cards=cards.build_cards(response),
        tones=cards.topic_tones(response),
        moved=moved_words(response.moved),
        effect=cards.effect(response),
        is_dragged=is_dragged,
    )
    if is_dragged:
        return render(request, DraggedPart(**vars(answer)), headers={"HX-Replace-Url": state.url()})
    page = SearchPage(
        **vars(answer),
        known=collection_names(reader.session, reader.rights),
        turned=list(zip(state.steering.knobs, response.steering, strict=True)),
        carried=remapped.carried,
        apart=_apart(reader, state),
        foreign=_foreign(reader, state),
        called=_called(reader, state),
        topics=_topics(reader, state),
    )
    if shown:  # more was asked for of an answer of another generation: all of it comes anew
        return render(request, page, headers={"HX-Retarget": "#results", "HX-Reswap": "innerHTML"})
    return render(request, page, headers={"HX-Push-Url": state.url()} if is_fragment(request) else None)


def _note(
    request: Request,
    state: PageState,
    response: SearchResponse,
    caller: Caller | None,
    questions: QuestionLog,
) -> None:
    """Notes the question, unless an admin tries it, or it is that of the page before, of which something was
    changed: then only knobs count that were not turned there."""
    if caller is not None and reaches(caller.scope, "admin"):
        return
    before = state_before(request)
    again = before is not None and is_same(before, state)
    known = {knob.target for knob in before.steering.knobs} if before is not None and again else set()
    turned = zip(state.steering.knobs, response.steering, strict=True)
    questions.note(
        response, again=again, turned=[term.label for knob, term in turned if knob.target not in known]
    )


def _judged(reader: Reader, state: PageState, writer: str | None) -> dict[str, int] | None:
    """Reads what who is signed in has said of documents for this question; None: they may not judge."""
    if writer is None:
        return None
    return own_judgements(reader.session, reader.snapshot.collection_id, state.q, writer)


def _apart(reader: Reader, state: PageState) -> dict[Target, Refinement]:
    """Finds for each knob on examples, by its target, the features that set them apart."""
    apart: dict[Target, Refinement] = {}
    for knob in state.steering.knobs:
        match knob.target:
            case ExamplesTarget(like, unlike):
                strength = float(knob.strength) or 1.0
                apart[knob.target] = refine(reader, list(like), list(unlike), strength=strength)
    return apart


def _foreign(reader: Reader, state: PageState) -> frozenset[Target]:
    """Finds the phrases of the steering that nothing here is about."""
    turned = [knob.target for knob in state.steering.knobs]
    phrases = [target for target in turned if isinstance(target, ConceptTarget)]
    return frozenset(target for target in phrases if not reader.knows(target.phrase))


def _called(reader: Reader, state: PageState) -> dict[Target, list[Condition]]:
    """Finds for each phrase of the steering the fields that have a value of that name, as filters; those of
    one that is turned down leave out."""
    return {
        knob.target: [
            replace(each, negated=knob.strength != "off" and knob.strength < 0)
            for each in reader.values_called(knob.target.phrase)
        ]
        for knob in state.steering.knobs
        if isinstance(knob.target, ConceptTarget)
    }


def _topics(reader: Reader, state: PageState) -> Topics:
    found: list[FeatureSummary] = []
    near: list[FeatureSummary] = []
    concepts: list[ConceptSummary] = []
    problem = ""
    try:
        if state.find:
            concepts = find_concepts(reader, state.find, limit=FOUND_CONCEPTS).concepts
            found = find_features(reader, state.find, limit=FOUND).features
        elif state.q.strip():
            near = near_features(reader, state.q, limit=FOUND_CONCEPTS)
    except InvalidQuery as error:
        problem = str(error)
    return Topics(found, near, concepts, problem)
