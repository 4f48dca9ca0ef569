"""Repairs on the pages: why a search fails, what would put it right, and what was put right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse
from starlette.datastructures import QueryParams
from starlette.responses import Response

from api.auth.guards import Fields, WriterForm, writer_session
from api.auth.sessions import Caller
from api.dependencies import CollectionDep, EngineDep
from api.middleware.proxy import at
from api.views.margins import Margins, short_names
from api.views.page_state import PageState
from api.views.rendering import Page, render
from api.web.login import local_path
from indexer.repairs.store import list_repairs, save_repair, undo_repair
from search.browse.documents import find_by_name
from search.engine.reader import Reader
from search.errors import DocumentNotFound, InvalidRequest
from search.query.repairs import KINDS, Repair
from search.query.request import SearchRequest
from search.responses.repairs import Diagnosis, RepairInfo
from search.responses.search import DocumentRef, Result

router = APIRouter(include_in_schema=False)

Writer = Annotated[Caller, Depends(writer_session)]

ANSWERS, FOUND = 20, 12
MOST_DIGITS = 9


@dataclass(frozen=True)
class RepairPage(Page):
    """Shows why a document does not stand first, and repairs that were tried. `document` is what was asked
    for: the id of what was `found` or, if it is none, words of a title, and then `named` are the documents
    that have them; where nothing was asked for, `answers` are there to pick from, of which one is `wrong`.
    The repair that was just `saved` can be undone; `problem` says why one that somebody tried cannot be."""

    template = "repair.html"

    state: PageState
    document: str
    wrong: str
    found: Diagnosis | None
    margins: Margins
    names: tuple[str, str]
    named: Sequence[DocumentRef]
    answers: Sequence[Result]
    list_url: str
    saved: RepairInfo | None
    problem: str


@dataclass(frozen=True)
class RepairsPage(Page):
    """Lists the repairs of the collection `here`, the latest first."""

    template = "repairs.html"

    state: PageState
    here: str
    saved: Sequence[RepairInfo]


@router.get("/repair")
def repair_page(request: Request, _: Writer, engine: EngineDep, collection: CollectionDep) -> Response:
    """Says why a document does not stand first for a question without steering, and what would repair that,
    tried on what was judged."""
    params = request.query_params
    document, question = params.get("document", "").strip(), params.get("q", "")
    state = PageState(q=question, collection=params.get("collection", ""))
    found: Diagnosis | None = None
    named: Sequence[DocumentRef] = ()
    answers: Sequence[Result] = ()
    problem = ""
    with engine.reader(collection, dear=bool(document)) as reader:
        if document and question.strip():
            try:
                found, problem = _diagnosed(reader, question, document, params)
            except DocumentNotFound:
                named = _named(reader, document)
        elif question.strip():
            answers = reader.search(SearchRequest(question), limit=ANSWERS).results
        here, saved = reader.collection, _saved(reader, params.get("saved", ""))
    parted = [*found.lacks, *found.has] if found else []
    page = RepairPage(
        state=state,
        document=document if question.strip() else "",
        wrong=params.get("wrong", ""),
        found=found,
        margins=Margins.of(sorted(parted, key=lambda each: -abs(each.margin))),
        names=short_names(found.result.document, found.first.document) if found and found.first else ("", ""),
        named=named,
        answers=answers,
        list_url=_list_url(here),
        saved=saved,
        problem=problem,
    )
    return render(request, page)


@router.get("/repairs")
def repairs_page(request: Request, _: Writer, engine: EngineDep, collection: CollectionDep) -> Response:
    """Lists what was repaired, and what of it was undone."""
    with engine.reader(collection) as reader:
        saved, here = list_repairs(reader, undone=True), reader.collection
    return render(request, RepairsPage(state=PageState(collection=here), here=here, saved=saved))


@router.post("/repairs")
def post_repair(engine: EngineDep, form: WriterForm, caller: Writer) -> Response:
    """Saves a repair or undoes one, and goes back to where that was pressed."""
    collection = engine.chosen(form.get("collection", ""))
    back = local_path(form.get("back", ""), _list_url(collection))
    if "undo" in form:
        undo_repair(engine, collection, _number(form["undo"]))
        return RedirectResponse(back, status_code=303)
    made = save_repair(engine, collection, _sent(form), caller.name)
    mark = f"{'&' if '?' in back else '?'}saved={made.number}"
    return RedirectResponse(back + mark, status_code=303)


def _diagnosed(reader: Reader, question: str, document: str, params: QueryParams) -> tuple[Diagnosis, str]:
    """Looks into a search, and tries what somebody wants to be tried; says why that cannot be, if it
    cannot."""
    from search.repair.diagnosis import diagnose  # with measures, which take long to load

    own = []
    if same := params.getlist("same"):
        own.append(Repair("same_words", words=tuple(same)))
    if keyword := params.get("keyword", ""):
        own.append(Repair("keyword", document=document, words=(keyword,)))
    if not own:
        return diagnose(reader, question, document), ""
    try:
        return diagnose(reader, question, document, own), ""
    except InvalidRequest as error:
        return diagnose(reader, question, document), f"{error.message} {error.hint}"


def _saved(reader: Reader, number: str) -> RepairInfo | None:
    """Finds the repair in force that was just saved."""
    there = list_repairs(reader) if number.isascii() and number.isdigit() else []
    return next((each for each in there if str(each.number) == number), None)


def _named(reader: Reader, text: str) -> Sequence[DocumentRef]:
    return find_by_name(reader, text, limit=FOUND) if any(map(str.isalnum, text)) else []


def _sent(form: Fields) -> Repair:
    """Reads the repair that a form sends.

    Raises:
        InvalidRequest: it is of no kind, or a number is none.
    """
    kind = next((kind for kind in KINDS if kind == form.get("kind")), None)
    if kind is None:
        raise InvalidRequest("The form says of no repair what it is.", hint="Press Save on the page.")
    return Repair(
        kind,
        question=form.get("question", ""),
        document=form.get("of", ""),
        words=tuple(form.getlist("word")),
        feature=_number(form["feature"]) if "feature" in form else None,
        strength=_strength(form["strength"]) if "strength" in form else None,
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise InvalidRequest(f"{text[:40]!r} is no number.", hint="Press the button on the page.")
    return int(text)


def _strength(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidRequest(f"{text[:40]!r} is no strength.", hint="Press Save on the page.") from None


def _list_url(collection: str) -> str:
    return at(f"/repairs?{urlencode({'collection': collection})}")
