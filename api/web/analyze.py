"""This page shows the features of any text, and searches with some of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from api.auth.callers import SignedIn
from api.auth.guards import Fields, FormDep, SameSite, WriterForm
from api.auth.scopes import reaches
from api.auth.sessions import Caller
from api.dependencies import CollectionDep, EngineDep
from api.middleware.proxy import at
from api.views.cards import Lit
from api.views.excerpts import Mark, Run, runs
from api.views.page_state import PageState
from api.views.rendering import Page, render
from api.web.features import read_number
from search.browse.collections import CollectionName, collection_names
from search.browse.documents import document_detail
from search.embedding.word_sums import levels
from search.engine.engine import SearchEngine
from search.engine.reader import Reader
from search.errors import (
    ConfigurationError,
    EditorUnavailable,
    InvalidRequest,
    PassageNotFound,
    RefractError,
)
from search.explain.analyze import analyze, as_query, only
from search.explain.carrying import carrying_words
from search.explain.editing import MAX_EDITED, edit
from search.presentation.highlighting import TOP_TOPICS
from search.query.limits import check_query
from search.query.steering import UNSTEERED, parse
from search.responses.documents import ActiveFeature
from search.responses.words import CarryingWords, EditedText, TextAnalysis, TextPassage
from search.settings import load_settings

router = APIRouter(include_in_schema=False)

SHOWN = 40
TICKED = 5
IN_ADDRESS = 1500  # characters of a text that still become an address, to be kept or sent


@dataclass(frozen=True)
class ShownSentence:
    """Shows a sentence in runs that are lit alike, and its strongest features."""

    runs: list[Run]
    features: list[ActiveFeature]


@dataclass(frozen=True)
class Edits:
    """Says whether there is an editor, and whether whoever looks may have texts rewritten: that costs."""

    there: bool
    allowed: bool
    most: int = MAX_EDITED


@dataclass(frozen=True)
class Along:
    """Says what is shown of one topic besides: its words, how the text was rewritten, or why it was not."""

    feature: int | None = None
    edited: EditedText | None = None
    problem: RefractError | None = None


@dataclass(frozen=True)
class AnalyzePage(Page):
    """Shows the form and, with a text, what was found in it. `ticked` are the features that are ticked at
    first, `lit` those whose words are lit; `carrying` are the words of one of them. `edits`: whether texts
    can be rewritten here, and by whoever looks; `edited` is how this one was, `problem` why it was not."""

    template = "analyze.html"

    state: PageState
    known: list[CollectionName]
    here: str
    text: str
    found: TextAnalysis | None
    ticked: list[int]
    lit: dict[int, Lit]
    passages: list[list[ShownSentence]]
    carrying: CarryingWords | None
    edits: Edits
    edited: EditedText | None
    problem: RefractError | None


@router.get("/analyze")
def analyze_page(
    request: Request,
    engine: EngineDep,
    collection: CollectionDep,
    caller: SignedIn,
    text: str = "",
    document: str = "",
    passage: int | None = None,
    along: int | None = None,
) -> Response:
    """Shows a form for a text; with one, or a passage of a document, its features, and the words that carry
    the one to look `along`."""
    if document and passage is not None:
        with engine.reader(collection) as reader:
            text = _passage_text(reader, document, passage)
    return _page(request, engine, collection, caller, text, Along(along))


@router.post("/analyze")
def analyze_sent(
    request: Request,
    _: SameSite,
    engine: EngineDep,
    chosen: CollectionDep,
    caller: SignedIn,
    form: FormDep,
) -> Response:
    """Shows the features of a text that was sent; a short one becomes an address."""
    text, collection = _sent(form), form.get("collection", "") or chosen
    along = read_number(form["along"]) if "along" in form else None
    if 0 < len(text) <= IN_ADDRESS:
        fields = {"text": text, "collection": collection} | ({} if along is None else {"along": str(along)})
        place = "" if along is None else "#along"
        return RedirectResponse(at(f"/analyze?{urlencode(fields)}{place}"), status_code=303)
    return _page(request, engine, collection, caller, text, Along(along), sent=True)


@router.post("/analyze/edit")
def edit_sent(
    request: Request, engine: EngineDep, chosen: CollectionDep, caller: SignedIn, form: WriterForm
) -> Response:
    """Has a text rewritten so that there is more or less of a topic in it, and shows what moved."""
    text, collection = _sent(form), form.get("collection", "") or chosen
    way: Literal["more", "less"] = "more" if "more" in form else "less"
    feature = read_number(form.get(way, ""))
    try:
        along = Along(edited=edit(engine, collection, text, feature, way))
    except (EditorUnavailable, ConfigurationError) as error:
        along = Along(problem=error)
    return _page(request, engine, collection, caller, text, along, sent=True)


@router.get("/analyze/search")
def search_with(
    request: Request,
    engine: EngineDep,
    collection: CollectionDep,
    text: str = "",
    use: str = "text",
    q: str = "",
) -> Response:
    """Goes from the ticked topics to the search: with the text, with these of its topics alone, or another
    question steered by them."""
    ticked = parse(",".join(request.query_params.getlist("keep")))
    if use != "text" and not ticked.knobs:
        raise InvalidRequest("No topic is ticked.", hint="Go back and tick at least one.")
    question = q if use == "steer" else as_query(text)
    check_query(question)
    with engine.reader(collection) as reader:
        steering = UNSTEERED
        if use == "only":
            steering = only(reader, question, ticked.features)
        elif use == "steer":
            steering = ticked
        dictionary = reader.snapshot.dictionary_id
    state = PageState(q=question, steering=steering, dictionary=dictionary, collection=collection)
    return RedirectResponse(state.url(), status_code=303)


def _sent(form: Fields) -> str:
    return form.get("text", "").replace("\r\n", "\n")


def _page(
    request: Request,
    engine: SearchEngine,
    collection: str,
    caller: Caller | None,
    text: str,
    along: Along,
    *,
    sent: bool = False,
) -> Response:
    with engine.reader(collection, dear=bool(text) or sent) as reader:
        known = collection_names(reader.session, reader.rights)
        found = analyze(reader, text, limit=SHOWN) if text or sent else None
        carrying = carrying_words(reader, text, along.feature) if along.feature is not None and text else None
    page = AnalyzePage(
        state=PageState(collection=collection),
        known=known,
        here=collection,
        text=text,
        found=found,
        ticked=_ticked(found) if found else [],
        lit=_lit(found) if found else {},
        passages=[_sentences(text, passage) for passage in found.passages] if found else [],
        carrying=carrying,
        edits=Edits(bool(load_settings().editor_url), caller is not None and reaches(caller.scope, "write")),
        edited=along.edited,
        problem=along.problem,
    )
    return render(request, page, status=along.problem.status if along.problem else 200)


def _ticked(found: TextAnalysis) -> list[int]:
    reliable = [each.feature for each in found.features if each.reliable and each.strength >= 0.05]
    return reliable[:TICKED]


def _lit(found: TextAnalysis) -> dict[int, Lit]:
    """Finds the features whose words are lit when one points at them, by feature."""
    return {
        feature.feature: Lit(number, "")
        for number, feature in enumerate(found.features[:TOP_TOPICS], start=1)
    }


def _sentences(text: str, passage: TextPassage) -> list[ShownSentence]:
    marks = [mark for number in range(1, TOP_TOPICS + 1) for mark in _marks(passage, number)]
    return [
        ShownSentence(runs(text, sentence.start, sentence.end, marks), sentence.features)
        for sentence in passage.sentences
    ]


def _marks(passage: TextPassage, number: int) -> Sequence[Mark]:
    """Marks the words that made the text's first, second or third feature fire, where it does."""
    if number > len(passage.word_values) or not passage.word_values[number - 1].activation:
        return []
    level_P = levels(np.array(passage.word_values[number - 1].values, dtype=np.float32)).tolist()
    return [
        (word.start, word.end, f"lit{number}-{level}")
        for word, level in zip(passage.words, level_P, strict=True)
        if level
    ]


def _passage_text(reader: Reader, document_id: str, passage: int) -> str:
    document = document_detail(reader, document_id)
    for each in document.passages:
        if each.id == passage:
            return document.text[each.start : each.end]
    raise PassageNotFound(
        f"The document {document_id[:100]!r} has no passage {passage}.",
        hint="Open it from the document's page.",
    )
